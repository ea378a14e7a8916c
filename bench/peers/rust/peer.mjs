// The bare floors, axum's own streams and an application that embeds the hub, built from this folder.

import { join } from 'node:path'
import { plainTarget } from '../../harness/target.mjs'

// axum's channels take their memory for every topic at once, so that they cannot be as large where there are many.
const AXUM_EVENTS_AMONG_MANY_TOPICS = 64
const AXUM_EVENTS = 1024

function program(name, title, kind, options = () => []) {
  return {
    name,
    title,
    kind,
    launch: ({ programs, port, work }) => ({
      command: [join(programs, name), '--listen', `127.0.0.1:${port}`, ...options(work)],
    }),
    target: plainTarget,
  }
}

// The hub within an application: the tool must take a certificate that nobody has signed.
const embedded = {
  name: 'tidings-tls',
  title: 'Tidings in an application, over TLS',
  kind: 'hub',
  launch: ({ programs, port }) => ({
    command: [
      'sh', '-ec',
      'openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout key.pem -out certificate.pem; exec "$@"',
      'sh', join(programs, 'embedded-tls'), '--listen', `127.0.0.1:${port}`,
      '--certificate', 'certificate.pem', '--key', 'key.pem',
    ],
  }),
  target: (url) => ['--url', url.replace('http:', 'https:')],
}

export const peers = [
  embedded,
  program('send-loop', 'Floor: bare send() loop', 'floor'),
  program('batched', 'Floor: batched send()', 'floor'),
  program('axum-sse', 'axum Sse + broadcast', 'library', (work) => [
    '--capacity', work.tool === 'topics' ? AXUM_EVENTS_AMONG_MANY_TOPICS : AXUM_EVENTS,
  ]),
]
