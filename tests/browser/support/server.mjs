// A server program under test: started as a child process, its output kept, ended with the test.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './wait.mjs'

// A free port can be taken by somebody else between being found and being bound.
const PORT_ATTEMPTS = 5

/** A directory of the test's own, removed after it. */
export function temporaryDirectory(t) {
  const path = mkdtempSync(join(tmpdir(), 'tidings-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A loopback port that was free a moment ago, for programs that cannot pick one themselves. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/** Calls `start(port)` with a free port, and again with another if the program could not bind it. */
export async function onFreePort(start) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error
    }
  }
}

/** One run of a program. */
export class Server {
  stdout = ''
  stderr = ''
  exit = null

  constructor(program, args, options = {}) {
    this.name = program
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    this.child.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text })
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text })
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.exit = { error: error.message }
        resolve(this.exit)
      })
      this.child.on('close', (code, signal) => {
        this.exit ??= { code, signal }
        resolve(this.exit)
      })
    })
  }

  /** Waits until `condition` holds; a program that ends before that is an error with its output. */
  async ready(what, condition) {
    await until(`${this.name}: ${what}`, () => this.exit !== null || condition())
    if (this.exit !== null) {
      throw new Error(`${this.name} ended (${JSON.stringify(this.exit)}) before: ${what}\n${this.stdout}${this.stderr}`)
    }
  }

  /** Sends the signal and waits for the end. Nothing happens if it has ended already. */
  async end(signal) {
    if (this.exit === null) this.child.kill(signal)
    return this.ended
  }
}
