// Laravel Echo in real pages, on the application and the set-up of docs/laravel.md: with laravel-wave as npm has it, and
// with the own connector, each with both majors of Echo. Who should hear something hears it, once, and nobody else does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openEcho } from './support/echo.mjs'
import { ADA, GRACE, startShop } from './support/shop.mjs'
import { until } from './support/wait.mjs'

// What the page is called, and how many streams it opens: Echo 1.17 to 2.3.3 makes a second broadcaster, only to look at
// it, and that of laravel-wave connects.
const PACKAGES = { 'wave-2': 1, 'wave-1': 2, 'tidings-2': 1, 'tidings-1': 1 }

const CLASSES = ['PlainMessage', 'PlainMessageNow', 'EmptyEvent', 'SocketInPayload', '.message.sent', '.message.created', '.anonymous']
// How long a user may be away before the room is told: a reload takes less.
const SOON = { configuration: '[echo]\npresence_grace = "500ms"\n' }
const USER = 'App.Models.User.1'
const FORBIDDEN = 403

/** What of the events belongs to each channel: in a channel they have an order, over channels they need not be compared. */
const of = (seen, channel) => seen.filter(([name]) => name === channel).map(([, event, data]) => [event, data])

for (const [packages, streams] of Object.entries(PACKAGES)) {
  test(`${packages}: a page hears what is for its user, by name and with its data, and nothing else`, async (t) => {
    const shop = await startShop(t)
    const ada = await openEcho(t, shop, packages, { email: ADA })
    const grace = await openEcho(t, shop, packages, { email: GRACE })
    for (const page of [ada, grace]) {
      await page.listen('channel', 'messages', CLASSES)
      await page.listen('channel', 'plain-string-channel', ['.message.created'])
    }
    assert.equal(await ada.listen('private', 'orders.1', ['OrderShipped', '.message.created']), undefined)
    assert.equal(await ada.listen('private', 'orders.2', ['OrderShipped']), FORBIDDEN)
    assert.equal(await ada.listenForNotifications(USER), undefined)
    await ada.listen('private', USER, ['.OrderCreated', '.OrderUpdated', '.OrderDeleted'])
    assert.equal(await grace.listen('private', 'orders.2', ['OrderShipped']), undefined)
    assert.equal(await grace.listen('private', 'orders.1', ['OrderShipped', '.message.created']), FORBIDDEN)
    assert.equal(await grace.listenForNotifications(USER), FORBIDDEN)
    assert.equal(await grace.listen('join', 'nowhere'), FORBIDDEN)

    await shop.fire('queued', 'now', 'empty', 'socket-in-payload', 'to-others', 'anonymous-class', 'as-with-three')
    await shop.fire('private', 'other-private', 'model', 'notification', 'other-notification', 'never')
    // What comes last comes to all.
    await shop.fire('dispatched')
    const heard = async (page) => {
      await until('the last event is here', async () => of(await page.seen(), 'messages').length >= 8)
      return page.seen()
    }
    const hello = { message: 'Hello from Laravel!', count: 3 }
    const created = { id: 42, text: 'héllo 你好 / <b>"q"</b>\nline2', nested: { a: null, b: 1.5, c: true } }
    const openly = [
      ['PlainMessage', hello], ['PlainMessageNow', hello], ['EmptyEvent', {}], ['SocketInPayload', { x: 1 }],
      ['.message.sent', { from: 'Ada', text: 'for the others' }], ['.anonymous', { text: 'from nowhere' }],
      ['.message.created', created], ['PlainMessageNow', hello],
    ]
    const [hers, theirs] = [await heard(ada), await heard(grace)]
    for (const seen of [hers, theirs]) {
      assert.deepEqual(of(seen, 'messages'), openly)
      assert.deepEqual(of(seen, 'plain-string-channel'), [['.message.created', created]])
    }
    assert.deepEqual(of(hers, 'orders.1'), [['.message.created', created], ['OrderShipped', { id: 1, status: 'paid' }]])
    assert.deepEqual(of(hers, 'orders.2'), [])
    const model = (status) => ({ model: { id: 3, user_id: 1, status }, connection: null, queue: null })
    const [notification] = of(hers, USER).filter(([event]) => event === 'notification')
    assert.deepEqual(of(hers, USER), [
      ['.OrderCreated', model('new')], ['.OrderUpdated', model('paid')], ['.OrderDeleted', model('paid')], notification,
    ])
    assert.deepEqual({ ...notification[1], id: '' }, { amount: 120, id: '', type: 'App\\Notifications\\InvoicePaid' })
    assert.deepEqual(of(theirs, 'orders.2'), [['OrderShipped', { id: 2, status: 'paid' }]])
    assert.deepEqual(of(theirs, 'orders.1'), [])
    assert.deepEqual(of(theirs, USER), [])
    assert.equal(hers.length + theirs.length, 8 + 8 + 2 + 2 + 4 + 1)
    assert.equal(await shop.openStreams(), 2 * streams)
  })

  test(`${packages}: toOthers() leaves out the page that caused it, and no other of the same user`, async (t) => {
    const shop = await startShop(t)
    const first = await openEcho(t, shop, packages, { email: ADA })
    const second = await openEcho(t, shop, packages, { beside: first })
    const grace = await openEcho(t, shop, packages, { email: GRACE })
    const pages = [first, second, grace]
    for (const page of pages) await page.listen('channel', 'messages', CLASSES)
    assert.match(await first.socketId(), /^\d+\.\d+$/)
    assert.equal(await first.post('/fire/to-others'), 204)
    assert.equal(await second.post('/fire/to-others-now'), 204)
    assert.equal(await first.post('/fire/now'), 204)
    for (const page of pages) await page.sees('PlainMessageNow')
    const names = async (page) => (await page.seen()).map(([, event, data]) => data.text ?? data.message ?? event)
    await until('all have the last', async () => (await Promise.all(pages.map(names))).every((all) => all.includes('Hello from Laravel!')))
    assert.deepEqual(await names(first), ['for the others', 'Hello from Laravel!'])
    assert.deepEqual(await names(second), ['for the others', 'Hello from Laravel!'])
    assert.deepEqual(await names(grace), ['for the others', 'for the others', 'Hello from Laravel!'])
    assert.deepEqual((await first.seen()).map(([, event]) => event), ['PlainMessageNow', 'PlainMessageNow'])
    assert.deepEqual((await second.seen()).map(([, event]) => event), ['.message.sent', 'PlainMessageNow'])
  })

  test(`${packages}: a presence room has who is in it, each once, and tells who comes and goes`, async (t) => {
    const shop = await startShop(t, SOON)
    const user = (id, name) => ({ id, name })
    const [adaLovelace, graceHopper] = [user(1, 'Ada'), user(2, 'Grace')]
    const byId = (users) => users.toSorted((one, other) => one.id - other.id)
    const ada = await openEcho(t, shop, packages, { email: ADA })
    assert.equal(await ada.listen('join', 'room.1', ['RoomMessage']), undefined)
    assert.deepEqual(await ada.seen(), [['room.1', 'here', [adaLovelace]]])
    const grace = await openEcho(t, shop, packages, { email: GRACE })
    assert.equal(await grace.listen('join', 'room.1', ['RoomMessage']), undefined)
    const [[, , here]] = await grace.seen()
    assert.deepEqual(byId(here), [adaLovelace, graceHopper])
    await ada.sees('joining')
    assert.deepEqual((await ada.seen())[1], ['room.1', 'joining', graceHopper])

    // The same user in another tab is nobody new, and it is no leaving when that is closed.
    const another = await openEcho(t, shop, packages, { beside: grace })
    await another.listen('join', 'room.1')
    assert.deepEqual(byId((await another.seen())[0][2]), [adaLovelace, graceHopper])
    await another.page.close()
    await shop.fire('presence')
    for (const page of [ada, grace]) await page.sees('RoomMessage')
    assert.deepEqual((await ada.seen()).slice(2), [['room.1', 'RoomMessage', { body: 'Hello from Laravel!' }]])
    assert.equal((await grace.seen()).length, 2)

    await grace.page.close()
    await ada.sees('leaving')
    assert.deepEqual((await ada.seen()).slice(3), [['room.1', 'leaving', graceHopper]])
  })

  test(`${packages}: whoever leaves a channel hears no more of it`, async (t) => {
    const shop = await startShop(t, SOON)
    const [ada, grace] = [await openEcho(t, shop, packages, { email: ADA }), await openEcho(t, shop, packages, { email: GRACE })]
    for (const page of [ada, grace]) await page.listen('join', 'room.1', ['RoomMessage'])
    await ada.listen('channel', 'messages', CLASSES)
    await grace.page.evaluate(() => window.echo.leave('room.1'))
    await ada.sees('leaving')
    await shop.fire('presence', 'now')
    for (const event of ['RoomMessage', 'PlainMessageNow']) await ada.sees(event)
    assert.ok(!(await grace.seen()).some(([, event]) => event === 'RoomMessage'))
  })

  test(`${packages}: a whisper reaches the others in the channel, and only from one of them`, async (t) => {
    const shop = await startShop(t)
    const pages = [await openEcho(t, shop, packages, { email: ADA }), await openEcho(t, shop, packages, { email: GRACE })]
    const outside = await openEcho(t, shop, packages, { email: GRACE })
    for (const page of pages) {
      await page.listen('join', 'room.1')
      await page.page.evaluate(() => {
        window.echo.join('room.1').listenForWhisper('typing', (data) => { window.seen.push(['room.1', 'whisper', data]) })
      })
    }
    const whisper = (page, data) => page.page.evaluate((data) => { window.echo.join('room.1').whisper('typing', data) }, data)
    const whispers = async (page) => (await page.seen()).filter(([, event]) => event === 'whisper').map(([, , data]) => data)
    const [ada, grace] = pages
    await whisper(ada, { name: 'Ada' })
    await whisper(grace, 'a text')
    await until('both have heard', async () => (await whispers(grace)).length >= 1 && (await whispers(ada)).length >= 1)
    assert.deepEqual(await whispers(ada), ['a text'])
    assert.deepEqual(await whispers(grace), [{ name: 'Ada' }])
    assert.equal(await outside.post('/wave/whisper', { channel_name: 'presence-room.1', event_name: 'typing', data: 'from outside' }), FORBIDDEN)
    await whisper(ada, 'the last')
    await until('it is here', async () => (await whispers(grace)).length >= 2)
    assert.deepEqual(await whispers(grace), [{ name: 'Ada' }, 'the last'])
  })

  for (const [signal, how] of [['SIGTERM', 'told to end'], ['SIGKILL', 'killed']]) {
    test(`${packages}: the hub is ${how} while pages are cut off, and they miss nothing`, async (t) => {
      const shop = await startShop(t)
      const ada = await openEcho(t, shop, packages, { email: ADA })
      await ada.listen('channel', 'messages', CLASSES)
      await ada.listen('private', 'orders.1', ['OrderShipped'])
      await ada.listen('join', 'room.1', ['RoomMessage'])
      await shop.fire('now', 'private', 'presence')
      await ada.sees('RoomMessage')
      shop.wire.cut()
      // Redis keeps nothing, but the hub hears these, and the page does not; nor what comes before it is back.
      const before = await shop.published()
      await shop.fire('queued', 'private', 'presence')
      await until('the hub has them', async () => (await shop.published()) >= before + 3)
      await shop.hub.end(signal)
      await shop.hub.restart()
      await shop.isReady()
      await shop.fire('private', 'empty')
      shop.wire.mend()
      const names = (seen, channel) => of(seen, channel).map(([event]) => event).filter((event) => !['here', 'joining', 'leaving'].includes(event))
      const wanted = {
        messages: ['PlainMessageNow', 'PlainMessage', 'EmptyEvent'],
        'orders.1': ['OrderShipped', 'OrderShipped', 'OrderShipped'],
        'room.1': ['RoomMessage', 'RoomMessage'],
      }
      await until('the page has all', async () => {
        const seen = await ada.seen()
        return Object.entries(wanted).every(([channel, events]) => names(seen, channel).length >= events.length)
      })
      // And goes on.
      await until('Echo is connected again', () => ada.socketId())
      await shop.fire('presence', 'private', 'dispatched')
      wanted.messages.push('PlainMessageNow')
      wanted['orders.1'].push('OrderShipped')
      wanted['room.1'].push('RoomMessage')
      await until('the page goes on', async () => {
        const seen = await ada.seen()
        return Object.entries(wanted).every(([channel, events]) => names(seen, channel).length >= events.length)
      })
      const seen = await ada.seen()
      for (const [channel, events] of Object.entries(wanted)) assert.deepEqual(names(seen, channel), events, channel)
    })
  }

  test(`${packages}: a guest hears what is public, and is refused the rest`, async (t) => {
    const shop = await startShop(t)
    const guest = await openEcho(t, shop, packages)
    await guest.listen('channel', 'messages', CLASSES)
    const refused = await guest.listen('private', 'orders.1', ['OrderShipped'])
    assert.ok([401, FORBIDDEN].includes(refused), `refused with ${refused}`)
    await shop.fire('private', 'now')
    await guest.sees('PlainMessageNow')
    assert.equal((await guest.seen()).length, 1)
  })

  test(`${packages}: a token in place of a cookie is passed on, and Laravel decides by it`, async (t) => {
    const shop = await startShop(t)
    const ada = await openEcho(t, shop, packages, { query: 'token=the-token-of-ada' })
    assert.equal(await ada.listen('private', 'tokens.1'), undefined)
    assert.equal(await ada.listen('private', 'tokens.2'), FORBIDDEN)
    const nobody = await openEcho(t, shop, packages, { query: 'token=of-nobody' })
    await nobody.listen('channel', 'messages', CLASSES)
    const refused = await nobody.listen('private', 'tokens.1')
    assert.ok([401, FORBIDDEN].includes(refused), `refused with ${refused}`)
    await shop.fire('now')
    await nobody.sees('PlainMessageNow')
  })

  test(`${packages}: whoever has signed out is refused on the next page`, async (t) => {
    const shop = await startShop(t)
    const ada = await openEcho(t, shop, packages, { email: ADA })
    assert.equal(await ada.listen('private', 'orders.1', ['OrderShipped']), undefined)
    assert.equal(await ada.post('/logout'), 200)
    await ada.page.goto(`${shop.url}/echo/${packages}`)
    await ada.page.waitForFunction(() => window.echo !== undefined)
    await ada.page.evaluate(() => { window.seen = [] })
    const refused = await ada.listen('private', 'orders.1', ['OrderShipped'])
    assert.ok([401, FORBIDDEN].includes(refused), `refused with ${refused}`)
    await shop.fire('private', 'now')
    assert.deepEqual(await ada.seen(), [])
  })
}

test('what is added to a Redis Stream while the hub is down reaches the pages when it is back', async (t) => {
  const source = '[[source]]\nkind = "redis_stream"\nurl = "redis://127.0.0.1:6379"\nstreams = ["laravel_database_events"]\n'
  const shop = await startShop(t, { configuration: source })
  const pages = []
  for (const packages of ['wave-2', 'tidings-2']) {
    const ada = await openEcho(t, shop, packages, { email: ADA })
    await ada.listen('private', 'orders.1', ['OrderShipped'])
    pages.push(ada)
  }
  await shop.fire('private')
  for (const ada of pages) await ada.receives(1)
  await shop.hub.kill()
  await shop.fire('stream')
  await shop.hub.restart()
  for (const ada of pages) {
    assert.deepEqual((await ada.receives(2)).map(([, , { status }]) => status), ['paid', 'from the stream'])
  }
})

test('laravel-wave in debug mode, which reads every event as JSON, stays on its stream', async (t) => {
  const shop = await startShop(t, { configuration: '[stream]\nheartbeat = "200ms"\nretry = "1s"\n' })
  const ada = await openEcho(t, shop, 'wave-2', { email: ADA, query: 'debug' })
  await ada.listen('private', 'orders.1', ['OrderShipped'])
  const before = await ada.socketId()
  await shop.fire('private', 'empty', 'private')
  await ada.receives(2)
  assert.equal(await ada.socketId(), before)
  assert.deepEqual(ada.page.faults, [])
})
