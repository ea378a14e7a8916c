// The application in examples/laravel, as it stands, to real pages: Laravel fires an event, its listener
// publishes on Redis, the hub hears it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { artisan, fire, payloadOf } from './support/laravel.mjs'
import { blocks, onHub } from './support/readme.mjs'
import { startRedis } from './support/redis.mjs'
import { until } from './support/wait.mjs'

const run = promisify(execFile)

const MESSAGES = ['Hello from Laravel!', 'héllo 你好 / <b>"q"</b>\nline2', '']

// The example's own configuration, so that what a reader copies is what is tested.
const example = readFileSync(new URL('../../examples/laravel/tidings.toml', import.meta.url), 'utf8')

async function startExample(t) {
  const redis = await startRedis(t)
  const hub = await startHub(t, { configuration: example.replace('redis://127.0.0.1:6379', redis.url) })
  await until('the hub is ready', async () => (await hub.get('/readyz')).status === 200)
  return { redis, hub }
}

async function openListeners(t, hub, count) {
  const listeners = []
  for (let number = 0; number < count; number++) {
    const listener = await listen(await openPage(t, hub.url), '/sse')
    await listener.opens()
    listeners.push(listener)
  }
  return listeners
}

for (const client of ['phpredis', 'predis']) {
  for (const [name, settings] of Object.entries({
    'the default prefix': {},
    'the prefix of Laravel 12.1': { REDIS_PREFIX: 'laravel-database-' },
    'an application of another name': { APP_NAME: 'My Shop' },
    'no prefix': { REDIS_PREFIX: '' },
  })) {
    test(`events fired through ${client} with ${name} reach every page byte for byte`, async (t) => {
      const { redis, hub } = await startExample(t)
      const listeners = await openListeners(t, hub, 3)
      await fire(redis, MESSAGES, { REDIS_CLIENT: client, ...settings })
      for (const listener of listeners) {
        await listener.receives(MESSAGES.length)
        assert.deepEqual(await listener.data(), MESSAGES.map(payloadOf))
      }
    })
  }
}

test('with a queue, the event reaches the pages when a worker takes it up', async (t) => {
  const { redis, hub } = await startExample(t)
  const [listener] = await openListeners(t, hub, 1)
  const queued = { QUEUE_CONNECTION: 'redis' }
  await fire(redis, 'from the queue', queued)
  await fire(redis, 'at once')
  await listener.receives(1)
  await artisan(redis, ['queue:work', '--stop-when-empty'], queued)
  await listener.receives(2)
  assert.deepEqual(await listener.data(), [payloadOf('at once'), payloadOf('from the queue')])
})

test('Laravel goes on by itself after Redis was away', async (t) => {
  const { redis, hub } = await startExample(t)
  const [listener] = await openListeners(t, hub, 1)
  await fire(redis, 'before')
  await listener.receives(1)
  await redis.kill()
  await assert.rejects(fire(redis, 'while it is away'))
  await until('the hub knows', async () => (await hub.get('/readyz')).status === 503)
  await redis.restart()
  await until('the hub listens again', async () => (await hub.get('/readyz')).status === 200)
  await fire(redis, 'after')
  await listener.receives(2)
  assert.deepEqual(await listener.data(), [payloadOf('before'), payloadOf('after')])
})

test('the PHP code that the console offers publishes when it is run', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  const data = `it's "quoted" \\ $here\n你好`
  await page.locator('#publish-topic').fill('orders')
  await page.locator('#data').fill(data)
  await page.locator('#tab-php-publish').click()
  const code = await page.locator('#snippet').textContent()
  const listener = await listen(page, '/events?topic=orders')
  await listener.opens()
  const { stdout } = await run('php', ['-r', code])
  const [event] = await listener.receives(1)
  assert.equal(event.data, data)
  assert.equal(event.lastEventId, JSON.parse(stdout).id)
})

test('the PHP code in README.md publishes', async (t) => {
  const hub = await startHub(t)
  for (const code of blocks('php', 'file_get_contents').flat()) {
    const { published } = await hub.stats()
    await run('php', ['-r', onHub(code, hub)])
    await until(`published by:\n${code}`, async () => (await hub.stats()).published > published)
  }
})
