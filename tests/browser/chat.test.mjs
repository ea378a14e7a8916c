// A chat without a chat server: POST /message, and every page on /sse has it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'

test('a message sent as a form, as JSON or as plain text reaches everybody on the default topic', async (t) => {
  const hub = await startHub(t)
  const listeners = []
  for (let count = 0; count < 2; count++) {
    const listener = await listen(await openPage(t, hub.url), '/sse')
    await listener.opens()
    listeners.push(listener)
  }
  const post = async (type, body) => {
    const answer = await fetch(`${hub.url}/message`, { method: 'POST', headers: { 'Content-Type': type }, body })
    assert.equal(answer.status, 200, await answer.text())
  }
  await post('application/x-www-form-urlencoded', 'message=by+form%21')
  await post('application/json', '{"message":"by JSON"}')
  await post('text/plain', 'by plain text')
  for (const listener of listeners) {
    await listener.receives(3)
    assert.deepEqual(await listener.data(), ['by form!', '{"message":"by JSON"}', 'by plain text'])
  }
})

test('a path that does not exist is answered 404, with and without the demo', async (t) => {
  for (const args of [[], ['--demo']]) {
    const hub = await startHub(t, { args })
    for (const path of ['/nothing', '/demo/nothing', '/events/nothing']) {
      assert.equal((await hub.get(path)).status, 404, path)
    }
    assert.equal((await hub.get('/demo/chat')).status, args.length === 0 ? 404 : 200)
  }
})
