// A Redis server of the test's own, on a free port and without a file on disk.

import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { onFreePort, Server, temporaryDirectory } from './server.mjs'

const run = promisify(execFile)

export async function startRedis(t) {
  const directory = temporaryDirectory(t)
  const redis = await onFreePort((port) => Redis.start(directory, port))
  t.after(() => redis.kill())
  return redis
}

class Redis {
  static async start(directory, port) {
    const redis = new Redis()
    redis.directory = directory
    redis.port = port
    redis.url = `redis://127.0.0.1:${port}`
    await redis.restart()
    return redis
  }

  /** As if the machine had lost power: SIGKILL, with no word to the clients. */
  async kill() {
    await this.server?.end('SIGKILL')
  }

  /** Starts it again, empty, on the port it had. */
  async restart() {
    this.server = new Server('redis-server', [
      '--port', this.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.directory,
    ])
    await this.server.ready('accepts connections', () => accepts(this.port))
  }

  async command(...words) {
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', this.port, ...words])
    return stdout.trimEnd()
  }

  /** Publishes as any program may; resolves with the number of clients Redis handed it to. */
  async publish(channel, payload) {
    return Number(await this.command('PUBLISH', channel, payload))
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}
