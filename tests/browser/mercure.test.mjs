// The Mercure protocol in a real browser: both dialects at once, on one hub, from pages of another origin.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { Document, onHub } from './support/documents.mjs'
import { startHub } from './support/hub.mjs'
import { COOKIE_V0, COOKIE_V1, openWithCookies, PATH, publish, startMercure, subscribeUrl } from './support/mercure.mjs'
import { startNginx } from './support/nginx.mjs'
import { CONFIGURATION, inSeconds, v0, v1 } from './support/tokens.mjs'
import { until } from './support/wait.mjs'

const POLYFILL = createRequire(import.meta.url).resolve('event-source-polyfill')

const BOOKS = 'https://library.example/books'
const READERS = 'https://library.example/readers'
const SUBSCRIPTIONS = `${PATH}/subscriptions`

// Who publishes, in each dialect.
const PUBLISHERS = { '0.x': v0({ publish: ['*'] }), '1.0': v1({ publish: ['*'] }) }

// A reader's own events, and how each dialect asks for them and for all books.
const DIALECTS = {
  '0.x': {
    cookie: COOKIE_V0,
    token: (reader, claims) => v0({ subscribe: [`${READERS}/${reader}/{any}`], ...claims }),
    parameters: (reader) => ({ topic: [`${BOOKS}/{id}`, `${READERS}/${reader}/{any}`] }),
  },
  '1.0': {
    cookie: COOKIE_V1,
    token: (reader, claims) => v1({ subscribe: [`${READERS}/${reader}/:any`], ...claims }),
    parameters: (reader) => ({ match_urlpattern: [`${BOOKS}/:id`, `${READERS}/${reader}/:any`] }),
  },
}

async function listenAs(page, hub, dialect, reader, options) {
  const listener = await listen(page, subscribeUrl(hub, DIALECTS[dialect].parameters(reader)), { withCredentials: true, ...options })
  await listener.opens()
  return listener
}

function cookiesOf(reader) {
  return Object.fromEntries(Object.values(DIALECTS).map(({ cookie, token }) => [cookie, token(reader)]))
}

test('one page hears both publishers in both dialects, each event once and with one id', async (t) => {
  const { site, hub } = await startMercure(t)
  const page = await openWithCookies(t, site, cookiesOf('1'))
  const listeners = [await listenAs(page, hub, '0.x', '1'), await listenAs(page, hub, '1.0', '1')]
  const published = []
  for (const [dialect, token] of Object.entries(PUBLISHERS)) {
    published.push([`of ${dialect}`, await publish(hub, token, { topic: `${BOOKS}/1`, data: `of ${dialect}` })])
    published.push([`alternate of ${dialect}`, await publish(hub, token, { topic: ['https://elsewhere.example/', `${BOOKS}/2`], data: `alternate of ${dialect}` })])
    published.push([`secret of ${dialect}`, await publish(hub, token, { topic: `${READERS}/1/post`, data: `secret of ${dialect}`, private: 'on' })])
    await publish(hub, token, { topic: `${READERS}/2/post`, data: 'for somebody else', private: 'on' })
    await publish(hub, token, { topic: 'https://library.example/staff/1', data: 'not asked for' })
  }
  for (const listener of listeners) {
    const events = await listener.receives(published.length)
    assert.deepEqual(events.map(({ data, lastEventId }) => [data, lastEventId]), published)
  }
  assert.deepEqual(page.faults, [])
})

for (const dialect of Object.keys(DIALECTS)) {
  test(`${dialect}: a cookie shows a reader the own private events, and nobody else's`, async (t) => {
    const { site, hub } = await startMercure(t)
    const { cookie, token } = DIALECTS[dialect]
    const readers = ['1', '2']
    const listeners = []
    for (const reader of readers) {
      const page = await openWithCookies(t, site, { [cookie]: token(reader) })
      // Who asks for more than the own gets no more.
      listeners.push(await listen(page, subscribeUrl(hub, dialect === '0.x' ? { topic: '*' } : { match: '*' }), { withCredentials: true }))
      await listeners.at(-1).opens()
    }
    for (const reader of readers) {
      await publish(hub, PUBLISHERS[dialect], { topic: `${READERS}/${reader}/post`, data: `for ${reader}`, private: '' })
    }
    await publish(hub, PUBLISHERS[dialect], { topic: `${BOOKS}/1`, data: 'for all' })
    for (const [index, reader] of readers.entries()) {
      await listeners[index].receives(2)
      assert.deepEqual(await listeners[index].data(), [`for ${reader}`, 'for all'])
    }
  })

  test(`${dialect}: a hub killed in the middle loses and doubles nothing`, async (t) => {
    const { site, hub } = await startMercure(t)
    const page = await openWithCookies(t, site, cookiesOf('1'))
    const listener = await listenAs(page, hub, dialect, '1')
    const publishSome = async (from, to) => {
      for (let number = from; number <= to; number++) {
        const topic = number % 2 === 0 ? `${READERS}/1/post` : `${BOOKS}/${number}`
        await publish(hub, PUBLISHERS[dialect], { topic, data: String(number), ...(number % 2 === 0 ? { private: 'on' } : {}) })
      }
    }
    await publishSome(1, 5)
    await listener.receives(5)
    await hub.kill()
    await hub.restart()
    // The page is not back yet, as a rule.
    await publishSome(6, 10)
    await listener.opens(2)
    await publishSome(11, 15)
    await listener.receives(15)
    assert.deepEqual(await listener.data(), Array.from({ length: 15 }, (_, index) => String(index + 1)))
  })

  test(`${dialect}: a page that is told its token ends fetches another, and loses nothing`, async (t) => {
    const { cookie, token } = DIALECTS[dialect]
    const { site, hub } = await startMercure(t, { renew: () => `${cookie}=${token('1')}`, more: '[auth]\nexpiry_notice = "5s"' })
    const page = await openWithCookies(t, site, { [cookie]: token('1', { exp: inSeconds(8) }) })
    const listener = await listenAs(page, hub, dialect, '1', { types: ['tidings.close'] })
    await page.evaluate(() => {
      globalThis.renewals = 0
    })
    await listener.handle.evaluate(({ source }) => {
      source.addEventListener('tidings.close', async ({ data }) => {
        if (JSON.parse(data).reason !== 'expiring') return
        await fetch('/renew', { method: 'POST' })
        globalThis.renewals += 1
      })
    })
    let published = 0
    while ((await listener.state()).opened < 2) {
      published += 1
      await publish(hub, PUBLISHERS[dialect], { topic: `${READERS}/1/post`, data: String(published), private: 'on' })
    }
    published += 1
    await publish(hub, PUBLISHERS[dialect], { topic: `${READERS}/1/post`, data: String(published), private: 'on' })
    const messages = async () => (await listener.events()).filter(({ type }) => type === 'message').map(({ data }) => data)
    await until('the last event has arrived', async () => (await messages()).length >= published)
    assert.deepEqual(await messages(), Array.from({ length: published }, (_, index) => String(index + 1)))
    assert.equal(await page.evaluate(() => globalThis.renewals), 1)
  })

  test(`${dialect}: a page whose token has ended is refused, and not taken for an anonymous one`, async (t) => {
    const { cookie, token } = DIALECTS[dialect]
    const { site, hub } = await startMercure(t, { more: '[anonymous]\nsubscribe = ["*"]' })
    const page = await openWithCookies(t, site, { [cookie]: token('1', { exp: inSeconds(-60) }) })
    const listener = await listen(page, subscribeUrl(hub, DIALECTS[dialect].parameters('1')), { withCredentials: true })
    await until('the EventSource has given up', async () => (await listener.state()).readyState === 2)
    assert.equal((await listener.state()).opened, 0)
    await until('the log says why', () => hub.log.includes('the token expired'))
  })

  test(`${dialect}: an anonymous page sees public events only`, async (t) => {
    const { site, hub } = await startMercure(t, { more: '[anonymous]\nsubscribe = ["*"]' })
    const page = await openPage(t, site.url)
    const listener = await listenAs(page, hub, dialect, '1')
    await publish(hub, PUBLISHERS[dialect], { topic: `${READERS}/1/post`, data: 'secret', private: 'on' })
    await publish(hub, PUBLISHERS[dialect], { topic: `${BOOKS}/1`, data: 'public' })
    await listener.receives(1)
    assert.deepEqual(await listener.data(), ['public'])
  })

  test(`${dialect}: a page with nothing is refused where nobody is anonymous`, async (t) => {
    const { site, hub } = await startMercure(t)
    const page = await openPage(t, site.url)
    const listener = await listen(page, subscribeUrl(hub, DIALECTS[dialect].parameters('1')))
    await until('the EventSource has given up', async () => (await listener.state()).readyState === 2)
    assert.equal((await listener.state()).opened, 0)
  })
}

// Both libraries send headers, which EventSource cannot; each comes back by itself.
const LIBRARIES = {
  'event-source-polyfill': async (page, url, token) => {
    await page.addScriptTag({ path: POLYFILL })
    return page.evaluateHandle(([url, token]) => {
      const seen = { data: [], opened: 0, cursor: null }
      const source = new globalThis.EventSourcePolyfill(url, { headers: { Authorization: `Bearer ${token}` } })
      source.onopen = () => { seen.opened += 1 }
      source.onmessage = ({ data }) => { seen.data.push(data) }
      return seen
    }, [url, token])
  },
  '@microsoft/fetch-event-source': (page, url, token) =>
    page.evaluateHandle(async ([url, token]) => {
      const seen = { data: [], opened: 0, cursor: null }
      const { fetchEventSource } = await import('/fetch-event-source/index.js')
      fetchEventSource(url, {
        headers: { Authorization: `Bearer ${token}` },
        openWhenHidden: true,
        onopen: async ({ ok, headers }) => {
          if (!ok) throw new Error('refused')
          seen.cursor = headers.get('Mercure-Last-Event-ID') ?? headers.get('Last-Event-ID')
          seen.opened += 1
        },
        // It hands over an id that comes alone, as at the start of a stream, which browsers do not.
        onmessage: ({ data }) => { if (data !== '') seen.data.push(data) },
        // A stream that ends is to be opened again.
        onclose: () => { throw new Error('ended') },
        onerror: () => 100,
      })
      return seen
    }, [url, token]),
}

for (const [library, open] of Object.entries(LIBRARIES)) {
  for (const dialect of Object.keys(DIALECTS)) {
    test(`${library} listens with a header in ${dialect}, and resumes after the hub was killed`, async (t) => {
      const { site, hub } = await startMercure(t)
      const page = await openPage(t, site.url)
      const { parameters, token } = DIALECTS[dialect]
      const handle = await open(page, subscribeUrl(hub, parameters('1')), token('1'))
      const seen = () => handle.evaluate(({ data, opened, cursor }) => ({ data, opened, cursor }))
      await until('the library has opened', async () => (await seen()).opened === 1)
      const secret = (data) => publish(hub, PUBLISHERS[dialect], { topic: `${READERS}/1/post`, data, private: 'on' })
      const first = await secret('before')
      await until('the first event is there', async () => (await seen()).data.length === 1)
      await hub.kill()
      await hub.restart()
      await secret('while it is away')
      await until('the library is back', async () => (await seen()).opened >= 2)
      await secret('after')
      await until('the last event is there', async () => (await seen()).data.includes('after'))
      const { data, cursor } = await seen()
      assert.deepEqual(data, ['before', 'while it is away', 'after'])
      // Where the stream goes on, which a page of another origin can read.
      if (library !== 'event-source-polyfill') assert.equal(cursor, first)
    })
  }
}

test('a page of another origin can read that the hub does not know its cursor', async (t) => {
  const { site, hub } = await startMercure(t)
  const page = await openPage(t, site.url)
  await publish(hub, PUBLISHERS['1.0'], { topic: `${BOOKS}/1`, data: 'kept' })
  for (const [dialect, header, cursor] of [['0.x', 'Last-Event-ID', 'lastEventID'], ['1.0', 'Mercure-Last-Event-ID', 'last_event_id']]) {
    const { parameters, token } = DIALECTS[dialect]
    const url = subscribeUrl(hub, { ...parameters('1'), [cursor]: 'urn:uuid:of-another-hub' })
    const answer = await page.evaluate(async ([url, token, header]) => {
      const abort = new AbortController()
      const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` }, signal: abort.signal })
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      while (!text.includes('data: kept')) text += (await reader.read()).value
      abort.abort()
      return response.headers.get(header)
    }, [url, token('1'), header])
    assert.equal(answer, 'earliest', dialect)
  }
})

test('over HTTPS, behind nginx as docs/from-mercure.md has it, the cookie of 1.0 has its own name', async (t) => {
  for (const location of new Document('docs/from-mercure').block('nginx', 'proxy_pass')) {
    const hub = await startHub(t, { configuration: CONFIGURATION.replace(/^audience.*$/m, '') })
    const page = 'location = /page { default_type text/html; return 200 "<!doctype html><html lang=en><title>A page</title><link rel=icon href=data:,>"; }'
    const nginx = await startNginx(t, onHub(location, hub) + page, { tls: true })
    const browser = await openPage(t, `${nginx.secureUrl}/page`, { ignoreHTTPSErrors: true })
    const cookie = { name: '__Secure-mercure_access_token', secure: true, httpOnly: true, sameSite: 'Strict', domain: '127.0.0.1', path: PATH }
    // No audience is configured: the token is for the hub as the browser sees it.
    const token = (url) => v1({ subscribe: [`${READERS}/1/post`], publish: ['*'], aud: url + PATH })
    await browser.context().addCookies([{ ...cookie, value: token(nginx.secureUrl) }])
    const listener = await listen(browser, `${PATH}?match=${encodeURIComponent(`${READERS}/1/post`)}`)
    await listener.opens()
    await publish(hub, token(hub.url), { topic: `${READERS}/1/post`, data: 'for you', private: 'on' })
    await listener.receives(1)
    assert.deepEqual(await listener.data(), ['for you'])
    await browser.context().close()
  }
})

test('a page sees who comes and who goes, in the dialect that they speak', async (t) => {
  const { site, hub } = await startMercure(t, { mercure: 'subscriptions = true' })
  const watcher = await openWithCookies(t, site, {
    [COOKIE_V0]: v0({ subscribe: ['*'] }),
    [COOKIE_V1]: v1({ subscribe: ['*'] }),
  })
  const watching = {
    '0.x': await listen(watcher, subscribeUrl(hub, { topic: `${SUBSCRIPTIONS}/{topic}/{subscriber}` }), { withCredentials: true }),
    '1.0': await listen(watcher, subscribeUrl(hub, { match_urlpattern: `${SUBSCRIPTIONS}/:type/:match/:subscriber` }), { withCredentials: true, types: ['mercure'] }),
  }
  for (const listener of Object.values(watching)) await listener.opens()
  const seen = async (dialect, match) =>
    (await watching[dialect].events())
      .map(({ type, data }) => ({ type, ...JSON.parse(data) }))
      .filter((document) => (document.topic ?? document.match) === match)

  for (const [dialect, { cookie }] of Object.entries(DIALECTS)) {
    const book = `${BOOKS}/of-${dialect}`
    const token = (dialect === '0.x' ? v0 : v1)({ subscribe: [book], payload: { name: 'Ada' } })
    const reader = await openWithCookies(t, site, { [cookie]: token })
    const parameters = dialect === '0.x' ? { topic: book } : { match: book }
    const listener = await listen(reader, subscribeUrl(hub, parameters), { withCredentials: true })
    await listener.opens()
    const [come] = await until('the page sees them come', async () => {
      const documents = await seen(dialect, book)
      return documents.length === 1 && documents
    })
    assert.equal(come.active, true)
    assert.deepEqual(come.payload, { name: 'Ada' })
    assert.equal(come.type, dialect === '0.x' ? 'Subscription' : 'subscription')
    await reader.context().close()
    const [, gone] = await until('the page sees them go', async () => {
      const documents = await seen(dialect, book)
      return documents.length === 2 && documents
    })
    assert.equal(gone.active, false)
    assert.equal(gone.subscriber, come.subscriber)
  }
})
