// The stream itself: what is published reaches a page's `onmessage`, under the headers that keep every
// proxy and cache on the way from holding it back.

import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { openStream } from './support/stream.mjs'
import { until } from './support/wait.mjs'

test('a stream has the headers of a stream, and its head leaves before the first event', async (t) => {
  const hub = await startHub(t)
  for (const path of ['/events?topic=news', '/sse?topic=news', '/sse']) {
    const stream = await openStream(t, hub.url + path)
    assert.equal(stream.status, 200)
    assert.match(stream.headers['content-type'], /^text\/event-stream(; ?charset=utf-8)?$/i)
    assert.equal(stream.headers['cache-control'], 'no-cache, no-transform')
    assert.equal(stream.headers['x-accel-buffering'], 'no')
    assert.equal(stream.headers['content-encoding'], undefined)
    await stream.receives(':')
    assert.doesNotMatch(stream.text, /^data:/m)
  }
})

test('what a data source says becomes message events in the page, in order', async (t) => {
  const hub = await startHub(t, {
    configuration: `
      [[source]]
      kind = "command"
      topic = "lines"
      run = ["sh", "-c", "echo first; echo second; echo third; exec sleep 1000"]
    `,
  })
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=lines&last_event_id=earliest')
  const events = await listener.receives(3)
  assert.deepEqual(events.map(({ type, data }) => [type, data]), [
    ['message', 'first'],
    ['message', 'second'],
    ['message', 'third'],
  ])
})

test('a page hears the topics it asked for and no others', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  const two = await listen(page, '/events?topic=a&topic=b')
  const pattern = await listen(page, '/events?pattern=orders.*')
  await two.opens()
  await pattern.opens()
  for (const topic of ['a', 'orders.7', 'c', 'b', 'orders']) await hub.publish(topic, `to ${topic}`)
  await hub.publish('b', 'the end')
  await hub.publish('orders.8', 'the end')
  await two.receives(3)
  await pattern.receives(2)
  assert.deepEqual(await two.data(), ['to a', 'to b', 'the end'])
  assert.deepEqual(await pattern.data(), ['to orders.7', 'the end'])
})

test('data arrives as it was published, whatever is in it', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=any')
  await listener.opens()
  const payloads = [
    '{"a":{},"b":1.0,"c":12345678901234567890}',
    '{"text":"h\\u00e9llo \\/ line2"}',
    'data: looks like a field\nid: 7\n\nevent: still data',
    ' leading and trailing space ',
    '现在是北京时间 🕰 \u2028 \u0085',
    'x'.repeat(200_000),
  ]
  for (const payload of payloads) await hub.publish('any', payload)
  await listener.receives(payloads.length)
  assert.deepEqual(await listener.data(), payloads)
})

test('a page that closes is noticed at once: counted out, logged, its socket given back', async (t) => {
  const hub = await startHub(t)
  const sockets = () => {
    const directory = `/proc/${hub.server.child.pid}/fd`
    return readdirSync(directory).filter((name) => {
      try {
        return readlinkSync(`${directory}/${name}`).startsWith('socket:')
      } catch {
        return false
      }
    }).length
  }
  const pages = []
  for (let count = 1; count <= 3; count++) {
    const page = await openPage(t, hub.url + '/livez')
    await (await listen(page, '/events?topic=news')).opens()
    await until(`${count} subscribers are counted`, async () => (await hub.subscribers()) === count)
    pages.push(page)
  }
  const socketsOpen = sockets()
  const logged = hub.log.length
  await pages[0].context().close()
  await until('the page is counted out', async () => (await hub.subscribers()) === 2)
  await until('its leaving is logged', () => hub.log.slice(logged).includes('subscription ended'))
  await until('its socket is closed', () => sockets() < socketsOpen)
  await pages[1].context().close()
  await pages[2].context().close()
  await until('nobody is left', async () => (await hub.subscribers()) === 0)
})
