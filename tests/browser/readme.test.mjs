// What README.md and its translations tell a reader to do, done.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openPage } from './support/browser.mjs'
import { program, startHub } from './support/hub.mjs'
import { startNginx } from './support/nginx.mjs'
import { blocks, onHub } from './support/readme.mjs'
import { startRedis } from './support/redis.mjs'
import { Terminal } from './support/terminal.mjs'
import { until } from './support/wait.mjs'

const run = promisify(execFile)

// curl takes an error's answer for a success unless it is told to fail.
const CURL_FAILS = 'curl() { command curl --fail --silent --show-error "$@"; }\n'

const INTERPRETERS = {
  sh: { wanted: 'curl -d', command: 'sh', args: (code) => ['-ec', CURL_FAILS + code] },
  python: { wanted: 'urlopen', command: 'python3', args: (code) => ['-c', code] },
  js: { wanted: 'fetch(', command: 'node', args: (code) => ['--input-type=module', '--eval', code] },
}

for (const [language, { wanted, command, args }] of Object.entries(INTERPRETERS)) {
  test(`each block of ${language} that publishes does`, async (t) => {
    const hub = await startHub(t)
    for (const code of blocks(language, wanted).flat()) {
      const { published } = await hub.stats()
      await run(command, args(onHub(code, hub)))
      await until(`published by:\n${code}`, async () => (await hub.stats()).published > published)
    }
  })
}

test('a key that is made as told opens a hub that is configured as told', async (t) => {
  const made = blocks('sh', 'tidings token key')
  const shown = blocks('sh', 'Authorization: Bearer')
  for (const [index, [make]] of made.entries()) {
    const terminal = new Terminal(t)
    const advice = await terminal.sh(`{ ${make.trim().replace(/ +#.*/, '')}; } 2>&1`)
    const configuration = /^\[\[keys\]\]\n(.+\n)+/m.exec(advice)[0]
    const hub = await startHub(t, { configuration, directory: terminal.directory })
    await assert.rejects(hub.publish('messages', 'without it'), /401/)
    for (const code of shown[index]) assert.match(await terminal.sh(CURL_FAILS + code, hub), /"id"/)
  }
})

test('the load tool measures the hub as told', async (t) => {
  const hub = await startHub(t)
  for (const code of blocks('sh', 'tidings bench').flat()) {
    // The program under test, under its name, and its process alone.
    const tidings = `tidings() { "${program}" "$@"; }\npidof() { echo ${hub.server.child.pid}; }\n`
    const { stdout } = await run('sh', ['-ec', tidings + onHub(code, hub)])
    assert.match(stdout, /verdict +ok/)
  }
})

test('the JavaScript that listens logs what is published', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url + '/livez')
  const logged = []
  page.on('console', (message) => logged.push(message.text()))
  const [inEnglish, inChinese] = blocks('js', 'EventSource').map((parts) => onHub(parts.join('\n'), hub))
  assert.equal(inEnglish, inChinese)
  await page.evaluate(`(() => {${inEnglish}\n globalThis.kept = events })()`)
  await until('it is connected', () => page.evaluate(() => globalThis.kept.readyState === EventSource.OPEN))
  await hub.publish('orders', 'a message')
  const { id } = await hub.publish('orders', '{"total":42}', { event: 'created' })
  await until('the message is logged', () => logged.includes('a message'))
  await until('the event of a type of its own is logged', () => logged.some((line) => line.includes(id)))
})

test('nginx as configured there lets events through at once', async (t) => {
  const hub = await startHub(t)
  for (const location of blocks('nginx', 'proxy_pass').flat()) {
    const nginx = await startNginx(t, onHub(location, hub))
    const page = await openPage(t, `${nginx.url}/nginx-is-up`)
    const received = page.evaluate(() => new Promise((resolve) => {
      globalThis.source = new EventSource('/events?topic=news')
      globalThis.source.onmessage = (event) => resolve(event.data)
    }))
    await until('the page is subscribed', async () => (await hub.subscribers()) === 1)
    await hub.publish('news', 'through nginx')
    assert.equal(await received, 'through nginx')
    await page.context().close()
    await until('the page has left', async () => (await hub.subscribers()) === 0)
  }
})

test('the configuration shown there is taken, and works', async (t) => {
  const redis = await startRedis(t)
  for (const parts of blocks('toml')) {
    const configuration = parts.join('\n').replaceAll('redis://127.0.0.1:6379', redis.url)
    const hub = await startHub(t, { configuration })
    await until('it is ready', async () => (await hub.get('/readyz')).status === 200)
  }
})
