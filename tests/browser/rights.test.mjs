// docs/rights.md and its translation, followed as they are written; and what rights are to a real page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { Document } from './support/documents.mjs'
import { startHub } from './support/hub.mjs'
import { freePort } from './support/server.mjs'
import { startSite } from './support/site.mjs'
import { Terminal } from './support/terminal.mjs'
import { CONFIGURATION, inSeconds, native, OPERATOR } from './support/tokens.mjs'
import { until } from './support/wait.mjs'

const RIGHTS = new Document('docs/rights')
const CLOSED = 2

/** Follows the three steps of one of the files up to a running hub. */
async function followSteps(t, index) {
  const terminal = new Terminal(t)
  await terminal.sh(RIGHTS.block('sh', 'tidings token key')[index])
  const configuration = RIGHTS.block('toml', 'secret_file')[index]
  assert.equal(RIGHTS.block('sh', 'tidings serve')[index], 'tidings serve --config tidings.toml\n')
  const hub = await startHub(t, { configuration, directory: terminal.directory })
  terminal.env.TIDINGS_URL = hub.url
  return { terminal, hub }
}

/** Opens a page of the hub itself that has this token in the cookie. */
async function openWithToken(t, hub, token) {
  const page = await openPage(t, `${hub.url}/livez`)
  const cookie = { name: 'tidings_token', value: token, domain: '127.0.0.1', path: '/events', httpOnly: true, sameSite: 'Lax' }
  await page.context().addCookies([cookie])
  return page
}

for (const [index, file] of RIGHTS.files.entries()) {
  test(`${file}: three steps lead to a hub with keys, whose publishers and browsers get through`, async (t) => {
    const { terminal, hub } = await followSteps(t, index)
    const page = await openPage(t, `${hub.url}/livez`)
    const anonymous = await listen(page, '/events?topic=news.today')
    await anonymous.opens()
    await terminal.sh(RIGHTS.block('sh', 'tidings publish')[index], hub)
    await terminal.sh(RIGHTS.block('sh', '?private=true')[index], hub)
    await terminal.sh(RIGHTS.block('sh', 'tidings publish')[index], hub)
    await anonymous.receives(4)
    assert.deepEqual(await anonymous.data(), ['Hello', 'Hello again', 'Hello', 'Hello again'])
    // Nobody else does anything.
    assert.equal((await hub.get('/events?topic=orders.42')).status, 401)
    await assert.rejects(hub.publish('news.today', 'from nobody'), /401/)
  })

  for (const [language, tool, wanted, after] of [
    ['js', ['node', '--input-type=module', '--eval'], 'createHmac', 'console.log(token)'],
    ['python', ['python3', '-c'], 'hmac.digest', 'print(token)'],
    ['sh', ['sh', '-euc'], 'tidings token mint', ''],
  ]) {
    test(`${file}: a token that ${tool[0]} makes opens the stream that it is for, and no other`, async (t) => {
      const { terminal, hub } = await followSteps(t, index)
      const code = `${RIGHTS.block(language, wanted)[index]}\n${after}`
      const { stdout } = await terminal.run(tool[0], [...tool.slice(1), code])
      const token = stdout.trim()
      const page = await openWithToken(t, hub, token)
      const listener = await listen(page, '/events?topic=orders.42')
      await listener.opens()
      const key = (await terminal.sh('cat backend.key')).trim()
      await hub.publish('orders.42', 'for you', { token: key, private: true })
      await listener.receives(1)
      const refused = await hub.get('/events?topic=orders.43', { Authorization: `Bearer ${token}` })
      assert.equal(refused.status, 403)
      assert.match((await refused.json()).detail, /user "42" may not subscribe "orders\.43"|orders\.43/)
    })
  }

  test(`${file}: the page that renews its token loses nothing, awake or asleep`, async (t) => {
    const { terminal, hub } = await followSteps(t, index)
    const secret = (await terminal.sh('cat jwt.key')).trim()
    const key = (await terminal.sh('cat backend.key')).trim()
    const token = (seconds) => native({ subscribe: ['orders.42'], exp: inSeconds(seconds) }, secret)
    const page = await openWithToken(t, hub, token(14))
    let renewals = 0
    await page.route('**/renew', async (route) => {
      renewals += 1
      await page.context().addCookies([{ name: 'tidings_token', value: token(3600), domain: '127.0.0.1', path: '/events' }])
      await route.fulfill({ status: 204 })
    })
    const code = RIGHTS.block('js', 'tidings.close')[index]
    await page.evaluate(`(() => {${code}
      globalThis.seen = []
      listen('/events?topic=orders.42', ({ data }) => globalThis.seen.push(data)) })()`)
    await until('the page listens', async () => (await hub.subscribers(key)) === 1)
    let published = 0
    const publish = () => hub.publish('orders.42', String((published += 1)), { token: key, private: true })
    while (renewals === 0) await publish()
    // Until a while after the old token's end.
    const end = Date.now() + 14_000
    while (Date.now() < end) await publish()
    await until('the last event has arrived', async () => (await page.evaluate(() => globalThis.seen.length)) >= published)
    assert.deepEqual(await page.evaluate(() => globalThis.seen), Array.from({ length: published }, (_, number) => String(number + 1)))
    assert.equal(renewals, 1)
  })

  test(`${file}: the application's answer decides, by the cookies of the browser`, async (t) => {
    const terminal = new Terminal(t)
    const port = await freePort()
    const code = RIGHTS.block('js', 'userOf')[index].replace('8000', String(port))
    terminal.start('node', ['--input-type=module', '--eval', `const userOf = (cookie = '') => /session=(\\d+)/.exec(cookie)?.[1]\n${code}`])
    await until('the application answers', async () => (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}' })).status === 401)
    const configuration = RIGHTS.block('toml', '/tidings/auth')[index].replace('8000', String(port)) + CONFIGURATION
    const hub = await startHub(t, { configuration })
    const page = await openPage(t, `${hub.url}/livez`)
    await page.context().addCookies([{ name: 'session', value: '42', domain: '127.0.0.1', path: '/' }])
    const own = await listen(page, '/events?topic=orders.42')
    await own.opens()
    const other = await listen(page, '/events?topic=orders.43')
    await until('the other is refused', async () => (await other.state()).readyState === CLOSED)
    await hub.publish('orders.42', 'for you', { token: OPERATOR, private: true })
    await own.receives(1)
    assert.deepEqual(await own.data(), ['for you'])
    const refused = await hub.get('/events?topic=orders.42')
    assert.equal(refused.status, 401)
  })

  test(`${file}: an administrator ends a user's streams, and explains why`, async (t) => {
    const { terminal, hub } = await followSteps(t, index)
    await terminal.sh(`${RIGHTS.block('sh', 'tidings token mint')[index].trim()} > token`)
    const token = (await terminal.sh('cat token')).trim()
    const page = await openWithToken(t, hub, token)
    const listener = await listen(page, '/events?topic=orders.42', { types: ['tidings.close'] })
    await listener.opens()

    const [inspect, explain] = RIGHTS.block('sh', '/admin/explain')[index].split('\n')
    assert.match(await terminal.sh(inspect), /orders\.42/)
    const explanation = JSON.parse(await terminal.sh(explain, hub))
    assert.equal(explanation.allowed, false)
    assert.match(explanation.reason, /orders\.43|any of the topics/)

    const [revoke, list, lift] = RIGHTS.block('sh', '/admin/revoke')[index].trim().split('\n')
    await terminal.sh(revoke, hub)
    const [close] = await listener.receives(1)
    assert.deepEqual([close.type, JSON.parse(close.data)], ['tidings.close', { reason: 'revoked' }])
    await until('the page has given up', async () => (await listener.state()).readyState === CLOSED)
    assert.match(await terminal.sh(list, hub), /42/)
    await hub.kill()
    await hub.restart()
    const again = async () => (await hub.get('/events?topic=orders.42', { Authorization: `Bearer ${token}` })).status
    assert.equal(await again(), 401)
    await terminal.sh(lift, hub)
    const back = await listen(page, '/events?topic=orders.42')
    await back.opens()
  })
}

test('an anonymous page sees of a pattern what is public and for everybody', async (t) => {
  const hub = await startHub(t, { configuration: `${CONFIGURATION}\n[anonymous]\nsubscribe = ["news.*"]` })
  const page = await openPage(t, `${hub.url}/livez`)
  const listener = await listen(page, '/events?pattern=*')
  await listener.opens()
  await hub.publish('orders.1', 'not for everybody', { token: OPERATOR })
  await hub.publish('news.1', 'private', { token: OPERATOR, private: true })
  await hub.publish('news.1', 'public', { token: OPERATOR })
  await listener.receives(1)
  assert.deepEqual(await listener.data(), ['public'])
})

test('a page of another origin listens with its cookie, and publishes only where it is trusted', async (t) => {
  const site = await startSite(t)
  const publishFrom = async (configuration) => {
    const hub = await startHub(t, { configuration: `${CONFIGURATION}\n[cors]\norigins = ["${site.url}"]\n${configuration}` })
    const page = await openPage(t, site.url)
    const token = native({ publish: ['chat'], subscribe: ['chat'] })
    await page.context().addCookies([{ name: 'tidings_token', value: token, domain: '127.0.0.1', path: '/', sameSite: 'Lax' }])
    const listener = await listen(page, `${hub.url}/events?topic=chat`, { withCredentials: true })
    await listener.opens()
    const answer = await page.evaluate(async (url) => {
      const response = await fetch(url, { method: 'POST', body: 'hello', credentials: 'include' })
      return { status: response.status, ...(await response.json()) }
    }, `${hub.url}/topics/chat`)
    return { answer, listener }
  }
  const trusted = await publishFrom('')
  assert.equal(trusted.answer.status, 200)
  await trusted.listener.receives(1)
  const untrusted = await publishFrom('[auth]\npublish_origins = ["https://elsewhere.example"]')
  assert.equal(untrusted.answer.status, 400)
  assert.match(untrusted.answer.detail, /publish_origins/)
})
