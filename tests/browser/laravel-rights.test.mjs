// The PHP in docs/rights.md and its translation, as it stands, and Laravel's own channels, as the page has the hub ask about them.

import assert from 'node:assert/strict'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen, openPage } from './support/browser.mjs'
import { Document } from './support/documents.mjs'
import { startHub } from './support/hub.mjs'
import { signIn } from './support/echo.mjs'
import { startPhp } from './support/php.mjs'
import { startRedis } from './support/redis.mjs'
import { temporaryDirectory } from './support/server.mjs'
import { ADA, GRACE, installShop } from './support/shop.mjs'
import { Terminal } from './support/terminal.mjs'
import { CONFIGURATION, OPERATOR, SECRET } from './support/tokens.mjs'
import { until } from './support/wait.mjs'

const RIGHTS = new Document('docs/rights')
const CLOSED = 2

/** The Laravel application of examples/mercure, with users who are whom their cookie says, and with this route. */
function application(t, route) {
  const directory = temporaryDirectory(t)
  cpSync(fileURLToPath(new URL('../../examples/mercure/laravel', import.meta.url)), directory, { recursive: true })
  const config = `${directory}/config/app.php`
  writeFileSync(config, readFileSync(config, 'utf8').replace("'providers' => [", "'providers' => [\n        Illuminate\\Auth\\AuthServiceProvider::class,"))
  writeFileSync(`${directory}/config/auth.php`, `<?php return ['defaults' => ['guard' => 'web'], 'guards' => ['web' => ['driver' => 'cookie']]];`)
  appendFileSync(`${directory}/routes/web.php`, `
Illuminate\\Support\\Facades\\Auth::viaRequest('cookie', fn ($request) => $request->cookie('session')
    ? new Illuminate\\Auth\\GenericUser(['id' => (int) $request->cookie('session')]) : null);
${route}`)
  return startPhp(t, directory)
}

/** The application of examples/laravel, and a hub that asks it as the page has it. */
async function startChannels(t, index, variables = {}) {
  const shop = await installShop(t, await startRedis(t), variables)
  const laravel = await startPhp(t, shop.directory, shop.variables)
  const configuration = RIGHTS.block('toml', 'kind = "laravel"')[index].replace('http://127.0.0.1:8000', laravel.url)
  const hub = await startHub(t, { configuration: `${configuration}[cors]\norigins = ["${laravel.url}"]\n${CONFIGURATION}` })
  return { laravel, hub }
}

for (const [index, file] of RIGHTS.files.entries()) {
  test(`${file}: a token that PHP makes opens the stream that it is for`, async (t) => {
    const terminal = new Terminal(t)
    terminal.write('jwt.key', `${SECRET}\n`)
    const code = RIGHTS.block('php', 'hash_hmac')[index]
    const { stdout: token } = await terminal.run('php', ['-r', `${code}\necho $token;`])
    const hub = await startHub(t, { configuration: `[[jwt]]\nkey = "${SECRET}"` })
    const answer = async (topic) => {
      const controller = new AbortController()
      const { status } = await fetch(`${hub.url}/events?topic=${topic}`, { headers: { Authorization: `Bearer ${token}` }, signal: controller.signal })
      controller.abort()
      return status
    }
    assert.deepEqual([await answer('orders.42'), await answer('orders.43')], [200, 403])
  })

  test(`${file}: Laravel decides, by whom it knows`, async (t) => {
    const laravel = await application(t, RIGHTS.block('php', '/tidings/auth')[index])
    const configuration = RIGHTS.block('toml', '/tidings/auth')[index].replace('http://127.0.0.1:8000', laravel.url)
    const hub = await startHub(t, { configuration: configuration + CONFIGURATION })
    const page = await openPage(t, `${hub.url}/livez`)
    await page.context().addCookies([{ name: 'session', value: '42', domain: '127.0.0.1', path: '/' }])
    const own = await listen(page, '/events?topic=orders.42')
    await own.opens()
    const other = await listen(page, '/events?topic=orders.43')
    await until('the other is refused', async () => (await other.state()).readyState === CLOSED)
    await hub.publish('orders.42', 'for you', { token: OPERATOR, private: true })
    await own.receives(1)
    assert.deepEqual(await own.data(), ['for you'])
    const nobody = await hub.get('/events?topic=orders.42')
    assert.equal(nobody.status, 401)
    assert.match((await nobody.json()).detail, /sign in/)
  })

  test(`${file}: Laravel's own channels decide, on any stream`, async (t) => {
    const { laravel, hub } = await startChannels(t, index)
    const [ada, grace, guest] = await Promise.all([ADA, GRACE, undefined].map(async (email) => {
      const page = await openPage(t, `${laravel.url}/login`)
      if (email) await signIn(page, email)
      return page
    }))
    const open = (page, topic) => listen(page, `${hub.url}/events?topic=${topic}`, { withCredentials: true })
    for (const topic of ['private-orders.1', 'presence-room.1']) {
      const own = await open(ada, topic)
      await own.opens()
      await hub.publish(topic, `for ${topic}`, { token: OPERATOR, private: true })
      await own.receives(1)
      assert.deepEqual(await own.data(), [`for ${topic}`])
    }
    for (const [page, topic] of [[grace, 'private-orders.1'], [guest, 'private-orders.1'], [guest, 'presence-room.1'], [ada, 'private-nothing'], [ada, 'news']]) {
      const refused = await open(page, topic)
      await until(`${topic} is refused`, async () => (await refused.state()).readyState === CLOSED)
    }
    // The presence channel names her, so that she can be taken out of it.
    assert.match(hub.log, /"holder":"user \\"1\\"","topics":"presence-room.1"/)
    assert.doesNotMatch(hub.log, /laravel_session|XSRF/)
  })
}

test('an application that broadcasts nowhere is told of by its empty answer', async (t) => {
  const { laravel, hub } = await startChannels(t, 0, { BROADCAST_DRIVER: 'log' })
  const page = await openPage(t, `${laravel.url}/login`)
  await signIn(page, ADA)
  await listen(page, `${hub.url}/events?topic=private-orders.1`, { withCredentials: true })
  await until('the log says so', () => hub.log.includes('is its broadcaster redis, reverb or pusher?'))
})
