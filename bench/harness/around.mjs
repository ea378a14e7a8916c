// What else there is on a hub while it is measured: topics that each have an event and a subscriber.

import { Agent, get, request } from 'node:http'

// The hub's default limit of topics in one subscription.
const TOPICS_PER_SUBSCRIBER = 100
const EVENTS_PER_REQUEST = 1_000

/** Makes them; resolves with a function that lets the subscribers go. */
export async function surround(url, { topics }) {
  const names = Array.from({ length: topics }, (_, index) => `around-${index}`)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (const part of parts(names, EVENTS_PER_REQUEST)) {
    await publish(agent, url, part.map((topic) => `${JSON.stringify({ topic, data: 'around' })}\n`).join(''))
  }
  agent.destroy()
  const subscribers = []
  for (const part of parts(names, TOPICS_PER_SUBSCRIBER)) subscribers.push(await subscribe(url, part))
  return () => { for (const subscriber of subscribers) subscriber.destroy() }
}

function parts(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size))
}

function publish(agent, url, lines) {
  const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': Buffer.byteLength(lines) }
  return answered(request(`${url}/publish`, { method: 'POST', agent, headers }).end(lines))
}

function subscribe(url, topics) {
  const query = topics.map((topic) => `topic=${topic}`).join('&')
  const subscriber = get(`${url}/events?${query}`, { agent: false })
  return answered(subscriber).then(() => subscriber)
}

function answered(sent) {
  return new Promise((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.on('error', () => {}).resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`${sent.path.slice(0, 40)} was answered ${response.statusCode}`))
    })
  })
}
