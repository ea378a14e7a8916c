// docs/from-mercure.md and its translation, followed as they are written, with the applications in examples/mercure: real
// Symfony with the real symfony/mercure, and real Laravel, to real pages.

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openPage } from './support/browser.mjs'
import { Document } from './support/documents.mjs'
import { startHub } from './support/hub.mjs'
import { PATH } from './support/mercure.mjs'
import { startPhp } from './support/php.mjs'
import { freePort, temporaryDirectory } from './support/server.mjs'
import { openStream } from './support/stream.mjs'
import { Terminal } from './support/terminal.mjs'
import { until } from './support/wait.mjs'

const MOVE = new Document('docs/from-mercure')
const APPLICATIONS = ['symfony', 'laravel']
const SECRET = '!ChangeThisMercureHubJWTSecretKey!'
// Where the document has the application.
const THEIR_SITE = 'http://127.0.0.1:8000'

/** A copy of the application, so that what it compiles and logs is nobody's. The hub's address is not known yet. */
async function startApplication(t, name, hubPort) {
  const directory = temporaryDirectory(t)
  const example = fileURLToPath(new URL(`../../examples/mercure/${name}`, import.meta.url))
  // What it has compiled where it stands is for there.
  cpSync(example, directory, { recursive: true, filter: (path) => !path.startsWith(`${example}/var/`) })
  const url = `http://127.0.0.1:${hubPort}${PATH}`
  return startPhp(t, directory, { MERCURE_URL: url, MERCURE_PUBLIC_URL: url })
}

/** The variables of the `export` lines of shell code. */
async function exported(terminal, code) {
  const lines = code.split('\n').filter((line) => !line.startsWith('tidings '))
  const text = await terminal.sh(`${lines.join('\n')}\nnode --print 'JSON.stringify(process.env)'`)
  return mercureOnly(JSON.parse(text))
}

/** The variables of the service in the Compose file, read as YAML is read where nothing but texts stand. */
function composed(code) {
  const environment = code.slice(code.indexOf('environment:'), code.indexOf('volumes:')).split('\n').slice(1)
  const variables = {}
  let block
  for (const line of environment) {
    const [, name, value] = /^ {6}(\w+): (.*)$/.exec(line) ?? []
    if (name !== undefined) {
      block = value === '|' ? name : undefined
      variables[name] = value === '|' ? '' : value.replace(/^'(.*)'$/, '$1')
    } else if (block !== undefined && line.trim() !== '') variables[block] += `${line.trim()}\n`
  }
  assert.equal(/command: (.*)/.exec(code)[1], 'tidings serve')
  assert.deepEqual([variables.TIDINGS_LISTEN, variables.TIDINGS_DATA], ['0.0.0.0:80', '/data'])
  return mercureOnly(variables)
}

function mercureOnly(variables) {
  const wanted = Object.entries(variables).filter(([name]) => name.startsWith('MERCURE_'))
  assert.deepEqual(wanted.map(([name]) => name).sort(), ['MERCURE_EXTRA_DIRECTIVES', 'MERCURE_PUBLISHER_JWT_KEY', 'MERCURE_SUBSCRIBER_JWT_KEY'])
  return Object.fromEntries(wanted)
}

/** The forms that the first step of the document has. */
const FORMS = {
  'the variables of the old hub': async (t, index) => ({ env: await exported(new Terminal(t), MOVE.block('sh', 'tidings serve')[index]) }),
  'a service of Compose': async (t, index) => ({ env: composed(MOVE.block('yaml', 'services:')[index]) }),
  'a configuration of its own': async (t, index) => ({ configuration: MOVE.block('toml', 'ids = "urn:uuid"')[index] }),
}

/** Starts the hub in one of the forms, and the application, each with the address of the other. */
async function start(t, name, { env = {}, configuration = '' }) {
  // The application is started first, because the hub has to know its origin; it asks for the hub only when it is asked.
  const hubPort = await freePort()
  const application = await startApplication(t, name, hubPort)
  const here = (text) => text.replaceAll(THEIR_SITE, application.url)
  const hub = await startHub(t, {
    configuration: here(configuration),
    env: Object.fromEntries(Object.entries(env).map(([variable, value]) => [variable, here(value)])),
    listen: `127.0.0.1:${hubPort}`,
  })
  return { hub, application }
}

async function openReader(t, application, reader) {
  const page = await openPage(t, `${application.url}/?reader=${reader}`)
  await page.locator('html[data-state="open"]').waitFor({ timeout: 60_000 })
  const texts = () => page.locator('#events > li').allTextContents()
  return { page, texts, has: (count) => until(`reader ${reader} has ${count} event(s)`, async () => (await texts()).length >= count) }
}

async function post(application, path, body = '') {
  const answer = await fetch(application.url + path, { method: 'POST', body })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return text
}

for (const name of APPLICATIONS) {
  for (const [index, file] of MOVE.files.entries()) {
    for (const [form, settings] of Object.entries(FORMS)) {
      test(`${name} moves by ${file}, with ${form}: public and private updates reach whom they are for`, async (t) => {
        const { hub, application } = await start(t, name, await settings(t, index))
        const [one, two] = [await openReader(t, application, '1'), await openReader(t, application, '2')]
        await post(application, '/books/7/lend')
        await post(application, '/readers/1/remind', 'bring it back')
        await post(application, '/readers/2/remind', 'thank you')
        await post(application, '/books/8/lend')
        for (const [reader, own] of [[one, 'bring it back'], [two, 'thank you']]) {
          await reader.has(3)
          const texts = await reader.texts()
          assert.deepEqual(texts.map((text) => (text.includes('"book"') ? JSON.parse(text).book : 'own')), ['7', 'own', '8'])
          assert.ok(texts[1].includes(own), texts[1])
          assert.deepEqual(reader.page.faults, [])
        }
        // Its ids are those of the hub that it was written for.
        const stream = await openStream(t, `${hub.url}${PATH}?topic=*&lastEventID=earliest`)
        await stream.receives('"7"')
        assert.match(stream.text, /^id: ?urn:uuid:[0-9a-f-]{36}$/m)
      })
    }
  }

  test(`${name}: a hub killed in the middle is found again, and nothing is missed`, async (t) => {
    const { hub, application } = await start(t, name, await FORMS['a configuration of its own'](t, 0))
    const reader = await openReader(t, application, '1')
    await post(application, '/books/1/lend')
    await post(application, '/readers/1/remind', 'first')
    await reader.has(2)
    await hub.kill()
    const refused = await fetch(`${application.url}/books/2/lend`, { method: 'POST' })
    assert.equal(refused.status, 500)
    await hub.restart()
    await post(application, '/readers/1/remind', 'second')
    await post(application, '/books/3/lend')
    await reader.has(4)
    const texts = await reader.texts()
    assert.equal(texts.length, 4)
    assert.ok(texts[2].includes('second') && texts[3].includes('"3"'), texts.join())
  })
}

for (const [index, file] of MOVE.files.entries()) {
  test(`${file}: the third step publishes, and tells what is in the token`, async (t) => {
    const terminal = new Terminal(t)
    const env = await exported(terminal, MOVE.block('sh', 'tidings serve')[index])
    const hub = await startHub(t, { env, directory: terminal.directory })
    Object.assign(terminal.env, env)
    const printed = await terminal.sh(MOVE.block('sh', 'tidings token inspect')[index], hub)
    assert.match(printed, /^urn:uuid:[0-9a-f-]{36}/)
    assert.match(printed, /publish/)
  })

  test(`${file}: a token of 1.0 opens the stream that it is for`, async (t) => {
    const terminal = new Terminal(t)
    const configuration = MOVE.block('toml', 'issuer = ')[index]
    const mint = MOVE.block('sh', '--dialect 1.0')[index]
    terminal.write('tidings.toml', configuration)
    const token = (await terminal.sh(mint)).trim()
    const hub = await startHub(t, { configuration, directory: terminal.directory })
    const controller = new AbortController()
    t.after(() => controller.abort())
    const pattern = encodeURIComponent('https://library.example/books/:id')
    const ask = (headers) => fetch(`${hub.url}${PATH}?match_urlpattern=${pattern}`, { headers, signal: controller.signal })
    assert.equal((await ask({ Authorization: `Bearer ${token}` })).status, 200)
    assert.equal((await ask({})).status, 401)
  })

  test(`${file}: what Symfony reads as its .env is what the example has`, () => {
    const wanted = MOVE.block('sh', 'MERCURE_PUBLIC_URL')[index]
    for (const line of [`MERCURE_URL=http://127.0.0.1:8080${PATH}`, `MERCURE_PUBLIC_URL=http://127.0.0.1:8080${PATH}`, `MERCURE_JWT_SECRET='${SECRET}'`]) {
      assert.ok(wanted.includes(line), line)
    }
  })
}
