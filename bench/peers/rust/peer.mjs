// The bare floors and axum's own streams, built from this folder.

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

export const peers = [
  program('send-loop', 'Floor: bare send() loop', 'floor'),
  program('batched', 'Floor: batched send()', 'floor'),
  program('axum-sse', 'axum Sse + broadcast', 'library', (work) => [
    '--capacity', work.tool === 'topics' ? AXUM_EVENTS_AMONG_MANY_TOPICS : AXUM_EVENTS,
  ]),
]
