// A PHP application behind PHP's own server, one request after the other for each of its workers.

import { readFileSync } from 'node:fs'
import { onFreePort, Server } from './server.mjs'

/**
 * Serves the folder `public` of the application at `directory`; `env` are its variables beside those it has. It has one worker,
 * unless PHP_CLI_SERVER_WORKERS is among them: then that many, and the master, which takes requests as well.
 */
export async function startPhp(t, directory, env = {}) {
  const php = await onFreePort(async (port) => {
    // Variables are to be where frameworks look for them: in $_ENV and $_SERVER.
    const server = new Server('php', ['-d', 'variables_order=EGPCS', '-S', `127.0.0.1:${port}`, '-t', `${directory}/public`], {
      env: { PATH: process.env.PATH, ...env },
      cwd: directory,
    })
    await server.ready('serves', () => server.stderr.includes('started'))
    return { url: `http://127.0.0.1:${port}`, port, server }
  })
  t.after(() => {
    // They outlive the master, unless a terminal's Ctrl-C reaches them all, and keep its output open.
    for (const worker of workersOf(php.server.child)) process.kill(worker)
    return php.server.end('SIGTERM')
  })
  return php
}

function workersOf({ pid }) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
