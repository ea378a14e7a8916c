// Redis as a data source: what any program publishes there reaches the pages, and its going away and
// coming back are told to whoever watches the hub.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { startRedis } from './support/redis.mjs'
import { until } from './support/wait.mjs'

const source = (redis, more = 'channels = ["messages-channel"]') => ({
  configuration: `
    [[source]]
    kind = "redis"
    url = "${redis.url}"
    ${more}
  `,
})

/** Waits until the hub listens to Redis: whatever is published before that is lost, as Redis has it. */
async function subscribed(hub) {
  await until('the hub is ready', async () => (await hub.get('/readyz')).status === 200)
}

test('what is published on the channel reaches every page byte for byte', async (t) => {
  const redis = await startRedis(t)
  const hub = await startHub(t, source(redis))
  await subscribed(hub)
  const listeners = []
  for (let count = 0; count < 3; count++) {
    const page = await openPage(t, hub.url)
    const listener = await listen(page, '/events?topic=messages-channel')
    await listener.opens()
    listeners.push(listener)
  }
  const payloads = [
    '{"message":"h\\u00e9llo \\u4f60\\u597d \\/ \\"q\\""}',
    '{"a":{},"b":1.0,"c":12345678901234567890}',
    'not JSON at all',
    'two\nlines',
    '你好',
  ]
  for (const payload of payloads) await redis.publish('messages-channel', payload)
  for (const listener of listeners) {
    await listener.receives(payloads.length)
    assert.deepEqual(await listener.data(), payloads)
  }
})

test('prefixes are taken off as configured, and other channels are left alone', async (t) => {
  const redis = await startRedis(t)
  const hub = await startHub(t, source(redis, `
    patterns = ["*orders*"]
    strip_prefixes = ["*_database_", "*-database-"]
  `))
  await subscribed(hub)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=orders.7')
  await listener.opens()
  for (const channel of ['orders.7', 'laravel_database_orders.7', 'my-shop-database-orders.7', 'invoices.7', 'laravel_database_orders.8']) {
    await redis.publish(channel, channel)
  }
  await redis.publish('orders.7', 'the end')
  await listener.receives(4)
  assert.deepEqual(await listener.data(), ['orders.7', 'laravel_database_orders.7', 'my-shop-database-orders.7', 'the end'])
})

test('Redis killed and started again: the hub says so everywhere, comes back by itself, and goes on', async (t) => {
  const redis = await startRedis(t)
  const hub = await startHub(t, source(redis))
  await subscribed(hub)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=messages-channel')
  await listener.opens()
  await redis.publish('messages-channel', 'before')
  await listener.receives(1)

  const metrics = async () => {
    const lines = (await (await hub.get('/metrics')).text()).split('\n')
    return lines.filter((line) => line.includes('source') && !line.startsWith('#')).join('\n')
  }
  const state = async () => (await hub.stats()).sources.find(({ kind }) => kind === 'redis')
  const well = { metrics: await metrics(), state: (await state()).state }
  let logged = hub.log.length
  await redis.kill()
  await until('/readyz says no', async () => (await hub.get('/readyz')).status === 503)
  await until('the log says that Redis is away', () => /redis/i.test(hub.log.slice(logged)))
  assert.notEqual((await state()).state, well.state)
  assert.notEqual(await metrics(), well.metrics)
  assert.match(JSON.stringify(await (await hub.get('/readyz')).json()), /redis/i)
  assert.equal((await hub.get('/livez')).status, 200)

  // The hub itself goes on without it.
  await hub.publish('messages-channel', 'meanwhile')
  await listener.receives(2)

  logged = hub.log.length
  await redis.restart()
  await subscribed(hub)
  await until('the log says that Redis is back', () => /redis/i.test(hub.log.slice(logged)))
  assert.equal((await state()).state, well.state)
  await redis.publish('messages-channel', 'after')
  await listener.receives(3)
  assert.deepEqual(await listener.data(), ['before', 'meanwhile', 'after'])
  assert.equal((await listener.state()).opened, 1, 'the page was never cut off')
})

test('a hub started before Redis finds it when it comes', async (t) => {
  const redis = await startRedis(t)
  await redis.kill()
  const hub = await startHub(t, source(redis))
  await until('/readyz says no', async () => (await hub.get('/readyz')).status === 503)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=messages-channel')
  await listener.opens()
  await redis.restart()
  await subscribed(hub)
  await redis.publish('messages-channel', 'at last')
  await listener.receives(1)
  assert.deepEqual(await listener.data(), ['at last'])
})
