// Laravel's useEventStream, from npm and as it is, on streams of the hub. It listens for one type of event, stops at the end
// signal, and takes any lost connection for an error, after which it does not come back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seen, show, startEventStream } from './support/event_stream.mjs'
import { until } from './support/wait.mjs'

const QUERY = 'topic=answers&event=update&end=%3C/stream%3E'

async function subscribed(hub) {
  await until('the page listens', async () => (await hub.subscribers()) === 1)
}

test('the words of an answer are joined until the application says that it is over', async (t) => {
  const { hub, page } = await startEventStream(t)
  await show(page, `${hub.url}/events?${QUERY}`)
  await subscribed(hub)
  for (const word of ['It', 'works.']) await hub.publish('answers', word)
  // Of whatever type, and whatever was said before `data: `.
  await hub.publish('answers', 'data: Really!', { event: 'word' })
  await hub.publish('elsewhere', 'not asked for')
  await until('all has arrived', async () => (await seen(page)).data.length === 3)
  assert.equal(await page.textContent('output'), 'It works. Really!')

  await hub.publish('answers', '</stream>')
  await until('it is complete', async () => (await seen(page)).completed === 1)
  await until('the page has gone', async () => (await hub.subscribers()) === 0)
  assert.deepEqual(await seen(page), { data: ['It', 'works.', 'data: Really!'], completed: 1, errors: 0 })
  assert.equal(await page.textContent('output'), 'It works. Really!')
  assert.deepEqual(page.faults, [])
})

test('events keep their types where the page names them itself', async (t) => {
  const { hub, page } = await startEventStream(t)
  await show(page, `${hub.url}/events?topic=answers`, { eventName: ['update', 'word'], endSignal: 'done', glue: '-' })
  await subscribed(hub)
  await hub.publish('answers', 'a message of no type')
  await hub.publish('answers', 'a', { event: 'update' })
  await hub.publish('answers', 'of another type', { event: 'other' })
  await hub.publish('answers', 'b', { event: 'word' })
  await hub.publish('answers', 'done', { event: 'update' })
  await until('it is complete', async () => (await seen(page)).completed === 1)
  assert.deepEqual(await seen(page), { data: ['a', 'b'], completed: 1, errors: 0 })
  assert.equal(await page.textContent('output'), 'a-b')
})

test('a late page gets the whole answer', async (t) => {
  const { hub, page } = await startEventStream(t)
  for (const word of ['It', 'works.', '</stream>']) await hub.publish('answers', word)
  await show(page, `${hub.url}/events?${QUERY}&last_event_id=earliest`)
  await until('it is complete', async () => (await seen(page)).completed === 1)
  assert.deepEqual(await seen(page), { data: ['It', 'works.'], completed: 1, errors: 0 })
})

test('a stream that is to be ended for its age is not, and one of a hub that stops is complete', async (t) => {
  const { hub, page } = await startEventStream(t, '[stream]\nlifetime = "1s"\nretry = "2s"\n')
  await show(page, `${hub.url}/events?${QUERY}`)
  await subscribed(hub)
  const other = await hub.get('/events?topic=answers')
  await other.text()
  await hub.publish('answers', 'Hello')
  await until('it has arrived', async () => (await seen(page)).data.length === 1)
  await hub.end('SIGTERM')
  await until('it is complete', async () => (await seen(page)).completed === 1)
  assert.deepEqual(await seen(page), { data: ['Hello'], completed: 1, errors: 0 })
})

test('without the end in the URL a hub that stops is an error to it', async (t) => {
  const { hub, page } = await startEventStream(t)
  await show(page, `${hub.url}/events?topic=answers&event=update`)
  await subscribed(hub)
  await hub.end('SIGTERM')
  await until('it has failed', async () => (await seen(page)).errors === 1)
  assert.equal((await seen(page)).completed, 0)
})
