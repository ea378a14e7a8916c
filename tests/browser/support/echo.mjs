// A page of the shop in which Laravel Echo runs, with laravel-wave or with the own connector.

import { openPage } from './browser.mjs'
import { until } from './wait.mjs'

/**
 * Opens the page with these packages (`wave-2` is laravel-wave with Echo 2), signed in as `email` unless that is not given.
 * `beside` is a page of the same browser to open it beside, as another tab; `query` goes into its URL.
 */
export async function openEcho(t, shop, packages, { email, beside, query = '' } = {}) {
  const page = beside === undefined ? await openPage(t, `${shop.url}/login`) : await beside.page.context().newPage()
  if (email !== undefined) await signIn(page, email)
  await page.goto(`${shop.url}/echo/${packages}?${query}`)
  await page.waitForFunction(() => window.echo !== undefined)
  await page.evaluate(() => { window.seen = [] })
  const echo = new EchoPage(page)
  await until('Echo is connected', () => echo.socketId())
  return echo
}

export async function signIn(page, email) {
  await page.locator('[name=email]').fill(email)
  await page.locator('[name=password]').fill('password')
  await page.locator('button').click()
  await page.waitForURL((url) => url.pathname === '/')
}

class EchoPage {
  constructor(page) {
    this.page = page
  }

  socketId() {
    return this.page.evaluate(() => window.echo.socketId())
  }

  /**
   * Listens for these events of a channel, whose `kind` is `channel`, `private` or `join`; resolves when it is heard, or
   * refused: with `undefined`, or the status.
   */
  listen(kind, name, events = []) {
    return this.page.evaluate(async ([kind, name, events]) => {
      const channel = window.echo[kind](name)
      const note = (event) => (data) => { window.seen.push([name, event, data]) }
      for (const event of events) channel.listen(event, note(event))
      if (kind === 'channel') return undefined
      const refusal = new Promise((resolve) => { channel.error(resolve) })
      const status = (error) => error?.response?.status ?? error?.status ?? error
      if (kind === 'join') {
        channel.joining(note('joining')).leaving(note('leaving'))
        const here = new Promise((resolve) => { channel.here((users) => { note('here')(users); resolve() }) })
        return Promise.race([here, refusal.then(status)])
      }
      const heard = channel.auth ?? new Promise((resolve) => { channel.subscribed(() => resolve()) })
      return Promise.race([heard.then(() => undefined, status), refusal.then(status)])
    }, [kind, name, events])
  }

  /** Listens for notifications of a user. */
  async listenForNotifications(user) {
    const refused = await this.listen('private', user)
    await this.page.evaluate((user) => {
      window.echo.private(user).notification((data) => { window.seen.push([user, 'notification', data]) })
    }, user)
    return refused
  }

  /** What has arrived so far: `[channel, event, data]`, in order. */
  seen() {
    return this.page.evaluate(() => window.seen)
  }

  async receives(count) {
    await until(`the page has ${count} event(s)`, async () => (await this.seen()).length >= count)
    return this.seen()
  }

  async sees(event) {
    await until(`the page has ${event}`, async () => (await this.seen()).some(([, name]) => name === event))
  }

  /** Posts to the application as its pages do; Laravel knows by X-Socket-ID whose page it was. */
  async post(path, body = {}) {
    return this.page.evaluate(async ([path, body]) => {
      const token = decodeURIComponent(/XSRF-TOKEN=([^;]*)/.exec(document.cookie)[1])
      const headers = { 'Content-Type': 'application/json', 'X-XSRF-TOKEN': token, 'X-Socket-ID': window.echo.socketId() }
      return (await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })).status
    }, [path, body])
  }
}
