// The promise of the hub: a page that was cut off gets what it missed, once and in order, or is told
// that it cannot.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { until } from './support/wait.mjs'

const BEFORE = 50
const AFTER = 50

test('a hub killed in the middle of publishing loses and doubles nothing for a page that listens', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url + '/livez')
  const listener = await listen(page, '/events?topic=news')
  await listener.opens()

  const answered = []
  const attempted = []
  const publish = async () => {
    const data = `event ${attempted.length + 1}`
    attempted.push(data)
    try {
      await hub.publish('news', data)
      answered.push(data)
      return true
    } catch {
      return false
    }
  }

  for (let count = 0; count < BEFORE; count++) assert.ok(await publish())
  await listener.receives(1)

  // The kill falls somewhere into this row of publishes; the one it interrupts may be in the log or not.
  const killed = (async () => {
    await until('some more are published', () => answered.length > BEFORE + 5)
    await hub.kill()
  })()
  while (await publish());
  await killed

  await hub.restart()
  // These are in the log before the page is back, unless it is very quick.
  for (let count = 0; count < AFTER; count++) assert.ok(await publish())
  await listener.opens(2)
  for (let count = 0; count < AFTER; count++) assert.ok(await publish())
  await until('the last event has arrived', async () => (await listener.data()).includes(answered.at(-1)))

  const seen = await listener.data()
  assert.deepEqual(seen.filter((data) => answered.includes(data)), answered, 'every answered event, once, in order')
  const unanswered = seen.filter((data) => !answered.includes(data))
  assert.ok(unanswered.length <= 1 && unanswered.every((data) => attempted.includes(data)), `never published: ${unanswered}`)
  assert.equal(new Set(seen).size, seen.length)
})

test('a page resumes from a publisher\'s own id, too', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  for (const number of [1, 2, 3]) await hub.publish('news', `event ${number}`, { id: `order:${number}` })
  const listener = await listen(page, '/events?topic=news&last_event_id=order:1')
  const events = await listener.receives(2)
  assert.deepEqual(events.map(({ data, lastEventId }) => [data, lastEventId]), [
    ['event 2', 'order:2'],
    ['event 3', 'order:3'],
  ])
})

test('a page with a cursor that the hub never gave is told so, and hears what follows', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  await hub.publish('news', 'before')
  const listener = await listen(page, '/events?topic=news&last_event_id=never-given', { types: ['tidings.reset'] })
  const [reset] = await listener.receives(1)
  assert.equal(reset.type, 'tidings.reset')
  await hub.publish('news', 'after')
  await until('the next event arrives', async () => (await listener.data()).includes('after'))
})

test('a page whose history is lost with the hub\'s disk is told so when it comes back', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url + '/livez')
  const listener = await listen(page, '/events?topic=news', { types: ['tidings.reset'] })
  await listener.opens()
  await hub.publish('news', 'before')
  await listener.receives(1)
  await hub.kill()
  rmSync(hub.data, { recursive: true })
  await hub.restart()
  await hub.publish('news', 'in the new life')
  await until('the page is told', async () => (await listener.events()).some(({ type }) => type === 'tidings.reset'))
  await hub.publish('news', 'after')
  await until('the page goes on', async () => (await listener.data()).includes('after'))
})

test('last=N starts with the newest N events of the topics asked for', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  for (const number of [1, 2, 3, 4, 5]) {
    await hub.publish('news', `news ${number}`)
    await hub.publish('noise', `noise ${number}`)
  }
  const listener = await listen(page, '/events?topic=news&last=2')
  await listener.opens()
  await hub.publish('news', 'live')
  await listener.receives(3)
  assert.deepEqual(await listener.data(), ['news 4', 'news 5', 'live'])
})

test('earliest is all that is kept', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  for (const number of [1, 2, 3]) await hub.publish('news', `event ${number}`)
  const listener = await listen(page, '/events?topic=news&last_event_id=earliest')
  await listener.receives(3)
  assert.deepEqual(await listener.data(), ['event 1', 'event 2', 'event 3'])
})

test('a hub told to stop says goodbye with status 0, and its pages find it again', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url + '/livez')
  const listener = await listen(page, '/events?topic=news')
  await listener.opens()
  await hub.publish('news', 'before')
  assert.deepEqual(await hub.end('SIGTERM'), { code: 0, signal: null })
  await hub.restart()
  await hub.publish('news', 'after')
  await listener.receives(2)
  assert.deepEqual(await listener.data(), ['before', 'after'])
})

test('a page that had no event yet misses none when the hub is restarted', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url + '/livez')
  const listener = await listen(page, '/events?topic=quiet')
  await listener.opens()

  await hub.kill()
  await hub.restart()
  await hub.publish('quiet', 'published before the page is back')
  await listener.opens(2)
  await hub.publish('quiet', 'published after')
  await listener.receives(2)
  assert.deepEqual(await listener.data(), ['published before the page is back', 'published after'])
})
