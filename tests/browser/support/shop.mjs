// The application of examples/laravel with what the tests add to it (tests/laravel), set up as docs/laravel.md has it: one
// origin, at which nginx gives the hub what is the hub's and PHP the rest.

import { execFile } from 'node:child_process'
import { appendFileSync, copyFileSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Document } from './documents.mjs'
import { startHub } from './hub.mjs'
import { startNginx } from './nginx.mjs'
import { startPhp } from './php.mjs'
import { startRedis } from './redis.mjs'
import { temporaryDirectory } from './server.mjs'
import { until } from './wait.mjs'
import { startWire } from './wire.mjs'

const run = promisify(execFile)
const path = (relative) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url))

/** The page that the set-up is taken from. */
export const LARAVEL = new Document('docs/laravel')
const ENGLISH = 0

// As many as a small server has; requests of pages, and of the hub, are answered side by side.
export const PHP_WORKERS = 4

// Who is in the database, and the password of both.
export const ADA = 'ada@example.com'
export const GRACE = 'grace@example.com'
const PASSWORD = 'password'

// Who looks at the hub's numbers; the set-up of the page has nobody who may.
const OPERATOR = 'a-key-that-only-tests-have'
const OPERATORS = `
[[keys]]
name = "operator"
secret = "${OPERATOR}"
admin = true
`

/** A copy of the application with a database of its own. `variables` are those of its .env. */
export async function installShop(t, redis, variables = {}) {
  const directory = temporaryDirectory(t)
  for (const folder of ['examples/laravel', 'tests/laravel']) cpSync(path(folder), directory, { recursive: true })
  appendFileSync(join(directory, 'routes/web.php'), "\nrequire __DIR__.'/tests.php';\n")
  copyFileSync(join(directory, '.env.example'), join(directory, '.env'))
  writeFileSync(join(directory, 'database/database.sqlite'), '')
  const shop = new Shop(directory, { REDIS_PORT: String(redis.port), BCRYPT_ROUNDS: '4', ...variables })
  await shop.artisan('migrate', '--force')
  return shop
}

class Shop {
  constructor(directory, variables) {
    this.directory = directory
    this.variables = variables
  }

  async artisan(...words) {
    const { stdout } = await run('php', ['artisan', ...words], { cwd: this.directory, env: { PATH: process.env.PATH, ...this.variables } })
    return stdout
  }

  /** Broadcasts these kinds, in order, as a command or a queue's worker does: from nobody's connection. */
  async fire(...kinds) {
    await this.artisan('fire', ...kinds)
  }

  /** How many streams the hub has, and how many events have been published to it since it was started. */
  async openStreams() {
    return (await this.hub.stats(OPERATOR)).subscribers
  }

  async published() {
    return (await this.hub.stats(OPERATOR)).published
  }

  /** Waits until the hub listens to Redis: what is published earlier is lost, as Redis has it. */
  async isReady() {
    await until('the hub is ready', async () => (await this.hub.get('/readyz')).status === 200)
  }
}

/**
 * Starts everything: Redis, the application with several PHP workers, nginx, the hub, and between the last two a wire that
 * can be cut. `variables` go into the application's environment, `configuration` behind the hub's, `file` says which
 * translation of the page the set-up is taken from.
 */
export async function startShop(t, { variables = {}, configuration = '', file = ENGLISH } = {}) {
  const redis = await startRedis(t)
  const shop = await installShop(t, redis, variables)
  shop.redis = redis
  shop.php = await startPhp(t, shop.directory, { PHP_CLI_SERVER_WORKERS: String(PHP_WORKERS), ...shop.variables })
  const here = (text) => text
    .replaceAll('http://127.0.0.1:8000', shop.php.url)
    .replaceAll('redis://127.0.0.1:6379', redis.url)
  shop.hub = await startHub(t, { configuration: here(LARAVEL.block('toml', '[auth.callback]')[file] + OPERATORS + configuration) })
  shop.wire = await startWire(t, shop.hub.port)
  const locations = here(LARAVEL.block('nginx', 'broadcasting/auth')[file]).replaceAll('http://127.0.0.1:8080', shop.wire.url)
  shop.nginx = await startNginx(t, locations + modules())
  shop.url = shop.nginx.url
  await shop.isReady()
  return shop
}

/** What a page imports, as npm has it, where a site has what its bundler makes of it. */
function modules() {
  return `
    location /npm/ { alias ${path('tests/browser/node_modules')}/; types { text/javascript js; } }
    location /npm/tidings/ { alias ${path('clients/js')}/; types { text/javascript js mjs; } }
  `
}
