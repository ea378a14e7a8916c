// Behind a real nginx. Its defaults buffer a response until kilobytes have come together, and speak
// HTTP/1.0 to the hub; an event of a few bytes has to come through all the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, openPage } from './support/browser.mjs'
import { startHub } from './support/hub.mjs'
import { proxyTo, startNginx } from './support/nginx.mjs'
import { openStream } from './support/stream.mjs'
import { until } from './support/wait.mjs'

const LOCATIONS = {
  'its defaults': '',
  'HTTP/1.1 and kept connections': 'proxy_http_version 1.1; proxy_set_header Connection "";',
  'compression for everything': 'gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any;',
}

for (const [name, directives] of Object.entries(LOCATIONS)) {
  test(`through nginx with ${name}, each event arrives when it is published`, async (t) => {
    const hub = await startHub(t)
    const nginx = await startNginx(t, proxyTo(hub.url, directives))
    const page = await openPage(t, nginx.url + '/livez')
    const listener = await listen(page, '/events?topic=news')
    await listener.opens()
    for (let count = 1; count <= 3; count++) {
      await hub.publish('news', `event ${count}`)
      const events = await listener.receives(count)
      assert.equal(events.at(-1).data, `event ${count}`)
    }
    await page.context().close()
    await until('nginx and the hub have let go of the page', async () => (await hub.subscribers()) === 0)
  })
}

test('nginx leaves the headers that a browser needs', async (t) => {
  const hub = await startHub(t)
  const nginx = await startNginx(t, proxyTo(hub.url))
  const stream = await openStream(t, `${nginx.url}/sse`)
  assert.equal(stream.status, 200)
  assert.match(stream.headers['content-type'], /^text\/event-stream/)
  assert.equal(stream.headers['cache-control'], 'no-cache, no-transform')
})
