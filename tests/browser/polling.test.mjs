// A stock list that only knows how to be asked, polled once for all pages, which get it as a stream.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { startSite } from './support/site.mjs'
import { until } from './support/wait.mjs'

// Not as JSON.stringify would write it: the spaces and the number must come through as they are.
const stocksAt = (request) => `[ {"sku":"A1","price":${request}.50,"left":12345678901234567890} ]`

async function startStocks(t, answer = (count) => stocksAt(count)) {
  const stocks = await startSite(t, (request, response) => {
    stocks.requests += 1
    response.setHeader('Content-Type', 'application/json')
    response.end(answer(stocks.requests))
  })
  stocks.requests = 0
  return stocks
}

test('every page gets the stocks each second, with the time, and the stock list is asked once for all', async (t) => {
  const stocks = await startStocks(t)
  const hub = await startHub(t, {
    configuration: `
      [[source]]
      kind = "http_poll"
      topic = "stocks"
      url = "${stocks.url}/stocks"
      every = "1s"
      template = '{"stocks":{{data}},"timestamp":"{{iso}}"}'
    `,
  })
  const pages = [await openPage(t, hub.url), await openPage(t, hub.url)]
  const listeners = []
  for (const page of pages) listeners.push(await listen(page, '/events?topic=stocks&last_event_id=earliest'))
  for (const listener of listeners) {
    await listener.receives(3)
    const data = (await listener.data()).slice(0, 3)
    data.forEach((text, index) => {
      const timestamp = /"timestamp":"([^"]+)"\}$/.exec(text)[1]
      assert.equal(text, `{"stocks":${stocksAt(index + 1)},"timestamp":"${timestamp}"}`)
      assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
      assert.ok(Date.parse(timestamp) <= Date.now())
    })
  }
  const ids = await Promise.all(listeners.map(async (listener) => (await listener.events()).slice(0, 3).map(({ lastEventId }) => lastEventId)))
  assert.deepEqual(ids[0], ids[1], 'one answer is one event for everybody')
})

test('with only_changes, an answer that has not changed is not sent again', async (t) => {
  const stocks = await startStocks(t, (count) => (count < 4 ? '"same"' : '"other"'))
  const hub = await startHub(t, {
    configuration: `
      [[source]]
      kind = "http_poll"
      topic = "stocks"
      url = "${stocks.url}/"
      every = "100ms"
      only_changes = true
    `,
  })
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=stocks&last_event_id=earliest')
  await listener.receives(2)
  const asked = stocks.requests
  await until('it was asked some more times', () => stocks.requests > asked + 2)
  assert.deepEqual(await listener.data(), ['"same"', '"other"'])
})
