// The hub under test: the built program, with a configuration and data of the test's own.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server, temporaryDirectory } from './server.mjs'

// `./test` says which build it made; by hand it is what `cargo build --release` leaves.
export const program = process.env.HUB_PROGRAM ?? fileURLToPath(new URL('../../../target/release/tidings', import.meta.url))

// What a hub has of this environment: where programs are, and which way streams take, so that the same tests run over
// both.
const passedOn = Object.fromEntries(
  ['PATH', 'TIDINGS_STREAM_HAND_OVER'].flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])),
)

/**
 * Starts a hub, on a free port unless told to `listen` elsewhere. `configuration` is TOML text; `args` are further arguments
 * of `tidings serve`, `env` further variables; `directory` is where it runs, a new one unless given.
 */
export async function startHub(t, { configuration = '', args = [], env = {}, listen = '127.0.0.1:0', directory = temporaryDirectory(t) } = {}) {
  const hub = new Hub(directory, args, env)
  writeFileSync(hub.configurationFile, configuration)
  await hub.start(listen)
  t.after(() => hub.end('SIGKILL'))
  return hub
}

class Hub {
  constructor(directory, args, env) {
    this.directory = directory
    this.env = { ...passedOn, ...env }
    this.configurationFile = join(directory, 'tidings.toml')
    this.data = join(directory, 'data')
    this.args = args
    this.earlierLog = ''
  }

  async start(listen) {
    this.server = new Server(
      program,
      ['serve', '--config', this.configurationFile, '--listen', listen, '--data', this.data, ...this.args],
      { env: this.env, cwd: this.directory },
    )
    await this.server.ready('accepts connections', () => this.server.stdout.includes('\n'))
    const [, url] = /^listening on (http:\/\/\S+)$/m.exec(this.server.stdout)
    this.url = url
    this.address = new URL(url).host
    this.port = Number(new URL(url).port)
  }

  /** Everything it has written to standard error, over all its runs. */
  get log() {
    return this.earlierLog + this.server.stderr
  }

  /** SIGKILL: no goodbye to anybody, nothing flushed. */
  async kill() {
    await this.end('SIGKILL')
  }

  /** Starts it again on the port and the data it had. */
  async restart() {
    this.earlierLog = this.log
    await this.start(this.address)
  }

  async end(signal) {
    return this.server.end(signal)
  }

  async get(path, headers = {}) {
    return fetch(this.url + path, { headers })
  }

  /**
   * Publishes the bytes given as one event of this topic; resolves with the hub's `{id, epoch, offset}`. `fields` are those of
   * the publication: event, id, retry, private.
   */
  async publish(topic, data, { token, ...fields } = {}) {
    const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== undefined))
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const answer = await fetch(`${this.url}/topics/${encodeURIComponent(topic)}?${query}`, { method: 'POST', body: data, headers })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`publish answered ${answer.status}: ${text}`)
    return JSON.parse(text)
  }

  async stats(token) {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    return (await this.get('/stats', headers)).json()
  }

  async subscribers(token) {
    return (await this.stats(token)).subscribers
  }
}
