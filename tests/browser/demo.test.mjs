// The pages of `--demo`, each with what it is there to show.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { openStream } from './support/stream.mjs'
import { until } from './support/wait.mjs'

async function openDemo(t, hub, path) {
  const page = await openPage(t, hub.url + path)
  await page.locator('#status[data-state="open"]').waitFor()
  return page
}

test('chat: what one page sends, every page shows', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const pages = [await openDemo(t, hub, '/demo/chat'), await openDemo(t, hub, '/demo/chat')]
  const say = async (page, name, message) => {
    await page.locator('#name').fill(name)
    await page.locator('#message').fill(message)
    await page.locator('#send').click()
  }
  await say(pages[0], 'Ada', '<b>hello</b> & "good day"')
  await say(pages[1], 'Bo', '你好')
  for (const page of pages) {
    for (const text of ['Ada', '<b>hello</b> & "good day"', 'Bo', '你好']) {
      await page.locator('#messages', { hasText: text }).waitFor()
    }
  }
  assert.equal(await pages[0].locator('#message').inputValue(), '')
  await pages[0].locator('#server-time', { hasText: /^server time \d\d:\d\d:\d\d$/ }).waitFor()
})

test('chat: a greeting on connecting, and a tick each second', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const stream = await openStream(t, `${hub.url}/sse`)
  const events = () => stream.text.split('\n\n').filter((frame) => /^data:/m.test(frame))
  await until('a greeting', () => events().some((frame) => !/^event: ?tick$/m.test(frame)))
  await until('two ticks', () => events().filter((frame) => /^event: ?tick$/m.test(frame)).length >= 2)
})

test('feed and stocks: prices arrive and change', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const feed = await openDemo(t, hub, '/demo/feed')
  await until('three lines', async () => (await feed.locator('#feed > li').count()) >= 3)
  const line = JSON.parse(await feed.locator('#feed > li').first().textContent())
  assert.ok(Array.isArray(line.stocks))
  assert.ok(Date.parse(line.timestamp) <= Date.now())

  const stocks = await openDemo(t, hub, '/demo/stocks')
  await stocks.locator('#rows > tr').first().waitFor()
  const shown = await stocks.locator('#rows').textContent()
  await until('a price has changed', async () => (await stocks.locator('#rows').textContent()) !== shown)
  assert.match(await stocks.locator('#updated').textContent(), /\d\d:\d\d:\d\d/)

  const count = () => stocks.locator('#subscribers').textContent()
  await until('both pages are counted', async () => (await count()) === '2')
  await feed.context().close()
  await until('the closed page is not', async () => (await count()) === '1')
  await stocks.locator('#toggle').click()
  await until('the page itself has left', async () => (await count()) === '0')
})

test('laravel: whatever is published on the default topic is shown and logged as it is', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const page = await openDemo(t, hub, '/demo/laravel')
  const logged = []
  page.on('console', (message) => logged.push(message.text()))
  const payload = '{"message":"h\\u00e9llo \\/ <b>"}'
  await hub.publish('messages', payload)
  await page.locator('#log', { hasText: payload }).waitFor()
  assert.ok(logged.includes(payload))
})

test('clock: the time in Beijing, also from a hub of another origin', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const page = await openDemo(t, hub, '/demo/clock')
  await page.locator('#message', { hasText: /现在是北京时间 ?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/ }).waitFor()
  await page.locator('#frame', { hasText: /^data: ?\{/m }).waitFor()
  assert.match(await page.locator('#message-id').textContent(), /^\d+$/)

  // The same pages, served by another hub whose origin this one knows.
  const other = await startHub(t, { args: ['--demo'], configuration: `[cors]\norigins = ["${hub.url}"]` })
  const foreign = await openDemo(t, hub, `/demo/clock?hub=${encodeURIComponent(other.url)}`)
  await foreign.locator('#message', { hasText: '现在是北京时间' }).waitFor()
  assert.equal(await foreign.locator('#hub').textContent(), other.url)
})
