// Pages of other origins: let in by name, with their cookies, and kept out otherwise.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { startSite } from './support/site.mjs'
import { until } from './support/wait.mjs'

const CLOSED = 2

test('a configured origin listens, with and without credentials, and sees where events come from', async (t) => {
  const site = await startSite(t)
  const hub = await startHub(t, { configuration: `[cors]\norigins = ["${site.url}", "${site.localhost}"]` })
  for (const origin of [site.url, site.localhost]) {
    const page = await openPage(t, origin)
    const plain = await listen(page, `${hub.url}/events?topic=news`)
    const credentialed = await listen(page, `${hub.url}/events?topic=news`, { withCredentials: true })
    await plain.opens()
    await credentialed.opens()
    await hub.publish('news', `for ${origin}`)
    for (const listener of [plain, credentialed]) {
      const [event] = await listener.receives(1)
      assert.equal(event.data, `for ${origin}`)
      assert.equal(event.origin, hub.url)
    }
    assert.deepEqual(page.faults, [])
  }
})

for (const [name, configuration] of Object.entries({
  'no origin is configured': () => '',
  'another origin is configured': (site) => `[cors]\norigins = ["${site.url}"]`,
})) {
  test(`an origin is refused where ${name}`, async (t) => {
    const site = await startSite(t)
    const hub = await startHub(t, { configuration: configuration(site) })
    const page = await openPage(t, site.localhost)
    for (const withCredentials of [false, true]) {
      const listener = await listen(page, `${hub.url}/events?topic=news`, { withCredentials })
      await until('the EventSource has given up', async () => (await listener.state()).readyState === CLOSED)
      assert.equal((await listener.state()).opened, 0)
    }
    // A form on a hostile page can post without asking. Whether it may read the answer does not matter.
    await page.evaluate(
      (url) => fetch(url, { method: 'POST', mode: 'no-cors', body: 'from another origin' }).then(() => {}, () => {}),
      `${hub.url}/topics/news`,
    )
    assert.equal((await hub.stats()).published, 0)
    assert.equal(await hub.subscribers(), 0)
  })
}

test('the headers name the exact origin, and say that they depend on it', async (t) => {
  const origin = 'https://app.example'
  const hub = await startHub(t, { configuration: `[cors]\norigins = ["${origin}"]` })
  const controller = new AbortController()
  t.after(() => controller.abort())
  const allowed = await fetch(`${hub.url}/sse`, { headers: { Origin: origin }, signal: controller.signal })
  assert.equal(allowed.status, 200)
  assert.equal(allowed.headers.get('access-control-allow-origin'), origin)
  assert.equal(allowed.headers.get('access-control-allow-credentials'), 'true')
  assert.match(allowed.headers.get('vary') ?? '', /\borigin\b/i)

  const refused = await fetch(`${hub.url}/sse`, { headers: { Origin: 'https://elsewhere.example' }, signal: controller.signal })
  assert.equal(refused.headers.get('access-control-allow-origin'), null)
  assert.equal(refused.status, 403)
})
