// The fields of the event stream, from publisher to EventSource.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { openStream } from './support/stream.mjs'

test('id, event, retry and data of several lines arrive as a page expects them', async (t) => {
  const hub = await startHub(t)
  const stream = await openStream(t, `${hub.url}/events?topic=news`)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=news', { types: ['foo'] })
  await listener.opens()

  const data = 'some text\nanother message\nwith two lines '
  await hub.publish('news', data, { id: 'msg1', event: 'foo', retry: 10000 })
  const [event] = await listener.receives(1)
  assert.equal(event.type, 'foo')
  assert.equal(event.data, data)
  assert.equal(event.lastEventId, 'msg1')

  await stream.receives('with two lines \n\n')
  const frame = stream.text.slice(stream.text.indexOf('id:')).split('\n')
  for (const line of ['event: foo', 'retry: 10000', 'data: some text', 'data: another message', 'data: with two lines ']) {
    assert.ok(frame.includes(line), `${line} is not in ${JSON.stringify(frame)}`)
  }
})

test('an event without an id of its own gets one that a page can resume from', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=news')
  await listener.opens()
  const { id, epoch, offset } = await hub.publish('news', 'one')
  const [event] = await listener.receives(1)
  assert.equal(event.lastEventId, id)
  assert.equal(id, `${epoch}-${offset}`)
  assert.match(id, /^[A-Za-z0-9._-]+$/)
})

test('the clock says what time it is in Beijing, and which second that is', async (t) => {
  const hub = await startHub(t, {
    configuration: `
      [[source]]
      kind = "clock"
      topic = "clock"
      every = "200ms"
      timezone = "+08:00"
      template = '{"id":{{unix}},"message":"欢迎来到stayed,现在是北京时间{{local}}"}'
    `,
  })
  const page = await openPage(t, hub.url)
  const listener = await listen(page, '/events?topic=clock')
  await listener.receives(2)
  for (const text of await listener.data()) {
    const { id, message } = JSON.parse(text)
    const [, time] = /^欢迎来到stayed,现在是北京时间(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$/.exec(message)
    assert.equal(Date.parse(`${time.replace(' ', 'T')}+08:00`), id * 1000)
    assert.ok(id <= Date.now() / 1000)
  }
})
