// The configurations in examples/articles, as they stand but for ports and origins.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { onFreePort, Server } from './support/server.mjs'
import { startSite } from './support/site.mjs'
import { until } from './support/wait.mjs'

const folder = new URL('../../examples/articles/', import.meta.url)
const article = (name) => readFileSync(new URL(name, folder), 'utf8')

test('000: lines of a command, echoed to every page', async (t) => {
  const hub = await startHub(t, { configuration: article('000-stream.toml') })
  const pages = [await openPage(t, hub.url), await openPage(t, hub.url)]
  const listeners = await Promise.all(pages.map((page) => listen(page, '/events?last_event_id=earliest')))
  const [first, second] = await Promise.all(listeners.map(async (listener) => (await listener.receives(2)).slice(0, 2)))
  assert.match(first[0].data, /^\d+\.\d+ \d+\.\d+ \d+\.\d+ \d+\/\d+ \d+$/)
  assert.deepEqual(first, second)
})

test('001: stock levels, asked for once a second for everybody', async (t) => {
  const { application, port } = await onFreePort(async (port) => {
    const code = article('stocks.mjs').replace('9000', String(port))
    const application = new Server('node', ['--input-type=module', '--eval', code])
    t.after(() => application.end('SIGKILL'))
    await application.ready('answers', async () => (await fetch(`http://127.0.0.1:${port}/stocks`)).ok)
    return { application, port }
  })
  const hub = await startHub(t, { configuration: article('001-stocks.toml').replace('127.0.0.1:9000', `127.0.0.1:${port}`) })
  const listener = await listen(await openPage(t, hub.url), '/events?topic=stocks&last_event_id=earliest')
  const [event] = await listener.receives(2)
  const { stocks, timestamp } = JSON.parse(event.data)
  assert.deepEqual(stocks.map(({ sku }) => sku), ['A1', 'B2'])
  assert.ok(Date.parse(timestamp) <= Date.now())
  await application.end('SIGKILL')
  await until('the hub tells that the application is away', async () => (await hub.get('/readyz')).status === 503)
})

test('003: a greeting, a tick each second, and what is posted', async (t) => {
  const hub = await startHub(t, { configuration: article('003-chat.toml') })
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/sse')
  const [greeting, tick] = await listener.receives(2)
  assert.equal(greeting.data, 'Welcome!')
  assert.equal(greeting.lastEventId, '', 'a greeting is no place to resume from')
  assert.ok(Date.parse(tick.data) <= Date.now())
  await page.evaluate(() => fetch('/message', { method: 'POST', body: new URLSearchParams({ message: 'Hello & good day' }) }))
  await until('the message arrives', async () => (await listener.data()).includes('Hello & good day'))
})

test('004: the time in Beijing, for a page of another origin with its cookies', async (t) => {
  const site = await startSite(t)
  const configuration = article('004-clock.toml')
    .replace('http://localhost:3000', site.localhost)
    // Ten seconds are the article's; the test need not wait for them.
    .replace('every = "10s"', 'every = "1s"')
  const hub = await startHub(t, { configuration })
  const page = await openPage(t, site.localhost)
  const listener = await listen(page, `${hub.url}/events?topic=clock`, { withCredentials: true })
  const [event] = await listener.receives(1)
  assert.equal(event.origin, hub.url)
  const { id, message } = JSON.parse(event.data)
  const [, time] = /^欢迎来到stayed[,，]现在是北京时间(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$/.exec(message)
  assert.equal(Date.parse(`${time.replace(' ', 'T')}+08:00`), id * 1000)
})
