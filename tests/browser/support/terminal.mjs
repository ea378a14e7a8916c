// A folder in which a reader of a document works: the code of the document is run in it, with `tidings` at hand.

import { execFile, spawn } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onHub } from './documents.mjs'
import { program } from './hub.mjs'
import { temporaryDirectory } from './server.mjs'

const run = promisify(execFile)

export class Terminal {
  constructor(t) {
    this.t = t
    this.directory = temporaryDirectory(t)
    symlinkSync(program, join(this.directory, 'tidings'))
    this.env = { PATH: `${this.directory}:${process.env.PATH}` }
  }

  write(name, text) {
    writeFileSync(join(this.directory, name), text)
  }

  /** Runs shell code, which talks to `hub`; resolves with what it prints. A command that fails is an error. */
  async sh(code, hub) {
    const { stdout } = await this.run('sh', ['-euc', hub === undefined ? code : onHub(code, hub)])
    return stdout
  }

  run(name, words) {
    return run(name, words, { cwd: this.directory, env: this.env })
  }

  /** Starts a program that goes on until the test ends. */
  start(name, words) {
    const child = spawn(name, words, { cwd: this.directory, env: this.env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.t.after(() => child.kill())
    return child
  }
}
