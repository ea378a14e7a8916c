// One measurement: one peer, one work, one round.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { surround } from './around.mjs'
import { output } from './execute.mjs'
import { startServer } from './server.mjs'

const TOOL_TIMEOUT = '60s'
const EVENT_BYTES = 200
// The tool gives up by itself; this is for a tool that does not.
const PATIENCE_MS = 15 * 60_000

/**
 * Starts the peer anew, lets the load tool do the work, and resolves with the record of it: `ok`, the load tool's own
 * report as `reports` (one for each of its processes), and what was seen of the server from outside.
 */
export async function measure(peer, work, context) {
  const started = new Date().toISOString()
  try {
    const shares = Array.from({ length: work.processes ?? 1 }, (_, index) => share(peer, work, context, index))
    return { started, ...together(await Promise.all(shares)) }
  } catch (error) {
    return { started, ok: false, failure: error.message, reports: [] }
  }
}

/** The options of this work that the load tool at hand does not have. */
export async function unknownOptions({ tool, options }, { programs }) {
  const { stdout } = await output(join(programs, 'tidings'), ['bench', tool, '--help'])
  return Object.keys(options).filter((name) => !stdout.includes(`--${name} `) && !stdout.includes(`--${name}\n`))
}

function together(shares) {
  return {
    ok: shares.every(({ ok }) => ok),
    failure: shares.map(({ failure }) => failure).filter(Boolean).join('; ') || undefined,
    reports: shares.map(({ report }) => report).filter(Boolean),
    peak_memory: shares.reduce((sum, { peak_memory: bytes }) => sum + bytes, 0),
    command: shares[0].command,
  }
}

async function share(peer, work, context, index) {
  const server = await startServer(peer, { ...context, work }, join(context.data, `${peer.name}-${index}`))
  let leave = () => {}
  try {
    keepConfiguration(peer, context, server)
    if (work.around) leave = await surround(server.url, work.around)
    const args = ['bench', work.tool, ...peer.target(server.url), ...flags(work), '--pid', server.pid, '--json']
    const { report, ...result } = await load(args, context)
    // The report says more of what went wrong than that the server is gone.
    const failure = server.hasEnded ? `the server has ended: ${server.log()}` : result.failure
    return {
      ok: failure === undefined,
      failure,
      report,
      peak_memory: server.hasEnded ? 0 : server.peakMemory(),
      command: ['tidings', ...args].join(' '),
    }
  } finally {
    leave()
    await server.end()
  }
}

function flags({ tool, options }) {
  const common = { timeout: TOOL_TIMEOUT, ...(tool === 'idle' ? {} : { size: EVENT_BYTES }) }
  return Object.entries({ ...common, ...options }).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
}

async function load(args, { programs, toolPin }) {
  const [program, ...rest] = [...toolPin, join(programs, 'tidings'), ...args]
  const { code, stdout, stderr } = await output(program, rest, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' })
  let report
  try {
    report = JSON.parse(stdout)
  } catch {
    return { failure: `the load tool ended with ${code}: ${stderr.trim().slice(-500)}` }
  }
  if (code === 0 && report.ok) return { report }
  return { report, failure: report.faults?.join('; ') || `the load tool ended with ${code}` }
}

function keepConfiguration(peer, { results, pin }, server) {
  const folder = join(results, 'configurations', peer.name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'command'), `${[...pin, ...server.command].join(' ')}\n`)
  for (const [name, text] of Object.entries(server.files)) writeFileSync(join(folder, name), text)
}
