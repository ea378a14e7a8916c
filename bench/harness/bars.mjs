// What is to be reached, and whether it was.

import { METRICS, short } from './metrics.mjs'

const KIB = 1024
const MIB = 1024 * KIB

const PRODUCTS = ['nchan', 'nchan-2', 'mercure', 'centrifugo']
const PEERS = ['axum-sse', 'node-plain', 'better-sse', ...PRODUCTS]

// What the limits of the hub allow 5,000 subscribers who are behind: 64 KiB each, and as much again as it has without.
const STORM_MEMORY = 5_000 * 64 * KIB + 64 * MIB
// What two runs of the same differ by.
const SAME = 1.1

/** A bar on the ratio of medians: the hub's to those of the others, the one nearest to the bar. */
function ratio(work, metric, sense, factor, others, called) {
  return {
    work,
    text: `${METRICS[metric].title} ${sense === 'at most' ? '≤' : '≥'} ${factor} × ${called}`,
    check(works) {
      const ours = value(works, work, 'tidings', metric)
      const theirs = others.map((name) => value(works, work, name, metric)).filter((theirs) => theirs !== undefined)
      if (ours === undefined || theirs.length === 0) return undefined
      const hardest = sense === 'at most' ? Math.min(...theirs) : Math.max(...theirs)
      return against(ours / hardest, sense, factor, (measured) => `${short(measured)} ×`)
    },
  }
}

/** A bar on the hub's median itself. */
function limit(work, metric, sense, bound, peer = 'tidings') {
  const { title, format } = METRICS[metric]
  return {
    work,
    text: `${title} ${sense === 'at most' ? '≤' : '≥'} ${format(bound)}`,
    check(works) {
      const ours = value(works, work, peer, metric)
      return ours === undefined ? undefined : against(ours, sense, bound, format)
    },
  }
}

/** The hub did the work in every round without a fault, which the load tool judges. */
function faultless(work, text) {
  return {
    work,
    text,
    check(works) {
      const row = find(works, work, 'tidings')
      if (row === undefined) return undefined
      const well = row.rounds - row.failures.length
      return { measured: `${well} of ${row.rounds} rounds`, reached: row.failures.length === 0 }
    },
  }
}

/** The hub's median in one work against its median in another. */
function same(work, other, metric, text) {
  return {
    work,
    text,
    check(works) {
      const [ours, theirs] = [work, other].map((name) => value(works, name, 'tidings', metric))
      if (ours === undefined || theirs === undefined) return undefined
      return against(ours / theirs, 'at most', SAME, (measured) => `${short(measured)} ×`)
    },
  }
}

function against(measured, sense, bound, format) {
  const reached = sense === 'at most' ? measured <= bound : measured >= bound
  return { measured: format(measured), reached, ofBar: measured / bound }
}

function find(works, work, peer) {
  return works.find((one) => one.work.name === work)?.rows.find((row) => row.peer.name === peer)
}

function value(works, work, peer, metric) {
  const row = find(works, work, peer)
  // Nobody is compared with who did not do the work.
  return row === undefined || row.broken ? undefined : row.values[metric]?.median
}

const steady = (work) => [
  ratio(work, 'cpuPerDelivery', 'at most', 1.15, ['send-loop'], 'the bare send() loop'),
  ratio(work, 'latency99', 'at most', 1.3, ['send-loop'], 'the bare send() loop'),
  ratio(work, 'cpuPerDelivery', 'at most', 0.75, ['nchan', 'nchan-2'], 'Nchan'),
]

const BARS = [
  ...steady('steady-1000'),
  ...steady('steady-10000'),
  ratio('burst-1000', 'deliveries', 'at least', 0.4, ['batched'], 'the batched floor'),
  ratio('burst-1000', 'deliveries', 'at least', 3, ['axum-sse'], 'axum'),
  ratio('burst-1000', 'deliveries', 'at least', 10, PRODUCTS, 'the fastest product'),
  faultless('burst-10000', 'no event missing, doubled or out of order'),
  ratio('burst-10000', 'deliveries', 'at least', 2.5, ['axum-sse'], 'axum'),
  ratio('burst-10000', 'deliveries', 'at least', 10, PRODUCTS, 'the fastest product'),
  ratio('topics-10000', 'deliveries', 'at least', 1.2, PEERS, 'the best peer'),
  same('topics-100000', 'topics-10', 'cpuPerPublish', `the same CPU per publish as at 10 topics (≤ ${SAME} ×)`),
  limit('idle', 'memoryPerConnection', 'at most', KIB),
  limit('idle-http2', 'memoryPerConnection', 'at most', 16 * KIB),
  limit('idle-tls', 'memoryPerConnection', 'at most', 14 * KIB, 'tidings-tls'),
  faultless('resume-5000', 'every missed event once, in order'),
  limit('resume-5000', 'deliveries', 'at least', 1_000_000),
  limit('resume-5000', 'peakMemory', 'at most', STORM_MEMORY),
  ratio('publish-64', 'publishes', 'at least', 0.8, ['tidings-memory'], 'the same server without a log on disk'),
  faultless('held-95000', 'held, heartbeats in time, every broadcast to all in order'),
]

/**
 * Every bar with what came of it: `{ work, text, measured, reached, ofBar }`. `ofBar` is the measured value as a multiple of
 * the bar; where nothing was measured there is neither.
 */
export function checkBars(works) {
  return BARS.map(({ work, text, check }) => ({ work, text, ...check(works) }))
}
