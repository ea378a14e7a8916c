// The npm package `pusher`, unmodified: each call against the program, and what comes out on a real event stream.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import Pusher from 'pusher'
import { startHub } from '../browser/support/hub.mjs'
import { openStream } from '../browser/support/stream.mjs'
import { until } from '../browser/support/wait.mjs'

const SECRET = 'app-secret-0123456789'
const READER = 'reader-secret-0123456789'
// 32 bytes.
const MASTER_KEY = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')

const CONFIGURATION = `
[[pusher.apps]]
id = "100"
key = "app-key"
secret = "${SECRET}"

[[keys]]
name = "reader"
secret = "${READER}"
subscribe = ["*"]
`

/** A hub, the SDK with its settings changed to it, and a stream of somebody who sees everything. */
async function start(t, { configuration = '', options = {} } = {}) {
  const hub = await startHub(t, { configuration: CONFIGURATION + configuration })
  const { hostname: host, port } = new URL(hub.url)
  const pusher = new Pusher({ appId: '100', key: 'app-key', secret: SECRET, host, port, useTLS: false, ...options })
  const stream = await openStream(t, `${hub.url}/events?pattern=*`, { Authorization: `Bearer ${READER}` })
  return { hub, pusher, stream }
}

/** What the SDK makes of an answer. */
async function json(answer) {
  assert.equal((await answer).status, 200)
  return (await answer).json()
}

test('trigger publishes to one channel and to several, objects as JSON and strings as they are', async (t) => {
  const { pusher, stream } = await start(t)
  assert.deepEqual(await json(pusher.trigger('messages', 'message.created', { message: 'Hello from Node!', é: 1 })), {})
  await stream.receives('event: message.created\ndata: {"message":"Hello from Node!","é":1}\n\n')
  assert.deepEqual(await json(pusher.trigger(['messages', 'private-orders.7'], 'ev', 'plain string')), {})
  await stream.receives('event: ev\ndata: plain string\n\n')
  await until('both are there', () => stream.text.split('data: plain string').length === 3)
})

test('trigger with info and a socket id is answered with the attributes', async (t) => {
  const { pusher } = await start(t)
  const parameters = { socket_id: '1234.5678', info: 'user_count,subscription_count' }
  assert.deepEqual(await json(pusher.trigger(['messages', 'presence-room.1'], 'ev', {}, parameters)), {
    channels: { messages: { subscription_count: 1 }, 'presence-room.1': { user_count: 0, subscription_count: 1 } },
  })
})

test('triggerBatch publishes each event', async (t) => {
  const { pusher, stream } = await start(t)
  const batch = [
    { channel: 'a', name: 'e1', data: { x: 1 } },
    { channel: 'b', name: 'e2', data: 'str', socket_id: '1.2', info: 'subscription_count' },
  ]
  assert.deepEqual(await json(pusher.triggerBatch(batch)), { batch: [{}, { subscription_count: 1 }] })
  await stream.receives('event: e1\ndata: {"x":1}\n\n')
  await stream.receives('event: e2\ndata: str\n\n')
})

test('sendToUser publishes to the channel of the user, which others do not see', async (t) => {
  const { hub, pusher, stream } = await start(t, { configuration: '[anonymous]\nsubscribe = ["*"]\n' })
  const other = await openStream(t, `${hub.url}/events?pattern=*`)
  assert.deepEqual(await json(pusher.sendToUser('7', 'ev', { a: 1 })), {})
  await stream.receives('event: ev\ndata: {"a":1}\n\n')
  await json(pusher.trigger('public', 'last', ''))
  await other.receives('event: last')
  assert.ok(!other.text.includes('"a":1'))
})

test('an encrypted channel carries what only its members can read', async (t) => {
  const { pusher, stream } = await start(t, { options: { encryptionMasterKeyBase64: MASTER_KEY } })
  await json(pusher.trigger('private-encrypted-vault', 'ev', { secret: 'treasure' }))
  await stream.receives('event: ev\ndata: {"nonce":"')
  assert.ok(!stream.text.includes('treasure'))
})

test('channels, their users, and the end of a user', async (t) => {
  // The application, which lets everybody in as user 7.
  const application = createServer((request, response) => {
    request.resume()
    response.setHeader('Content-Type', 'application/json')
    response.end('{"auth":"x","channel_data":"{\\"user_id\\":7,\\"user_info\\":{\\"name\\":\\"Ann\\"}}"}')
  }).listen(0, '127.0.0.1')
  await once(application, 'listening')
  t.after(() => application.close())
  const url = `http://127.0.0.1:${application.address().port}/broadcasting/auth`
  const { hub, pusher, stream } = await start(t, { configuration: `[auth.callback]\nkind = "laravel"\nurl = "${url}"\n` })
  stream.close()

  const room = await openStream(t, `${hub.url}/wave?channel=presence-room.1`, { Cookie: 'laravel_session=x' })
  await room.receives('general.connected')
  const get = (path, params) => json(pusher.get({ path, params }))
  await until('the user is there', async () => (await get('/channels/presence-room.1/users')).users.length > 0)
  assert.deepEqual(await get('/channels/presence-room.1/users'), { users: [{ id: '7' }] })
  assert.deepEqual(await get('/channels', { filter_by_prefix: 'presence-', info: 'user_count' }), {
    channels: { 'presence-room.1': { user_count: 1 } },
  })
  assert.deepEqual(await get('/channels/presence-room.1', { info: 'user_count,subscription_count' }), {
    occupied: true,
    user_count: 1,
    subscription_count: 1,
  })
  assert.deepEqual(await get('/channels/messages'), { occupied: false })

  assert.deepEqual(await json(pusher.terminateUserConnections('7')), {})
  await until('the stream has ended', () => room.ended)
})

test('refusals reach the developer with their reason', async (t) => {
  const { hub, pusher } = await start(t)
  const { hostname: host, port } = new URL(hub.url)
  const refused = async (call, status, says) => {
    const error = await call.then(() => assert.fail('it was accepted'), (error) => error)
    assert.equal(error.name, 'PusherRequestError')
    assert.equal(error.status, status)
    assert.match(error.body, says)
  }
  const other = (options) => new Pusher({ appId: '100', key: 'app-key', secret: SECRET, host, port, useTLS: false, ...options })
  await refused(other({ secret: 'another-secret-0123456789' }).trigger('a', 'e', ''), 401, /secret of the app "100"/)
  await refused(other({ appId: '101' }).trigger('a', 'e', ''), 404, /no app "101"/)
  await refused(other({ key: 'x' }).trigger('a', 'e', ''), 401, /auth_key is not that of the app "100"/)
  await refused(pusher.trigger('a', 'e', 'x'.repeat(1 << 20)), 413, /1048576 bytes allowed \(setting limits\.body\)/)
  await refused(pusher.get({ path: '/channels', params: { info: 'user_count' } }), 400, /presence channels only/)
  await refused(pusher.get({ path: '/channels/messages/users' }), 400, /presence channels only/)
  await json(pusher.trigger('a', 'e', 'x'.repeat(100_000)))
})
