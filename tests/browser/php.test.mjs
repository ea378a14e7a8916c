// Plain PHP: the application of examples/php, and docs/php.md and its translation, which show parts of it.

import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen, openPage } from './support/browser.mjs'
import { Document, onHub } from './support/documents.mjs'
import { startHub } from './support/hub.mjs'
import { startPhp } from './support/php.mjs'
import { startRedis } from './support/redis.mjs'
import { Terminal } from './support/terminal.mjs'
import { until } from './support/wait.mjs'

const EXAMPLE = fileURLToPath(new URL('../../examples/php', import.meta.url))
const DOCUMENT = new Document('docs/php')
const README = readFileSync(join(EXAMPLE, 'README.md'), 'utf8')
const CLOSED = 2

/** The example's files of this kind, by their paths in it. */
function files(ending) {
  return readdirSync(EXAMPLE, { recursive: true }).filter((name) => name.endsWith(ending))
}

/** The example, set up as its README says, but for the ports. */
async function startExample(t) {
  const terminal = new Terminal(t)
  const { directory } = terminal
  cpSync(EXAMPLE, directory, { recursive: true })
  const [redis, php] = await Promise.all([startRedis(t), startPhp(t, directory)])
  for (const command of README.match(/^tidings token key .*$/gm)) await terminal.sh(command)
  const configuration = readFileSync(join(directory, 'tidings.toml'), 'utf8')
    .replaceAll('http://127.0.0.1:8000', php.url)
    .replaceAll('redis://127.0.0.1:6379', redis.url)
  const hub = await startHub(t, { configuration, directory })
  for (const file of files('.php')) {
    const path = join(directory, file)
    const code = onHub(readFileSync(path, 'utf8'), hub)
    writeFileSync(path, code.replace("'127.0.0.1', 6379", `'127.0.0.1', ${redis.port}`))
  }
  await until('the hub has its sources', async () => (await hub.get('/readyz')).status === 200)
  return { terminal, php, redis, hub }
}

async function items(page) {
  return page.locator('li').allTextContents()
}

/** Opens the application's page and waits until it listens, as the only one. */
async function open(t, { php, hub }, run) {
  const page = await openPage(t, php.url)
  await run?.(page)
  await until('the page listens', () => page.evaluate(() => events.readyState === EventSource.OPEN))
  return page
}

async function signIn(page) {
  await page.fill('[name=password]', 'secret')
  await page.click('button')
  await page.waitForFunction(() => !document.querySelector('form'))
}

for (const [index, file] of DOCUMENT.files.entries()) {
  test(`${file}: what it shows is what the example runs`, () => {
    const code = (ending) => files(ending).map((name) => readFileSync(join(EXAMPLE, name), 'utf8'))
    for (const [language, ending] of [['php', '.php'], ['toml', '.toml']]) {
      for (const block of DOCUMENT.blocks(language)[index]) {
        assert.ok(code(ending).some((text) => text.includes(block.trim())), `this is in no ${ending} file of the example:\n${block}`)
      }
    }
    for (const block of DOCUMENT.blocks('sh')[index]) assert.ok(README.includes(block.trim()), block)
  })

  test(`${file}: the page's code listens`, async (t) => {
    const example = await startExample(t)
    const page = await open(t, example, signIn)
    const logged = []
    page.on('console', async (message) => {
      if (message.type() === 'log') logged.push(await message.args()[0].jsonValue())
    })
    await page.evaluate(`{ ${onHub(DOCUMENT.block('js', 'EventSource')[index], example.hub)}; globalThis.own = events }`)
    await until('it listens', () => page.evaluate(() => globalThis.own.readyState === EventSource.OPEN))
    await example.terminal.run('php', ['publish.php'])
    await until('both have arrived', () => logged.length === 2)
    assert.deepEqual(logged, [{ title: 'Hello' }, { status: 'paid' }])
  })
}

test('what PHP publishes reaches guests and the user whom the session names', async (t) => {
  const example = await startExample(t)
  const guest = await open(t, example)
  const ann = await open(t, example, signIn)
  for (const script of ['publish.php', 'publish-without-curl.php', 'batch.php']) await example.terminal.run('php', [script])
  const news = ['message: {"title":"Hello"}', 'message: {"title":"Hello without curl"}', 'message: {"title":"Two at once"}']
  await until('all has arrived', async () => (await items(ann)).length === 5 && (await items(guest)).length === 3)
  assert.deepEqual(await items(guest), news)
  assert.deepEqual(await items(ann), [
    news[0], 'updated: {"status":"paid"}', news[1], news[2], 'updated: {"status":"sent"}',
  ])

  const other = await listen(ann, `${example.hub.url}/events?topic=orders.43`, { withCredentials: true })
  await until('what is not hers is refused', async () => (await other.state()).readyState === CLOSED)
})

test('what PHP gives to Redis arrives, a stream\'s entry also when the hub was away', async (t) => {
  const example = await startExample(t)
  const ann = await open(t, example, signIn)
  await example.terminal.run('php', ['redis.php'])
  await until('both have arrived', async () => (await items(ann)).length === 2)
  assert.deepEqual((await items(ann)).toSorted(), ['message: {"title":"Hello through Redis"}', 'updated: {"status":"delivered"}'])

  await example.hub.kill()
  await example.terminal.run('php', ['redis.php'])
  await example.hub.restart()
  await until('the entry has arrived', async () => (await items(ann)).length === 3)
  assert.equal((await items(ann)).at(-1), 'updated: {"status":"delivered"}')
})

test('about who has a token PHP is not asked', async (t) => {
  const example = await startExample(t)
  const ann = await open(t, example, signIn)
  assert.equal(await ann.evaluate(async () => (await fetch('/token.php', { method: 'POST' })).status), 204)
  const asked = () => example.php.server.stderr.match(/tidings-auth/g).length
  const before = asked()
  const url = `${example.hub.url}/events?topic=orders.42`
  const own = await listen(ann, url, { types: ['updated'], withCredentials: true })
  await own.opens()
  await example.terminal.run('php', ['publish.php'])
  const [event] = await own.receives(1)
  assert.deepEqual([event.type, event.data], ['updated', '{"status":"paid"}'])
  const other = await listen(ann, url.replace('orders.42', 'orders.43'), { withCredentials: true })
  await until('what is not hers is refused', async () => (await other.state()).readyState === CLOSED)
  assert.equal(asked(), before)
})

test('PHP is told why something is not published', async (t) => {
  const example = await startExample(t)
  example.terminal.write('php.key', 'another-key-0123456789')
  for (const script of ['publish.php', 'publish-without-curl.php', 'batch.php']) {
    await assert.rejects(example.terminal.run('php', [script]), ({ stdout, stderr }) => /not published: .*no key of this hub/.test(stdout + stderr))
  }
})
