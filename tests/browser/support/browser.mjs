// Debian's Chromium, driven by playwright-core. One browser for a test file, a fresh context for a page.

import { after } from 'node:test'
import { chromium } from 'playwright-core'
import { until } from './wait.mjs'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'

let running

// Without its sandbox, which root and most containers cannot have: the only pages it sees are ours.
function browser() {
  running ??= chromium.launch({
    executablePath: EXECUTABLE,
    chromiumSandbox: false,
    args: ['--disable-dev-shm-usage'],
  })
  return running
}

after(async () => (await running)?.close())

/**
 * Opens a page at `url`. The page remembers what went wrong in it (`page.faults`: console errors and
 * uncaught exceptions) and where it went (`page.requested`: every URL it asked for).
 */
export async function openPage(t, url, options = {}) {
  const context = await (await browser()).newContext(options)
  t.after(() => context.close())
  const page = await context.newPage()
  page.faults = []
  page.requested = []
  page.on('console', (message) => {
    if (message.type() === 'error') page.faults.push(message.text())
  })
  page.on('pageerror', (error) => page.faults.push(String(error)))
  page.on('request', (request) => page.requested.push(request.url()))
  await page.goto(url)
  return page
}

/**
 * Makes an EventSource in the page and keeps what it sees. `types` are the event types listened for
 * beside `message`.
 */
export async function listen(page, url, { types = [], withCredentials = false } = {}) {
  const handle = await page.evaluateHandle(([url, types, withCredentials]) => {
    const seen = { events: [], opened: 0, errors: 0 }
    seen.source = new EventSource(url, { withCredentials })
    seen.source.onopen = () => { seen.opened += 1 }
    seen.source.onerror = () => { seen.errors += 1 }
    for (const type of ['message', ...types]) {
      seen.source.addEventListener(type, ({ data, lastEventId, origin }) => {
        seen.events.push({ type, data, lastEventId, origin })
      })
    }
    return seen
  }, [url, types, withCredentials])
  return new Listener(handle)
}

class Listener {
  constructor(handle) {
    this.handle = handle
  }

  events() {
    return this.handle.evaluate((seen) => seen.events)
  }

  async data() {
    return (await this.events()).map(({ data }) => data)
  }

  /** How often the connection was opened, and how often it was lost or refused. */
  state() {
    return this.handle.evaluate(({ opened, errors, source }) => ({ opened, errors, readyState: source.readyState }))
  }

  async opens(times = 1) {
    await until(`the page's EventSource has opened ${times} time(s)`, async () => (await this.state()).opened >= times)
  }

  /** Waits until `count` events have arrived; resolves with all that have. */
  async receives(count) {
    await until(`the page has ${count} event(s)`, async () => (await this.events()).length >= count)
    return this.events()
  }

  close() {
    return this.handle.evaluate(({ source }) => source.close())
  }
}
