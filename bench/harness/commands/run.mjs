// bench/run: every work, every round, every peer in turn.

import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { execute, ROOT } from '../execute.mjs'
import { describeMachine } from '../machine.mjs'
import { measure, unknownOptions } from '../measure.mjs'
import { METRICS } from '../metrics.mjs'
import { parseOptions, USAGE } from '../options.mjs'
import { preparePeers } from '../peers.mjs'
import { openFiles } from '../process.mjs'
import { writeReport } from '../report.mjs'
import { MACHINE_FILE, MISSING_FILE, RAW_FILE } from '../results.mjs'
import { sized } from '../works.mjs'

const USAGE_ERROR = 64
// Of a failure; the whole is in the results.
const TOLD_CHARACTERS = 300

async function main() {
  const options = readOptions()
  const context = makeContext(options)
  const missing = await prepare(options, context)
  mkdirSync(context.results, { recursive: true })
  const at = (file) => join(context.results, file)
  if (!existsSync(at(MACHINE_FILE))) {
    writeFileSync(at(MACHINE_FILE), JSON.stringify(await describeMachine(context), null, 2))
  }
  writeFileSync(at(MISSING_FILE), JSON.stringify(Object.fromEntries(missing), null, 2))
  for (const [name, reason] of missing) console.log(`left out: ${name}, for ${reason}`)

  let failures = missing.size
  const firstRound = roundsIn(at(RAW_FILE))
  for (const work of options.works.map((work) => sized(work, options.size)).filter(Boolean)) {
    const peers = options.peers.filter(({ name }) => work.peers.includes(name) && !missing.has(name))
    const unknown = await unknownOptions(work, context)
    if (unknown.length > 0) {
      console.log(`left out: ${work.name}, for the load tool has no --${unknown.join(', --')}`)
      failures += 1
      continue
    }
    const measureAndTell = async (peer, round) => {
      const record = await measure(peer, work, context)
      const { size } = options
      const named = { work: work.name, peer: peer.name, round: firstRound + round, size, options: work.options, ...record }
      appendFileSync(at(RAW_FILE), `${JSON.stringify(named)}\n`)
      console.log(`${work.name} round ${round}/${options.rounds} ${peer.name.padEnd(14)} ${told(work, record)}`)
      if (!record.ok) failures += 1
    }
    for (let round = 1; round <= options.rounds; round++) {
      // Where no figure is wanted there is no need to take turns.
      if (options.size === 'smoke') await Promise.all(peers.map((peer) => measureAndTell(peer, round)))
      else for (const peer of peers) await measureAndTell(peer, round)
    }
  }
  if (options.size !== 'smoke') await writeReport(context.results)
  console.log(`results are in ${relative(process.cwd(), context.results)}`)
  if (options.strict && failures > 0) process.exitCode = 1
}

function readOptions() {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (!options.help) return options
    console.log(USAGE)
    process.exit(0)
  } catch (error) {
    console.error(`bench/run: ${error.message}`)
    process.exit(USAGE_ERROR)
  }
}

function makeContext(options) {
  const target = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target')
  const built = join(target, 'bench')
  mkdirSync(built, { recursive: true })
  // Beside what is built, for /tmp may be in memory, and the log's disk is part of what is measured.
  const data = mkdtempSync(join(built, 'data-'))
  process.on('exit', () => rmSync(data, { recursive: true, force: true }))
  const now = new Date().toISOString().slice(0, 16).replace(':', '')
  const half = Math.max(1, Math.floor(availableParallelism() / 2))
  const cores = (from, to) => (options.pin ? ['taskset', '--cpu-list', `${from}-${to}`] : [])
  return {
    programs: resolve(ROOT, process.env.BENCH_PROGRAMS ?? join(target, 'release')),
    built,
    data,
    results: options.output ? resolve(options.output) : join(ROOT, 'bench', 'results', now),
    files: openFiles(),
    pin: cores(0, half - 1),
    toolPin: cores(half, Math.max(half, availableParallelism() - 1)),
  }
}

/** Builds and installs; resolves with the reasons why some peers are missing. */
async function prepare(options, context) {
  if (!options.install) return new Map()
  const packages = ['--package', 'tidings', '--package', 'tidings-peers']
  await execute('cargo', ['build', '--release', '--locked', ...packages], { cwd: ROOT, show: true })
  return preparePeers(options.peers.map(({ name }) => name), context)
}

/** The rounds that are in a file of results already. */
function roundsIn(file) {
  if (!existsSync(file)) return 0
  return Math.max(0, ...readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line).round))
}

function told(work, record) {
  const failure = record.failure?.replace(/\s+/g, ' ').slice(0, TOLD_CHARACTERS)
  if (record.reports.length === 0) return `FAILED: ${failure}`
  const values = work.metrics.map((key) => {
    const value = METRICS[key].of(record)
    return `${METRICS[key].title} ${value === undefined ? '–' : METRICS[key].format(value)}`
  })
  return `${record.ok ? 'ok' : `NOT OK (${failure})`}  ${values.join(', ')}`
}

main().catch((error) => {
  console.error(`bench/run: ${error.message}`)
  process.exit(1)
})
