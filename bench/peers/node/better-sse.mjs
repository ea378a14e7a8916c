// The library better-sse, with a channel for each topic, as its guides "Getting started" and "Channels" have it.
// Usage: node better-sse.mjs PORT (0 takes a free one)

import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { readBody, topicOfPublication, topicOfSubscription } from './requests.mjs'

const channels = new Map()

function channel(topic) {
  if (!channels.has(topic)) channels.set(topic, createChannel())
  return channels.get(topic)
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (request.method === 'GET') {
    channel(topicOfSubscription(url)).register(await createSession(request, response))
  } else {
    channel(topicOfPublication(url)).broadcast(await readBody(request))
    response.end('{}')
  }
})

server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
