import assert from 'node:assert/strict'
import { test } from 'node:test'
import { analyse } from './analysis.mjs'
import { checkBars } from './bars.mjs'
import { METRICS } from './metrics.mjs'
import { PEERS } from './peers.mjs'
import { sized, WORKS } from './works.mjs'

function record(work, peer, report, round = 1, ok = true) {
  return { work, peer, round, options: {}, ok, failure: ok ? undefined : 'events are missing', reports: [report] }
}

function bars(records, work) {
  return checkBars(analyse({ records, missing: {} })).filter((bar) => bar.work === work)
}

const delivers = (rate) => ({ deliveries_per_second: rate })

test('a bar is held against the median of the one nearest to it', () => {
  const ours = [90, 400, 1_000].map((rate, round) => record('burst-1000', 'tidings', delivers(rate), round))
  const theirs = [['batched', 1_000], ['axum-sse', 100], ['nchan', 10], ['mercure', 50]].map(([peer, rate]) =>
    record('burst-1000', peer, delivers(rate)),
  )
  const [batched, axum, product] = bars([...ours, ...theirs], 'burst-1000')
  assert.deepEqual([batched.measured, batched.reached, batched.ofBar], ['0.4 ×', true, 1])
  assert.deepEqual([axum.measured, axum.reached], ['4 ×', true])
  assert.deepEqual([product.measured, product.reached, product.ofBar], ['8 ×', false, 0.8])
})

test('rounds that failed are not counted, and nobody is compared with who never did the work', () => {
  const records = [
    record('burst-1000', 'tidings', delivers(30), 1),
    record('burst-1000', 'tidings', delivers(9_000), 2, false),
    record('burst-1000', 'axum-sse', delivers(10)),
    record('burst-1000', 'nchan', delivers(10), 1, false),
  ]
  const [, axum, product] = bars(records, 'burst-1000')
  assert.equal(axum.measured, '3 ×')
  assert.equal(product.reached, undefined)
})

test('a fault in one round misses the bar of no faults', () => {
  const storm = (round, ok) => record('resume-5000', 'tidings', delivers(2_000_000), round, ok)
  assert.equal(bars([storm(1, true), storm(2, true)], 'resume-5000')[0].reached, true)
  assert.equal(bars([storm(1, true), storm(2, false)], 'resume-5000')[0].reached, false)
})

test('nothing measured is neither reached nor missed', () => {
  assert.ok(checkBars([]).every(({ reached, measured }) => reached === undefined && measured === undefined))
})

test('what the tables name is there', () => {
  const peers = new Set(PEERS.map(({ name }) => name))
  const works = new Set(WORKS.map(({ name }) => name))
  for (const work of WORKS) {
    for (const peer of work.peers) assert.ok(peers.has(peer), `${work.name}: ${peer}`)
    for (const metric of work.metrics) assert.ok(metric in METRICS, `${work.name}: ${metric}`)
    for (const size of ['full', 'quick', 'smoke']) {
      const options = sized(work, size)?.options ?? {}
      assert.deepEqual(Object.keys(options).filter((name) => !(name in work.options)), [], `${work.name}, ${size}`)
    }
  }
  for (const { work } of checkBars([])) assert.ok(works.has(work), work)
})
