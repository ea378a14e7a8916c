// From single measurements to medians.

import { METRICS } from './metrics.mjs'
import { PEERS } from './peers.mjs'
import { summarize } from './statistics.mjs'
import { WORKS } from './works.mjs'

const ROUNDS_WANTED = 5
// The hub in another way, for single works: nobody misses it in the others.
const VARIANTS = ['tidings-memory', 'tidings-tls']

/**
 * Of each work that was measured, in the table's order: `{ work, options, rows, absent }`. A row is a peer with how
 * many `rounds` it did, the `failures` among them, and of each metric `{ median, min, max, count }` as `values`. They
 * are of the rounds that went well; where none did, of all, and the row is marked `broken`. `absent` are peers that
 * have no row, with the reasons.
 */
export function analyse({ records, missing }) {
  return WORKS.map((work) => {
    const here = records.filter((record) => record.work === work.name)
    const measured = PEERS.filter(({ name }) => here.some((record) => record.peer === name))
    return {
      work,
      options: here[0]?.options,
      rows: measured.map((peer) => row(work, peer, here.filter((record) => record.peer === peer.name))),
      absent: absences(work, measured, missing),
    }
  }).filter(({ rows }) => rows.length > 0)
}

/** What a reader has to know of the measurements before looking at any figure. */
export function cautions({ records }) {
  const shorter = new Set(records.map(({ size }) => size).filter((size) => size !== 'full'))
  const rounds = Math.min(...WORKS.map(({ name }) => roundsOf(records, name)).filter((count) => count > 0))
  return [
    ...[...shorter].map((size) => `Made with --${size}: the works were smaller than the bars are meant for.`),
    ...(rounds < ROUNDS_WANTED ? [`The fewest rounds of a work: ${rounds}. The bars ask for medians of ${ROUNDS_WANTED}.`] : []),
  ]
}

function roundsOf(records, work) {
  return new Set(records.filter((record) => record.work === work).map(({ round }) => round)).size
}

function row(work, peer, records) {
  const well = records.filter(({ ok }) => ok)
  const shown = well.length > 0 ? well : records
  return {
    peer,
    rounds: records.length,
    failures: records.filter(({ ok }) => !ok).map(({ failure }) => failure),
    broken: well.length === 0,
    values: Object.fromEntries(work.metrics.map((key) => [key, summarize(shown.map(METRICS[key].of))])),
  }
}

function absences(work, measured, missing) {
  const others = PEERS.filter((peer) => !measured.includes(peer) && !VARIANTS.includes(peer.name))
  const reason = ({ name }) => (work.peers.includes(name) ? (missing[name] ?? 'not asked for in this run') : work.others)
  const reasons = [...new Set(others.map(reason))]
  return reasons.map((text) => ({ reason: text, peers: others.filter((peer) => reason(peer) === text) }))
}
