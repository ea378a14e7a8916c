// Every kind of broadcast that a real Laravel application fires over Redis, and what the hub makes of it: the topic, the
// event's name, and the data's bytes.
//
// The drivers `pusher` and `reverb` are not here: Debian has no Pusher library for PHP. The tests of the Pusher front replay
// what they send, byte for byte.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHub } from './support/hub.mjs'
import { installShop, LARAVEL } from './support/shop.mjs'
import { openStream } from './support/stream.mjs'
import { startRedis } from './support/redis.mjs'
import { until } from './support/wait.mjs'

const KEY = 'a-key-that-only-this-test-has'
const OBSERVER = `
[[keys]]
name = "observer"
secret = "${KEY}"
subscribe = ["*"]
`

const CLASS = 'App\\Events\\'
const HELLO = '{"message":"Hello from Laravel!","count":3}'
// As PHP writes it: slashes and what is not ASCII escaped.
const CREATED = '{"id":42,"text":"h\\u00e9llo \\u4f60\\u597d \\/ <b>\\"q\\"<\\/b>\\nline2","nested":{"a":null,"b":1.5,"c":true}}'
const order = (name, model) => [`Order${name}`, `{"model":${model},"connection":null,"queue":null}`]
const ORDER = [
  order('Created', '{"id":3,"user_id":1,"status":"new"}'),
  order('Updated', '{"id":3,"user_id":1,"status":"paid"}'),
  order('Deleted', '{"user_id":1,"status":"paid","id":3}'),
]

// Of each kind, in the order in which they are fired: the topics, with the events that each gets. None is `[name, data]`
// without a name.
const KINDS = {
  seed: { 'messages-channel': [[undefined, '{"message":"Hello from Laravel!"}']] },
  plain: { 'messages-channel': [[undefined, 'Hello from Laravel!']] },
  bytes: { 'messages-channel': [[undefined, 'two\nlines, and {"event":1}']] },
  queued: { messages: [[`${CLASS}PlainMessage`, HELLO]] },
  now: { messages: [[`${CLASS}PlainMessageNow`, HELLO]] },
  dispatched: { messages: [[`${CLASS}PlainMessageNow`, HELLO]] },
  helper: { messages: [[`${CLASS}PlainMessageNow`, HELLO]] },
  private: { 'private-orders.1': [[`${CLASS}OrderShipped`, '{"id":1,"status":"paid"}']] },
  'other-private': { 'private-orders.2': [[`${CLASS}OrderShipped`, '{"id":2,"status":"paid"}']] },
  presence: { 'presence-room.1': [[`${CLASS}RoomMessage`, '{"body":"Hello from Laravel!"}']] },
  'as-with-three': {
    messages: [['message.created', CREATED]],
    'private-orders.1': [['message.created', CREATED]],
    'plain-string-channel': [['message.created', CREATED]],
  },
  empty: { messages: [[`${CLASS}EmptyEvent`, '{}']] },
  encrypted: { 'private-encrypted-vault': [[`${CLASS}EncryptedEvent`, '{"v":1}']] },
  'socket-in-payload': { messages: [[`${CLASS}SocketInPayload`, '{"x":1}']] },
  'to-others': { messages: [['message.sent', '{"from":"Ada","text":"for the others"}']] },
  'to-others-now': { messages: [[`${CLASS}PlainMessageNow`, '{"message":"for the others","count":3}']] },
  model: { 'private-App.Models.Order.3': ORDER, 'private-App.Models.User.1': ORDER },
  notification: {
    'private-App.Models.User.1': [[
      'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated',
      '{"amount":120,"id":"ID","type":"App\\\\Notifications\\\\InvoicePaid"}',
    ]],
  },
  never: {},
  'queued-closure': { messages: [[`${CLASS}PlainMessageNow`, '{"message":"from a closure","count":3}']] },
  'anonymous-class': { messages: [['anonymous', '{"text":"from nowhere"}']] },
}

/** What each topic should have had after all kinds, in order. */
function expected() {
  const topics = {}
  for (const kind of Object.values(KINDS)) {
    for (const [topic, events] of Object.entries(kind)) (topics[topic] ??= []).push(...events)
  }
  return topics
}

/** The events of a stream's text, `[name, data]` each; a notification's id, which is made up, reads ID. */
function eventsOf(text) {
  return text.split('\n\n').map((frame) => frame.split('\n')).flatMap((lines) => {
    const of = (field) => lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2))
    const data = of('data').join('\n').replace(/"id":"[0-9a-f-]{36}"/, '"id":"ID"')
    return of('data').length === 0 ? [] : [[of('event')[0], data]]
  })
}

async function start(t, variables) {
  const redis = await startRedis(t)
  const [english] = LARAVEL.block('toml', '[auth.callback]')
  const hub = await startHub(t, { configuration: english.replace('redis://127.0.0.1:6379', redis.url) + OBSERVER })
  await until('the hub is ready', async () => (await hub.get('/readyz')).status === 200)
  return { redis, hub, shop: await installShop(t, redis, variables) }
}

/** Each of these topics, as one who may see everything has it. */
async function observe(t, hub, topics) {
  const streams = {}
  for (const topic of topics) {
    streams[topic] = await openStream(t, `${hub.url}/events?topic=${encodeURIComponent(topic)}`, { Authorization: `Bearer ${KEY}` })
    assert.equal(streams[topic].status, 200)
  }
  return streams
}

async function receive(streams, wanted) {
  for (const [topic, events] of Object.entries(wanted)) {
    await until(`${topic} has ${events.length} event(s)`, () => eventsOf(streams[topic].text).length >= events.length)
      .catch((error) => { throw new Error(`${error.message}\n${streams[topic].text}`) })
    assert.deepEqual(eventsOf(streams[topic].text), events, topic)
  }
}

for (const client of ['phpredis', 'predis']) {
  for (const [name, variables] of Object.entries({
    'the default prefix': {},
    'the prefix of Laravel 12.1': { REDIS_PREFIX: 'laravel-database-' },
    'an application of another name': { APP_NAME: 'My Shop' },
    'no prefix': { REDIS_PREFIX: '' },
    'another database': { REDIS_DB: '3' },
  })) {
    test(`every kind of broadcast through ${client} with ${name} arrives on its topic, by its name, byte for byte`, async (t) => {
      const { hub, shop } = await start(t, { REDIS_CLIENT: client, ...variables })
      const wanted = expected()
      const streams = await observe(t, hub, Object.keys(wanted))
      await shop.fire(...Object.keys(KINDS))
      await receive(streams, wanted)
    })
  }
}

test('what waits in the queue arrives when a worker takes it up, and what does not wait arrives before', async (t) => {
  const { hub, shop } = await start(t, { QUEUE_CONNECTION: 'redis' })
  const streams = await observe(t, hub, ['messages'])
  await shop.fire('queued', 'to-others', 'now')
  await receive(streams, { messages: KINDS.now.messages })
  await shop.artisan('queue:work', '--stop-when-empty')
  const all = [KINDS.now, KINDS.queued, KINDS['to-others']].flatMap(({ messages }) => messages)
  await receive(streams, { messages: all })
})

test('whoever is not known to Laravel sees what is public and nothing else, whatever they ask for', async (t) => {
  const { hub, shop } = await start(t)
  const wanted = expected()
  const isPublic = (topic) => !/^(private|presence)-/.test(topic)
  const topics = Object.keys(wanted)
  const streams = [
    await openStream(t, `${hub.url}/events?pattern=*`),
    await openStream(t, `${hub.url}/events?${topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join('&')}`),
  ]
  await shop.fire(...Object.keys(KINDS), 'dispatched')
  const count = topics.filter(isPublic).reduce((sum, topic) => sum + wanted[topic].length, 1)
  for (const stream of streams) {
    await until('the stream has what is public', () => eventsOf(stream.text).length >= count)
    assert.equal(eventsOf(stream.text).length, count)
    assert.doesNotMatch(stream.text, /OrderShipped|RoomMessage|Invoice|OrderCreated|Encrypted/)
  }
})

test('behind a prefix that nobody takes off, what is private stays private, and the log names the prefix', async (t) => {
  const { hub, shop } = await start(t, { REDIS_PREFIX: 'my:' })
  const everything = await openStream(t, `${hub.url}/events?pattern=*`)
  await shop.fire('private', 'presence', 'notification', 'now')
  await everything.receives(HELLO)
  assert.deepEqual(eventsOf(everything.text), KINDS.now.messages)
  await until('the log names it', () => /prefix.*my:.*strip_prefixes/.test(hub.log))
})

// Laravel 11 and newer, as their source has it: Broadcast::on('messages')->as('…')->with([…])->send(), and without as().
test('anonymous events of newer Laravel arrive by their names', async (t) => {
  const { redis, hub } = await start(t)
  const streams = await observe(t, hub, ['messages'])
  await redis.publish('shop-database-messages', '{"event":"AnonymousEvent","data":{"n":1,"socket":null},"socket":null}')
  await redis.publish('shop-database-messages', '{"event":"order.placed","data":{"n":2,"socket":"1.2"},"socket":"1.2"}')
  await receive(streams, { messages: [['AnonymousEvent', '{"n":1}'], ['order.placed', '{"n":2}']] })
})
