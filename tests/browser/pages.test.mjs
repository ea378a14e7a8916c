// Every page the hub serves: usable by everybody, on a phone and in the dark, and quiet about it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { CONFIGURATION, OPERATOR } from './support/tokens.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const PAGES = ['/', '/demo/', '/demo/feed', '/demo/stocks', '/demo/laravel', '/demo/chat', '/demo/clock']

const SCREENS = {
  'a desk, light': { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  'a desk, dark': { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  'a phone, light': { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  'a phone, dark': { colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  // What 400 % zoom leaves of a desk (WCAG 2.2, 1.4.10).
  'a desk at 400 %': { colorScheme: 'light', viewport: { width: 320, height: 256 } },
}

// As wide as anything that may arrive: no place to break a line.
const WIDE = 'x'.repeat(3000)

async function openWithEvents(t, hub, path, screen) {
  const page = await openPage(t, hub.url + path, { ...screen, reducedMotion: 'reduce' })
  if ((await page.locator('#status').count()) > 0) await page.locator('#status[data-state="open"]').waitFor()
  return page
}

/** That the page fits, that axe finds nothing, that nothing of anybody else's is loaded. */
async function isFine(page, hub, path) {
  const { scrolls, has } = await page.evaluate(() => ({
    scrolls: document.documentElement.scrollWidth,
    has: document.documentElement.clientWidth,
  }))
  assert.ok(scrolls <= has, `${path} is ${scrolls} px wide on a screen of ${has} px`)

  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document))
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join('\n  ')}`)
  assert.deepEqual(told, [], path)
  assert.deepEqual(page.requested.filter((url) => !url.startsWith(`${hub.url}/`)), [], path)
}

for (const [name, screen] of Object.entries(SCREENS)) {
  test(`on ${name}, every page fits and axe finds nothing to object to`, async (t) => {
    const hub = await startHub(t, { args: ['--demo'] })
    for (const path of PAGES) {
      const page = await openWithEvents(t, hub, path, screen)
      for (const topic of ['messages', 'stocks']) await hub.publish(topic, WIDE)
      for (const [place, selector] of [['/', '#events'], ['/demo/feed', '#feed'], ['/demo/chat', '#messages'], ['/demo/laravel', '#log']]) {
        if (path === place) await page.locator(selector, { hasText: 'xxxxxxxx' }).waitFor()
      }
      await isFine(page, hub, path)
      assert.deepEqual(page.faults, [], path)
      await page.context().close()
    }
  })
}

for (const [name, screen] of Object.entries(SCREENS)) {
  test(`on ${name}, the console of a hub with keys fits and axe finds nothing to object to`, async (t) => {
    const hub = await startHub(t, { configuration: CONFIGURATION })
    const page = await openPage(t, hub.url, { ...screen, reducedMotion: 'reduce' })
    await page.locator('#token-note[data-state="asked"]').waitFor()
    await isFine(page, hub, '/')
    await page.locator('#token').fill(OPERATOR)
    await page.locator('#token').press('Enter')
    await page.locator('#status[data-state="open"]').waitFor()
    await page.locator('#stats[data-state="live"]').waitFor()
    await isFine(page, hub, '/')
    await page.locator('#token').fill('no-key-of-this-hub-at-all')
    await page.locator('#token').press('Enter')
    await page.locator('#token-note[data-state="bad"]').waitFor()
    await isFine(page, hub, '/')
  })
}

test('the dark page is dark and the light page is light', async (t) => {
  const hub = await startHub(t, { args: ['--demo'] })
  const brightness = async (colorScheme, path) => {
    const page = await openPage(t, hub.url + path, { colorScheme })
    const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const [red, green, blue] = colour.match(/[\d.]+/g).map(Number)
    return (red + green + blue) / 3
  }
  for (const path of ['/', '/demo/chat']) {
    assert.ok((await brightness('dark', path)) < 80, path)
    assert.ok((await brightness('light', path)) > 200, path)
  }
})

test('the help of the console opens and closes by keyboard, and axe has no objection to it', async (t) => {
  const hub = await startHub(t)
  const page = await openPage(t, hub.url)
  await page.locator('#help-open').press('Enter')
  await page.locator('#help[open]').waitFor()
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document))
  assert.deepEqual(violations.map(({ id, help }) => `${id}: ${help}`), [])
  await page.keyboard.press('Escape')
  await page.locator('#help:not([open])').waitFor({ state: 'attached' })
})
