// A PHP application behind PHP's own server, one request after the other.

import { onFreePort, Server } from './server.mjs'

/** Serves the folder `public` of the application at `directory`; `env` are its variables beside those it has. */
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
  t.after(() => php.server.end('SIGTERM'))
  return php
}
