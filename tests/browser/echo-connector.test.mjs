// The connector for Laravel Echo (clients/js) in real pages, with both of Echo's majors: pages of a site, the site's own
// /broadcasting/auth, and a hub of another origin that asks it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { startSite } from './support/site.mjs'
import { CONFIGURATION, OPERATOR } from './support/tokens.mjs'
import { until } from './support/wait.mjs'
import { startWire } from './support/wire.mjs'

const PACKAGE = new URL('../../clients/js/', import.meta.url)
const ECHOS = ['laravel-echo-1', 'laravel-echo-2']

const ADA = { id: 1, name: 'Ada' }
const GRACE = { id: 2, name: 'Grace' }
const USERS = [ADA, GRACE]
/** More than a hundred. */
const DESKS = 130

const page = (echo) => `<!doctype html><html lang="en"><title>Echo</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {
  "laravel-echo": "/package/node_modules/${echo}/dist/echo.js",
  "tidings/echo": "/package/src/echo/index.js"
}}</script>`

/** What routes/channels.php would say: orders are for whom they are of, rooms for whoever is signed in. */
function authorize(user, channel) {
  if (user === undefined) return [401, { message: 'Unauthenticated.' }]
  if (channel.startsWith('presence-room.')) return [200, { channel_data: { user_id: user.id, user_info: user } }]
  if (channel === `private-orders.${user.id}` || channel === 'private-staff' || channel.startsWith('private-desk.')) return [200, true]
  return [403, { message: 'This action is unauthorized.' }]
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://site')
  if (pathname === '/broadcasting/auth') {
    const channel = new URLSearchParams(await text(request)).get('channel_name')
    const [, id] = /session=(\d+)/.exec(request.headers.cookie) ?? []
    const [status, body] = authorize(USERS.find((user) => String(user.id) === id), channel)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  } else if (pathname.startsWith('/package/') && pathname.endsWith('.js')) {
    response.writeHead(200, { 'Content-Type': 'text/javascript' })
    response.end(readFileSync(new URL(pathname.slice('/package/'.length), PACKAGE)))
  } else {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page(pathname.slice(1)))
  }
}

async function startShop(t) {
  const site = await startSite(t, answer)
  const hub = await startHub(t, {
    configuration: `${CONFIGURATION}
[cors]
origins = ["${site.url}"]
[auth.callback]
kind = "laravel"
url = "${site.url}/broadcasting/auth"
[anonymous]
subscribe = ["*"]
[echo]
presence_grace = "2s"
`,
  })
  const wire = await startWire(t, hub.port)
  return { site, hub, wire }
}

/** Opens a page in which Echo runs, signed in as `user`. */
async function openEcho(t, { site, wire }, echo, user) {
  const tab = await openPage(t, site.url)
  if (user !== undefined) await signIn(tab, user)
  await tab.goto(`${site.url}/${echo}`)
  await tab.evaluate(async (host) => {
    const [{ default: Echo }, { TidingsConnector }] = await Promise.all([import('laravel-echo'), import('tidings/echo')])
    window.seen = []
    window.into = (name) => (...values) => { window.seen.push([name, ...values]) }
    window.echo = new Echo({ broadcaster: TidingsConnector, host, withCredentials: true, onReset: window.into('reset') })
    window.echo.connector.onConnectionChange(window.into('status'))
  }, wire.url)
  return tab
}

const signIn = (tab, { id }) => tab.context().addCookies([{ name: 'session', value: String(id), domain: '127.0.0.1', path: '/' }])

const seen = (tab) => tab.evaluate(() => window.seen)

/** Waits until the page has seen so much of this; resolves with what it was given each time. */
async function sees(tab, name, count = 1) {
  const found = async () => (await seen(tab)).filter(([other]) => other === name).map(([, ...values]) => values)
  await until(`the page has seen ${name} ${count} time(s)`, async () => (await found()).length >= count)
  return found()
}

const connected = (tab) => until('Echo is connected', () => tab.evaluate(() => window.echo.connector.connectionStatus() === 'connected'))

/** Publishes as an application does that says whose connection an event is of. */
async function publish(hub, publication) {
  const headers = { Authorization: `Bearer ${OPERATOR}`, 'Content-Type': 'application/json' }
  const response = await fetch(`${hub.url}/publish`, { method: 'POST', headers, body: JSON.stringify(publication) })
  assert.equal(response.status, 200, await response.text())
}

const send = (hub, topic, event, data) => hub.publish(topic, JSON.stringify(data), { event, token: OPERATOR, private: topic.includes('-') })

for (const echo of ECHOS) {
  test(`${echo}: one stream carries public, private and presence channels, each event once`, async (t) => {
    const shop = await startShop(t)
    const tab = await openEcho(t, shop, echo, ADA)
    await tab.evaluate(() => {
      window.echo.channel('messages').listen('MessageSent', window.into('class')).listen('.message.sent', window.into('name'))
      window.echo.private('orders.1').listen('OrderShipped', window.into('order')).notification(window.into('notification')).subscribed(window.into('subscribed'))
    })
    await sees(tab, 'subscribed')
    // Later, when the stream is open.
    await tab.evaluate(() => {
      window.echo.join('room.1').here(window.into('here')).listen('.said', window.into('said'))
      window.echo.channel('more').listenToAll(window.into('all')).subscribed(window.into('more'))
    })
    await sees(tab, 'more')
    assert.deepEqual(await sees(tab, 'here'), [[[ADA]]])
    await send(shop.hub, 'messages', 'App\\Events\\MessageSent', { text: 'h\u00e9llo' })
    await send(shop.hub, 'messages', 'message.sent', [1])
    await send(shop.hub, 'private-orders.1', 'App\\Events\\OrderShipped', { id: 7 })
    await send(shop.hub, 'private-orders.1', 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { type: 'Paid' })
    await send(shop.hub, 'private-orders.2', 'App\\Events\\OrderShipped', { id: 8 })
    await send(shop.hub, 'presence-room.1', 'said', 'hello')
    await send(shop.hub, 'elsewhere', 'message.sent', [2])
    await send(shop.hub, 'more', 'end', null)
    await sees(tab, 'all')
    const events = (await seen(tab)).filter(([name]) => !['status', 'subscribed', 'here', 'more'].includes(name))
    assert.deepEqual(events, [
      ['class', { text: 'h\u00e9llo' }],
      ['name', [1]],
      ['order', { id: 7 }],
      ['notification', { type: 'Paid' }],
      ['said', 'hello'],
      ['all', '.end', null],
    ])
    assert.equal(await shop.hub.subscribers(OPERATOR), 1)
    assert.equal(tab.requested.filter((url) => new URL(url).pathname === '/wave').length, 1)
    assert.match(await tab.evaluate(() => window.echo.socketId()), /^\d+\.\d+$/)
    assert.deepEqual(tab.faults, [])
    // What is left is not heard any more; what is not left still is.
    await tab.evaluate(() => window.echo.leave('orders.1'))
    await until('the hub has been told', () => tab.requested.some((url) => url.endsWith('/wave/unsubscribe')))
    await send(shop.hub, 'private-orders.1', 'App\\Events\\OrderShipped', { id: 9 })
    await send(shop.hub, 'more', 'end', null)
    await sees(tab, 'all', 2)
    assert.equal((await sees(tab, 'order')).length, 1)
    await tab.evaluate(() => window.echo.disconnect())
    await until('the stream is closed', async () => (await shop.hub.subscribers(OPERATOR)) === 0)
  })

  test(`${echo}: a channel that the application denies says so, and the others go on`, async (t) => {
    const shop = await startShop(t)
    const tab = await openEcho(t, shop, echo, ADA)
    const ask = (name) => tab.evaluate((name) => {
      window.echo.private(name).error(window.into(`${name} denied`)).subscribed(window.into(`${name} subscribed`)).listen('.e', window.into(`${name} heard`))
    }, name)
    await Promise.all([ask('orders.2'), ask('orders.1')])
    await connected(tab)
    await ask('orders.3')
    await sees(tab, 'orders.3 denied')
    await sees(tab, 'orders.1 subscribed')
    for (const name of ['orders.2', 'orders.3']) {
      const [[{ type, status, detail }], ...more] = await sees(tab, `${name} denied`)
      assert.deepEqual([type, status, more], ['AuthError', 403, []])
      assert.match(detail, new RegExp(name.replace('.', '\\.')))
    }
    for (const id of [2, 3, 1]) await send(shop.hub, `private-orders.${id}`, 'e', id)
    await sees(tab, 'orders.1 heard')
    const names = (await seen(tab)).map(([name]) => name)
    assert.ok(!names.some((name) => /orders\.[23] (heard|subscribed)/.test(name)), names.join())
    // The rights are those of now: after a reconnect the application is asked again.
    await signIn(tab, GRACE)
    shop.wire.cut()
    await until('it is noticed', () => tab.evaluate(() => window.echo.connector.connectionStatus() === 'reconnecting'))
    shop.wire.mend()
    await sees(tab, 'orders.2 subscribed')
    await sees(tab, 'orders.1 denied')
    for (const id of [1, 2]) await send(shop.hub, `private-orders.${id}`, 'e', id)
    assert.deepEqual(await sees(tab, 'orders.2 heard'), [[2]])
    assert.equal((await sees(tab, 'orders.1 heard')).length, 1)
  })

  test(`${echo}: what was published before a channel was listened to does not come, not even after a reconnect`, async (t) => {
    const shop = await startShop(t)
    const tab = await openEcho(t, shop, echo, ADA)
    await tab.evaluate(() => window.echo.channel('mark').listen('.here', window.into('mark')))
    await connected(tab)
    await send(shop.hub, 'messages', 'n', 'before')
    await send(shop.hub, 'private-orders.1', 'n', 'before')
    await tab.evaluate(() => {
      window.echo.channel('messages').listen('.n', window.into('n'))
      window.echo.private('orders.1').listen('.n', window.into('n')).subscribed(window.into('subscribed'))
    })
    await sees(tab, 'subscribed')
    shop.wire.cut()
    await send(shop.hub, 'messages', 'n', 'meanwhile')
    await until('it is noticed', () => tab.evaluate(() => window.echo.connector.connectionStatus() === 'reconnecting'))
    shop.wire.mend()
    await sees(tab, 'subscribed', 2)
    await send(shop.hub, 'private-orders.1', 'n', 'after')
    assert.deepEqual(await sees(tab, 'n', 2), [['meanwhile'], ['after']])
  })

  test(`${echo}: more private channels than the hub decides about at once are all had, and resumed without a gap`, async (t) => {
    const shop = await startShop(t)
    const tab = await openEcho(t, shop, echo, ADA)
    await tab.evaluate((many) => {
      for (let desk = 0; desk < many; desk += 1) {
        window.echo.private(`desk.${desk}`).listen('.n', window.into('n')).subscribed(window.into('subscribed')).error(window.into('error'))
      }
    }, DESKS)
    await sees(tab, 'subscribed', DESKS)
    const sendToAll = async (data) => {
      for (const desk of [0, DESKS - 1]) await send(shop.hub, `private-desk.${desk}`, 'n', `${data} ${desk}`)
    }
    await sendToAll('first')
    await sees(tab, 'n', 2)
    shop.wire.cut()
    await sendToAll('meanwhile')
    await until('it is noticed', () => tab.evaluate(() => window.echo.connector.connectionStatus() === 'reconnecting'))
    await shop.hub.kill()
    await shop.hub.restart()
    shop.wire.mend()
    await sees(tab, 'subscribed', 2 * DESKS)
    await sendToAll('last')
    const data = ['first', 'meanwhile', 'last'].flatMap((data) => [`${data} 0`, `${data} ${DESKS - 1}`])
    assert.deepEqual((await sees(tab, 'n', 6)).flat(), data)
    assert.ok(!(await seen(tab)).some(([name]) => name === 'error'))
  })

  test(`${echo}: presence with two pages, whispers, and events that leave out who caused them`, async (t) => {
    const shop = await startShop(t)
    const join = (tab) => tab.evaluate(() => {
      window.room = window.echo.join('room.1').here(window.into('here')).joining(window.into('joining')).leaving(window.into('leaving'))
        .listenForWhisper('typing', window.into('typing')).listen('.said', window.into('said'))
    })
    const ada = await openEcho(t, shop, echo, ADA)
    await join(ada)
    assert.deepEqual(await sees(ada, 'here'), [[[ADA]]])
    const grace = await openEcho(t, shop, echo, GRACE)
    await join(grace)
    const [[here]] = await sees(grace, 'here')
    assert.deepEqual(here.toSorted((one, other) => one.id - other.id), USERS)
    assert.deepEqual(await sees(ada, 'joining'), [[GRACE]])
    await grace.evaluate(() => window.room.whisper('typing', { from: 'Grace' }).whisper('typing', 'text'))
    assert.deepEqual(await sees(ada, 'typing', 2), [[{ from: 'Grace' }], ['text']])
    const socket = await grace.evaluate(() => window.echo.socketId())
    await publish(shop.hub, { topics: ['presence-room.1'], event: 'said', data: '"to others"', private: true, socket_id: socket })
    await publish(shop.hub, { topics: ['presence-room.1'], event: 'said', data: '"to all"', private: true })
    assert.deepEqual(await sees(ada, 'said', 2), [['to others'], ['to all']])
    assert.deepEqual(await sees(grace, 'said'), [['to all']])
    // A connection that is lost and back is nobody who left.
    shop.wire.cut()
    for (const tab of [ada, grace]) {
      await until('it is noticed', () => tab.evaluate(() => window.echo.connector.connectionStatus() === 'reconnecting'))
    }
    await publish(shop.hub, { topics: ['presence-room.1'], event: 'said', data: '"meanwhile, to others"', private: true, socket_id: socket })
    shop.wire.mend()
    for (const tab of [ada, grace]) await sees(tab, 'here', 2)
    await send(shop.hub, 'presence-room.1', 'said', 'again')
    assert.deepEqual(await sees(ada, 'said', 4), [['to others'], ['to all'], ['meanwhile, to others'], ['again']])
    assert.deepEqual(await sees(grace, 'said', 2), [['to all'], ['again']])
    for (const tab of [ada, grace]) {
      const [, [users]] = await sees(tab, 'here', 2)
      assert.deepEqual(users.toSorted((one, other) => one.id - other.id), USERS)
    }
    await grace.close()
    assert.deepEqual(await sees(ada, 'leaving'), [[GRACE]])
    const names = (await seen(ada)).map(([name]) => name)
    assert.equal(names.filter((name) => name === 'joining').length, 1)
    assert.ok(!(await seen(ada)).some(([name]) => name === 'reset'))
  })

  test(`${echo}: a hub that is killed and started again, and a network that comes and goes, leave no gap and no double`, async (t) => {
    const shop = await startShop(t)
    const tab = await openEcho(t, shop, echo, ADA)
    await tab.evaluate(() => {
      window.echo.channel('messages').listen('.n', window.into('n'))
      window.echo.private('orders.1').listen('.n', window.into('n')).subscribed(window.into('subscribed'))
    })
    await sees(tab, 'subscribed')
    let published = 0
    const publishSome = async (count) => {
      for (let made = 0; made < count; made += 1) {
        const topic = published % 2 === 0 ? 'messages' : 'private-orders.1'
        await send(shop.hub, topic, 'n', (published += 1))
      }
    }
    for (let round = 0; round < 2; round += 1) {
      await publishSome(5)
      const before = (await sees(tab, 'subscribed')).length
      await shop.hub.kill()
      await shop.hub.restart()
      await publishSome(5)
      await sees(tab, 'subscribed', before + 1)
      shop.wire.cut()
      await publishSome(5)
      shop.wire.mend()
      await publishSome(5)
    }
    await sees(tab, 'n', published)
    assert.deepEqual(await sees(tab, 'n'), Array.from({ length: published }, (_, number) => [number + 1]))
    assert.ok(!(await seen(tab)).some(([name]) => name === 'reset'))
    assert.equal(await shop.hub.subscribers(OPERATOR), 1)
  })
}
