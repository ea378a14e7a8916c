// The Laravel application in examples/laravel, run as it is, its settings given by environment.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const application = fileURLToPath(new URL('../../../examples/laravel', import.meta.url))

/** Runs `php artisan …` against this Redis. */
export async function artisan(redis, words, settings = {}) {
  const env = { PATH: process.env.PATH, REDIS_PORT: String(redis.port), ...settings }
  const { stdout } = await run('php', ['artisan', ...words], { cwd: application, env })
  return stdout
}

/** Fires one NewMessageEvent for each message, in order. */
export async function fire(redis, messages, settings) {
  await artisan(redis, ['fire', '--', ...[].concat(messages)], settings)
}

/** What PHP's json_encode makes of the listener's payload: slashes and non-ASCII escaped. */
export function payloadOf(message) {
  const escaped = JSON.stringify(message)
    .replaceAll('/', '\\/')
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `{"message":${escaped}}`
}
