// The command line of bench/run.

import { parseArgs } from 'node:util'
import { PEERS } from './peers.mjs'
import { WORKS } from './works.mjs'

export const USAGE = `Usage: bench/run [OPTION]...

Runs the hub and its peers on the same works, in turn, several rounds, and writes what came of it to
bench/results/DATE: every report of the load tool, the configurations, the machine, and (by bench/report) a
summary with plots. What is missing is installed first: nginx, libnginx-mod-nchan and gnuplot-nox from Debian,
better-sse from npm, Mercure and Centrifugo from the Go module proxy. A peer that cannot be had is left out, and
the reason told.

  --rounds N     how often everything is measured (default: 5)
  --only W,…     these works alone
  --peers P,…    these peers alone
  --quick        one round of smaller works, to see that everything runs
  --pin          the servers on the first half of the cores, the load tool on the others
  --output DIR   where to write (default: bench/results/ and the time); a directory that has results gets more
  --no-install   install and build nothing
  --strict       exit 1 if any measurement failed, or any peer was missing
  --help         this text

Works: ${WORKS.map(({ name }) => name).join(' ')}

Peers: ${PEERS.map(({ name }) => name).join(' ')}

Environment: CARGO_TARGET_DIR as for cargo. BENCH_PROGRAMS, a directory with tidings, send-loop, batched and
axum-sse, for --no-install.
`

const OPTIONS = {
  rounds: { type: 'string' },
  only: { type: 'string' },
  peers: { type: 'string' },
  quick: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  pin: { type: 'boolean', default: false },
  output: { type: 'string' },
  'no-install': { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

/** What was asked for, or an error that says what is wrong with it. */
export function parseOptions(args) {
  const { values } = parseArgs({ args, options: OPTIONS })
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full'
  const rounds = Number(values.rounds ?? (size === 'full' ? 5 : 1))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: give a number from 1`)
  return {
    ...values,
    size,
    rounds,
    install: !values['no-install'],
    works: chosen('--only', values.only, WORKS),
    peers: chosen('--peers', values.peers, PEERS),
  }
}

function chosen(option, list, all) {
  if (list === undefined) return all
  const names = list.split(',').filter(Boolean)
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined || names.length === 0) {
    throw new Error(`${option} ${list}: choose from ${all.map(({ name }) => name).join(',')}`)
  }
  return all.filter(({ name }) => names.includes(name))
}
