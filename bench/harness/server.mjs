// A server that is measured: started in a directory of its own, and ended with all its children.

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { onFreePort } from '../../tests/browser/support/server.mjs'
import { until } from '../../tests/browser/support/wait.mjs'
import { peakMemory } from './process.mjs'

const READY_MS = 20_000

// Servers that are running, so that none outlives the harness.
const running = new Set()
process.on('exit', () => { for (const server of running) server.kill() })
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => process.exit(status))
}

/** Starts a peer on a free port, in `directory`, which is emptied first. */
export function startServer(peer, context, directory) {
  return onFreePort(async (port) => {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const server = new Server(peer, { ...context, directory, port })
    try {
      await until(`${peer.name} accepts connections`, () => server.hasEnded || accepts(port), READY_MS)
      if (server.hasEnded) throw new Error(`${peer.name} has ended: ${server.log()}`)
      return server
    } catch (error) {
      server.kill()
      throw error
    }
  })
}

class Server {
  hasEnded = false

  constructor(peer, context) {
    const { command, files = {} } = peer.launch(context)
    this.command = command
    this.files = files
    for (const [name, text] of Object.entries(files)) writeFileSync(join(context.directory, name), text)
    this.url = `http://127.0.0.1:${context.port}`
    // What it says goes to a file: reading it would cost the machine that is measured.
    this.logFile = join(context.directory, 'log')
    const log = openSync(this.logFile, 'a')
    const [program, ...args] = [...context.pin, ...command].map(String)
    // A process group of its own, so that its children end with it.
    this.child = spawn(program, args, { cwd: context.directory, stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    this.pid = this.child.pid
    running.add(this)
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.hasEnded = true
        running.delete(this)
        resolve()
      }
      this.child.on('error', end)
      this.child.on('close', end)
    })
  }

  /** The end of what it has said. */
  log() {
    return readFileSync(this.logFile, 'utf8').slice(-2000)
  }

  /** The most memory that it and its children have had, in bytes. */
  peakMemory() {
    return peakMemory(this.pid)
  }

  kill() {
    if (this.pid === undefined || this.hasEnded) return
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }

  async end() {
    this.kill()
    await this.ended
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}
