// A hub that speaks both dialects of Mercure, and pages of another origin that talk to it.

import { readFileSync } from 'node:fs'
import { openPage } from './browser.mjs'
import { startHub } from './hub.mjs'
import { startSite } from './site.mjs'
import { CONFIGURATION } from './tokens.mjs'

export const PATH = '/.well-known/mercure'

/** The cookies of the dialects. That of 1.0 has not its usual name, which browsers take over HTTPS only. */
export const COOKIE_V0 = 'mercureAuthorization'
export const COOKIE_V1 = 'mercure_access_token'

const LIBRARY = new URL('../node_modules/@microsoft/fetch-event-source/lib/esm/', import.meta.url)

/**
 * Starts a site and a hub that lets its pages in. `renew` makes the cookie that the site's `/renew` sets, as `name=value`;
 * `mercure` is further lines of `[mercure]`, `more` further tables.
 */
export async function startMercure(t, { mercure = '', more = '', renew } = {}) {
  const site = await startSite(t, (request, response) => {
    if (request.url === '/renew') {
      response.writeHead(204, { 'Set-Cookie': `${renew()}; Path=${PATH}; HttpOnly; SameSite=Strict` })
      response.end()
    } else if (request.url.startsWith('/fetch-event-source/')) {
      const name = request.url.slice('/fetch-event-source/'.length).replace(/\.js$/, '')
      response.setHeader('Content-Type', 'text/javascript')
      response.end(readFileSync(new URL(`${name}.js`, LIBRARY)))
    } else {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">')
    }
  })
  const configuration = `${CONFIGURATION}
[cors]
origins = ["${site.url}"]

[mercure]
dialects = ["1.0", "0.x"]
cookie = "${COOKIE_V1}"
${mercure}
${more}`
  const hub = await startHub(t, { configuration })
  return { site, hub }
}

/** Opens a page of the site that has these cookies for the hub. */
export async function openWithCookies(t, site, cookies) {
  const page = await openPage(t, site.url)
  const all = { domain: '127.0.0.1', path: PATH, httpOnly: true, sameSite: 'Strict' }
  await page.context().addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, ...all })))
  return page
}

/** The URL that subscribes with these parameters, of which each may have several values. */
export function subscribeUrl(hub, parameters) {
  const query = new URLSearchParams()
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [].concat(values)) query.append(name, value)
  }
  return `${hub.url}${PATH}?${query}`
}

/** Publishes as any client of the protocol does; resolves with the event's id. */
export async function publish(hub, token, { topic, ...fields }) {
  const body = new URLSearchParams(fields)
  for (const name of [].concat(topic)) body.append('topic', name)
  const answer = await fetch(hub.url + PATH, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`publish answered ${answer.status}: ${text}`)
  return text
}
