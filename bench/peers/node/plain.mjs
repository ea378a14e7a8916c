// The broadcaster of every article about server-sent events: a list of responses, and a loop over it.
// Usage: node plain.mjs PORT (0 takes a free one)

import { createServer } from 'node:http'
import { readBody, topicOfPublication, topicOfSubscription } from './requests.mjs'

// Topic to the responses of its subscribers.
const clients = new Map()
let nextId = 0

function subscribe(request, response, topic) {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    Connection: 'keep-alive',
  })
  // Node holds the head back until there is a body to go with it.
  response.write(':\n\n')
  if (!clients.has(topic)) clients.set(topic, [])
  clients.get(topic).push(response)
  request.on('close', () => {
    clients.set(topic, clients.get(topic).filter((client) => client !== response))
  })
}

async function publish(request, response, topic) {
  const data = await readBody(request)
  const id = nextId++
  for (const client of clients.get(topic) ?? []) client.write(`id: ${id}\ndata: ${data}\n\n`)
  response.end(`{"id":"${id}"}`)
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (request.method === 'GET') subscribe(request, response, topicOfSubscription(url))
  else publish(request, response, topicOfPublication(url))
})

server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
