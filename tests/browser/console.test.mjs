// The console at `/`: what is published appears, what is typed is published, what is copied runs.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { CONFIGURATION, native, OPERATOR } from './support/tokens.mjs'
import { until } from './support/wait.mjs'

const run = promisify(execFile)

// What a shell, a URL or a page could take for something of its own.
const AWKWARD = `@it's "quoted" $HOME \`date\` <b>&amp;</b> 100% \\n 你好\nsecond line`

async function openConsole(t, hub, path = '/') {
  const page = await openPage(t, hub.url + path, { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.locator('#status[data-state="open"]').waitFor()
  return page
}

async function copySnippet(page, tab) {
  await page.locator(tab).click()
  await page.locator('#snippet-copy').click()
  const shown = await page.locator('#snippet').textContent()
  await until('the snippet is on the clipboard', async () => (await page.evaluate(() => navigator.clipboard.readText())) === shown)
  return shown
}

test('the console opens with the hub\'s own files only, and nothing goes wrong in it', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub)
  await until('the numbers are there', async () => (await page.locator('#stat-subscribers').textContent()) === '1')
  assert.deepEqual(page.faults, [])
  assert.deepEqual(page.requested.filter((url) => !url.startsWith(`${hub.url}/`)), [])
})

test('events of any topic appear as they are published', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub)
  const { id } = await hub.publish('orders.7', AWKWARD, { event: 'order' })
  const row = page.locator('#events > li', { hasText: id })
  await row.waitFor()
  const text = await row.textContent()
  assert.ok(text.includes('order'), text)
  assert.ok(text.includes(AWKWARD.split('\n')[0]), text)
})

test('a pattern that is added decides what is shown, and the address leads back to it', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub, '/?topic=nothing')
  await page.locator('#selector-kind').selectOption('pattern')
  await page.locator('#topic').fill('orders.*')
  await page.locator('#topic-add').click()
  await until('the address says so', () => new URL(page.url()).searchParams.get('pattern') === 'orders.*')
  await until('the hub has the new subscription', async () => (await page.locator('#status[data-state="open"]').count()) === 1)
  await hub.publish('invoices.1', 'not asked for')
  await hub.publish('orders.1', 'asked for')
  await page.locator('#events', { hasText: 'asked for' }).waitFor()
  assert.ok(!(await page.locator('#events').textContent()).includes('not asked for'))

  const again = await openConsole(t, hub, new URL(page.url()).search)
  await hub.publish('orders.2', 'asked for again')
  await again.locator('#events', { hasText: 'asked for again' }).waitFor()
})

test('the form publishes what is typed, byte for byte', async (t) => {
  const hub = await startHub(t)
  const listener = await listen(await openPage(t, hub.url + '/livez'), '/events?topic=orders/7%3F', { types: ['order'] })
  await listener.opens()
  const page = await openConsole(t, hub)
  await page.locator('#publish-topic').fill('orders/7?')
  await page.locator('#publish-event').fill('order')
  await page.locator('#publish-id').fill('order:7')
  await page.locator('#data').fill(AWKWARD)
  await page.locator('#publish-submit').click()
  const [event] = await listener.receives(1)
  assert.deepEqual({ ...event, origin: undefined }, { type: 'order', data: AWKWARD, lastEventId: 'order:7', origin: undefined })
  await page.locator('#publish-result', { hasText: 'order:7' }).waitFor()
})

test('the copied curl commands subscribe and publish', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub, '/?topic=orders/7%3F&pattern=invoices.*')
  const subscribe = spawn('sh', ['-c', `exec ${await copySnippet(page, '#tab-curl-subscribe')}`], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => subscribe.kill())
  let received = ''
  subscribe.stdout.setEncoding('utf8').on('data', (text) => { received += text })
  await until('curl is subscribed', async () => (await hub.subscribers()) === 2)

  await page.locator('#publish-topic').fill('orders/7?')
  await page.locator('#data').fill(AWKWARD)
  const { stdout } = await run('sh', ['-c', await copySnippet(page, '#tab-curl-publish')])
  assert.match(JSON.parse(stdout).id, /^[A-Za-z0-9._-]+$/)
  const frame = AWKWARD.split('\n').map((line) => `data: ${line}\n`).join('')
  await until('curl shows the event', () => received.includes(frame))
})

test('the copied EventSource code logs each event of any page that runs it', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub, '/?topic=news')
  await hub.publish('news', 'makes the type known', { event: 'breaking' })
  await page.locator('#snippet-tabs').waitFor()
  await page.locator('#tab-event-source').click()
  await page.locator('#snippet', { hasText: 'breaking' }).waitFor()
  const code = await copySnippet(page, '#tab-event-source')

  const other = await openPage(t, hub.url + '/livez')
  const logged = []
  other.on('console', (message) => logged.push(message.text()))
  await other.evaluate(`(() => {${code}\n globalThis.kept = events })()`)
  await until('it is connected', () => other.evaluate(() => globalThis.kept.readyState === EventSource.OPEN))
  const { id } = await hub.publish('news', 'hello', { event: 'breaking' })
  await until('it logs the event', () => logged.includes(`breaking ${id} hello`))
})

test('the console finds the hub again after a restart, without losing an event', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub)
  await hub.publish('news', 'event before')
  await page.locator('#events', { hasText: 'event before' }).waitFor()
  await hub.kill()
  await page.locator('#status[data-state="reconnecting"]').waitFor()
  await hub.restart()
  await hub.publish('news', 'event after')
  await page.locator('#events', { hasText: 'event after' }).waitFor()
})

const VIEWER = 'viewer-0123456789abcdef'
const WITH_KEYS = `${CONFIGURATION}
[[keys]]
name = "viewer"
secret = "${VIEWER}"
subscribe = ["news"]
`

async function show(page, token) {
  await page.locator('#token').fill(token)
  await page.locator('#token-use').click()
}

test('a hub with keys asks for one, says why it refuses another, and goes on with a good one', async (t) => {
  const hub = await startHub(t, { configuration: WITH_KEYS })
  const page = await openPage(t, `${hub.url}/?topic=news`)
  await page.locator('#token-note[data-state="asked"]', { hasText: 'This hub has keys' }).waitFor()
  await page.locator('#status[data-state="closed"]').waitFor()

  await show(page, 'no-key-of-this-hub-at-all')
  await page.locator('#token-note[data-state="bad"]', { hasText: 'Refused: this is no key of this hub' }).waitFor()

  await show(page, OPERATOR)
  await page.locator('#status[data-state="open"]').waitFor()
  await until('the numbers are there', async () => (await page.locator('#stat-subscribers').textContent()) === '1')
  assert.equal(await page.locator('#token').inputValue(), '')
  await hub.publish('news', 'a secret', { token: OPERATOR, private: true })
  await page.locator('#events', { hasText: 'a secret' }).waitFor()
  await page.locator('#publish-private').check()
  await page.locator('#publish-submit').click()
  await page.locator('#publish-result[data-state="ok"]').waitFor()
  await page.locator('#snippet', { hasText: 'Authorization: Bearer $TIDINGS_TOKEN' }).waitFor()
  for (const place of [page.url(), await page.content()]) assert.ok(!place.includes(OPERATOR))

  // The tab keeps it, until it is told to forget it.
  await page.reload()
  await page.locator('#status[data-state="open"]').waitFor()
  await page.locator('#token-forget').click()
  await page.locator('#token-note[data-state="asked"]').waitFor()
  assert.equal(await page.evaluate(() => sessionStorage.length), 0)
})

test('a key that may only watch watches, and is told what it may not', async (t) => {
  const hub = await startHub(t, { configuration: WITH_KEYS })
  const page = await openPage(t, `${hub.url}/?topic=news`)
  await show(page, VIEWER)
  await page.locator('#status[data-state="open"]').waitFor()
  await page.locator('#stats-error', { hasText: 'for administrators' }).waitFor()
  await page.locator('#alive', { hasText: 'listed for administrators' }).waitFor()
  await page.locator('#publish-submit').click()
  await page.locator('#publish-result', { hasText: 'Not published: key "viewer" may not publish' }).waitFor()
  await page.locator('#topic').fill('orders')
  await page.locator('#topic-add').click()
  await page.locator('#events', { hasText: 'key "viewer" may not subscribe' }).waitFor()
  await page.locator('#status[data-state="closed"]').waitFor()
})

test('whose token is revoked is told so', async (t) => {
  const hub = await startHub(t, { configuration: WITH_KEYS })
  const page = await openPage(t, `${hub.url}/?topic=news`)
  await show(page, native({ sub: '42', subscribe: ['news'] }))
  await page.locator('#status[data-state="open"]').waitFor()
  const answer = await fetch(`${hub.url}/admin/revoke`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${OPERATOR}`, 'Content-Type': 'application/json' },
    body: '{"user": "42"}',
  })
  assert.equal(answer.status, 204)
  await page.locator('#events', { hasText: 'tidings.close' }).waitFor()
  await page.locator('#token-note[data-state="bad"]', { hasText: 'revoked' }).waitFor()
})

test('an open hub asks for no key', async (t) => {
  const hub = await startHub(t)
  const page = await openConsole(t, hub)
  await until('the hub has told of itself', async () => (await page.locator('#hub-info').textContent()).includes('no keys needed'))
  assert.equal(await page.locator('#token-form').isVisible(), false)
  assert.equal(await page.locator('#private-field').isVisible(), false)
})
