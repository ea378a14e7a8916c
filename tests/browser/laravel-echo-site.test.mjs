// docs/laravel.md and its translation, followed as they are written, and the application that they point to.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPage } from './support/browser.mjs'
import { openEcho, signIn } from './support/echo.mjs'
import { ADA, GRACE, LARAVEL, startShop } from './support/shop.mjs'
import { openStream } from './support/stream.mjs'
import { until } from './support/wait.mjs'

const STREAMS = 100
const ESTABLISHED = '01'

const example = (name) => readFileSync(new URL(`../../examples/laravel/${name}`, import.meta.url), 'utf8')
/** Without what indentation and line breaks are to the eye. */
const words = (text) => text.split(/\s+/).filter(Boolean).join(' ')

/** The page's PHP, put where it says, with the imports that an editor adds. */
function write(shop, name, imports, code) {
  const path = join(shop.directory, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `<?php\n${imports}\n${code}\n`)
}

/** How many connections are open to this port of this machine. */
function connections(port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1).map((row) => row.trim().split(/\s+/))
  return rows.filter(([, address, , state]) => address?.endsWith(local) && state === ESTABLISHED).length
}

for (const [index, file] of LARAVEL.files.entries()) {
  test(`${file}: its five steps lead to an event in the console`, async (t) => {
    const shop = await startShop(t, { file: index })
    const [event] = LARAVEL.block('php', 'class OrderShipped').slice(index)
    const imports = 'Broadcasting\\InteractsWithSockets Broadcasting\\PrivateChannel Contracts\\Broadcasting\\ShouldBroadcast Foundation\\Events\\Dispatchable Queue\\SerializesModels'
    write(shop, 'app/Events/OrderShipped.php', [
      'namespace App\\Events;', 'use App\\Models\\Order;', ...imports.split(' ').map((name) => `use Illuminate\\${name};`),
    ].join('\n'), event)
    write(shop, 'routes/channels.php', ['App\\Models\\Order', 'App\\Models\\User', 'Illuminate\\Support\\Facades\\Broadcast'].map((name) => `use ${name};`).join('\n'), LARAVEL.block('php', '// routes/channels.php')[index])
    write(shop, 'config/broadcasting.php', 'return [', `'default' => env('BROADCAST_DRIVER'),${LARAVEL.block('php', "'connections'")[index]}];`)
    assert.equal(words(example('public/js/bootstrap.js')), words(LARAVEL.block('js', 'TidingsConnector })\n')[index]))

    for (const packages of ['tidings-2', 'wave-2']) {
      const ada = await openEcho(t, shop, packages, { email: ADA })
      const said = []
      ada.page.on('console', (message) => said.push(message.text()))
      await ada.page.evaluate((code) => new Function('Echo', code)(window.echo), LARAVEL.block('js', ".listen('OrderShipped'")[index])
      await ada.listen('private', 'orders.1')
      await shop.fire('private')
      await until('the console has it', () => said.includes('paid'))
      await ada.page.close()
    }
  })

  test(`${file}: what it shows of Echo is as it says`, async (t) => {
    const shop = await startShop(t, { file: index })
    const [code] = LARAVEL.block('js', "Echo.join('room.1')").slice(index)
    for (const packages of ['tidings-2', 'wave-2']) {
      const ada = await openEcho(t, shop, packages, { email: ADA })
      const said = []
      ada.page.on('console', (message) => said.push(message.text()))
      await ada.page.evaluate((code) => new Function('Echo', code)(window.echo), code)
      for (const [kind, name] of [['private', 'App.Models.User.1'], ['join', 'room.1']]) await ada.listen(kind, name)
      const grace = await openEcho(t, shop, packages, { email: GRACE })
      await grace.listen('join', 'room.1')
      await until('Grace is here', () => said.some((text) => text.startsWith('Grace')))
      await grace.page.evaluate(() => window.echo.join('room.1').whisper('typing', { name: 'Grace Hopper' }))
      await shop.fire('to-others', 'notification', 'model')
      for (const text of ['for the others', 'App\\Notifications\\InvoicePaid', 'paid', 'Grace Hopper']) {
        await until(`the console has ${text}`, () => said.some((line) => line.includes(text)))
      }
      await grace.page.close()
      await until('Grace has left', () => said.filter((text) => text.startsWith('Grace ')).length >= 3)
      await ada.page.close()
    }
  })
}

test('with a hundred open streams, each on a private channel, PHP is asked nothing and holds nothing', async (t) => {
  const shop = await startShop(t)
  const page = await openPage(t, `${shop.url}/login`)
  await signIn(page, ADA)
  const Cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
  const streams = []
  while (streams.length < STREAMS) streams.push(await openStream(t, `${shop.url}/wave?channel=private-orders.1`, { Cookie }))
  await page.context().close()
  await until('all are connected', () => streams.every((stream) => stream.text.includes('general.connected')))
  await until('PHP has no connection open', () => connections(shop.php.port) === 0)
  await shop.fire('private')
  await until('all have the event', () => streams.every((stream) => stream.text.includes('"status":"paid"')))
  assert.equal(connections(shop.php.port), 0)
  assert.equal((await fetch(`${shop.url}/login`)).status, 200)
})

test('the configuration of the example is what the page says', () => {
  const toml = words(example('tidings.toml'))
  const [page] = LARAVEL.block('toml', '[auth.callback]')
  for (const line of page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) assert.ok(toml.includes(line), line)
  assert.ok(words(example('nginx.conf')).includes(words(LARAVEL.block('nginx', 'broadcasting/auth')[0])))
})

test('the page of the example: two people talk, type, and see an order shipped', async (t) => {
  const shop = await startShop(t)
  const pages = []
  for (const email of [ADA, GRACE]) {
    const page = await openPage(t, `${shop.url}/login`)
    await signIn(page, email)
    pages.push(page)
  }
  const [ada, grace] = pages
  const shows = (page, text) => until(`the page shows ${text}`, async () => (await page.locator('body').textContent()).includes(text))
  for (const page of pages) await until('both are in the room', async () => /Ada.*Grace|Grace.*Ada/.test(await page.locator('#room').textContent()))
  await ada.locator('#say input').pressSequentially('Hello')
  await shows(grace, 'Ada is typing')
  await ada.locator('#say button').click()
  await shows(grace, 'Ada: Hello')
  await ada.locator('.ship').first().click()
  for (const text of ['me: Hello', 'Order 1 is shipped', 'An invoice of 120 is paid']) await shows(ada, text)
  assert.deepEqual(await ada.locator('#events > li').filter({ hasText: 'Hello' }).allTextContents(), ['me: Hello'])
  assert.doesNotMatch(await grace.locator('#events').textContent(), /Order|invoice/)
  await grace.locator('form[action="/logout"] button').click()
  await until('Grace has left', async () => (await ada.locator('#room').textContent()) === 'Ada')
  assert.deepEqual(ada.faults, [])
})
