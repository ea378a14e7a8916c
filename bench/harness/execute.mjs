// Running other programs to their end.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a program to its end and resolves with its `{ code, stdout, stderr }`. Standard error is also shown with
 * `show`. A program that cannot be started is an error.
 */
export function output(program, args, { show = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (part) => { text[name] += part })
    }
    if (show) child.stderr.pipe(process.stderr)
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: code ?? signal, ...text }))
  })
}

/** Runs a program that must succeed; resolves with its standard output. */
export async function execute(program, args, options) {
  const { code, stdout, stderr } = await output(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${lastLine(stderr)}`)
  return stdout
}

/** Builds the program `name` that the Go module in `folder` pins. */
export async function buildGo(folder, name, file) {
  await execute('go', ['build', '-o', file, name], { cwd: folder }).catch((error) => {
    if (error.code === 'ENOENT') throw new Error('Go is not installed')
    throw error
  })
}

function lastLine(text) {
  return text.trim().split('\n').at(-1)
}
