// A page that shows a stream with the unmodified `useEventStream` of @laravel/stream-vue.

import { readFileSync } from 'node:fs'
import { openPage } from './browser.mjs'
import { startHub } from './hub.mjs'
import { startSite } from './site.mjs'

const MODULES = {
  '/vue.js': 'vue/dist/vue.esm-browser.prod.js',
  '/stream-vue.js': '@laravel/stream-vue/dist/index.es.js',
}

// `show(url, options)` mounts a component around the stream; `globalThis.seen` is what came of it.
const PAGE = `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "vue": "/vue.js", "@laravel/stream-vue": "/stream-vue.js" } }</script>
<p id="app"></p>
<script type="module">
  import { createApp, h } from 'vue'
  import { useEventStream } from '@laravel/stream-vue'
  globalThis.seen = { data: [], completed: 0, errors: 0 }
  globalThis.show = (url, options) => createApp({
    setup() {
      const { message } = useEventStream(url, {
        ...options,
        onMessage: ({ data }) => seen.data.push(data),
        onComplete: () => { seen.completed += 1 },
        onError: () => { seen.errors += 1 },
      })
      return () => h('output', message.value)
    },
  }).mount('#app')
</script>`

/** A hub, and a page of another origin that it lets in. */
export async function startEventStream(t, configuration = '') {
  const site = await startSite(t, (request, response) => {
    const module = MODULES[request.url]
    response.setHeader('Content-Type', module ? 'text/javascript' : 'text/html')
    response.end(module ? readFileSync(new URL(`../node_modules/${module}`, import.meta.url)) : PAGE)
  })
  const hub = await startHub(t, { configuration: `[cors]\norigins = ["${site.url}"]\n${configuration}` })
  const page = await openPage(t, site.url)
  await page.waitForFunction(() => globalThis.show)
  return { hub, page }
}

/** Shows the stream; `options` are those of useEventStream. */
export async function show(page, url, options = {}) {
  await page.evaluate(([url, options]) => globalThis.show(url, options), [url, options])
}

/** The data of the messages, how often the stream was complete, and how often it was an error. */
export function seen(page) {
  return page.evaluate(() => globalThis.seen)
}
