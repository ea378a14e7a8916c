// Looks over the crates that are compiled into the program, as Cargo.lock pins them: every licence one
// that may be shipped under MIT OR Apache-2.0, every crate from crates.io, none in two versions.
//
// This much of cargo-deny is enough here, and cargo-deny takes longer to compile than the hub.
// Reads `cargo tree`, which knows what is really compiled where `cargo metadata` lists what might be.
// Run it from the repository's root.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
])

// Crates that may be there in two versions, each with the reason.
const TWICE = new Map([
  ['base64', 'jsonwebtoken has not moved to 0.23, which everybody else uses'],
  ['hashbrown', 'governor holds 0.16, for a map of limiters that nothing here uses'],
  ['pem', 'jsonwebtoken has not moved to 4, which rcgen uses, behind the feature acme'],
  ['syn', 'parses the code of derive macros while compiling, never in the program; its users move to 3 one by one'],
  ['untrusted', 'a few hundred lines: aws-lc-rs, as jsonwebtoken has it, holds 0.7, and rustls-webpki 0.9'],
])

// The platform that is shipped: a second version that only Windows compiles costs nobody here anything.
const PLATFORM = 'x86_64-unknown-linux-gnu'

/**
 * Whether an SPDX licence expression can be met by the licences in `allowed`. `/` is what crates
 * wrote for OR before SPDX; AND binds closer than OR.
 */
export function satisfied(expression, allowed) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const either = () => {
    let met = both()
    while (tokens[at] === 'OR') {
      at += 1
      const other = both()
      met = met || other
    }
    return met
  }
  const both = () => {
    let met = one()
    while (tokens[at] === 'AND') {
      at += 1
      const other = one()
      met = met && other
    }
    return met
  }
  const one = () => {
    if (tokens[at] === '(') {
      at += 1
      const met = either()
      at += 1
      return met
    }
    let licence = tokens[at++]
    if (tokens[at] === 'WITH') {
      licence = `${licence} WITH ${tokens[at + 1]}`
      at += 2
    }
    return allowed.has(licence)
  }
  return either()
}

/**
 * The third-party packages in the lines of `cargo tree --format '{p}\t{l}'`, each once. Behind name and
 * version stands in parentheses where a package comes from, unless that is crates.io.
 */
export function thirdParty(lines) {
  const packages = new Map()
  for (const line of lines) {
    const [, name, version, notes, license] = /^(\S+) v(\S+)([^\t]*)\t(.*?)( \(\*\))?$/.exec(line)
    const [source] = [...notes.matchAll(/\(([^)]*)\)/g)].map(([, note]) => note).filter((note) => note !== 'proc-macro')
    if (!source?.startsWith('/')) packages.set(`${name} ${version}`, { name, version, license, source })
  }
  return [...packages.values()]
}

/** What is wrong with these packages, one sentence each. */
export function faults(packages) {
  const found = []
  const versions = new Map()
  for (const { name, version, license, source } of packages) {
    if (source) found.push(`${name} ${version} comes from ${source}, not from crates.io`)
    if (!satisfied(license, LICENCES)) found.push(`${name} ${version} is licensed under ${license || 'nothing it names'}`)
    versions.set(name, [...(versions.get(name) ?? []), version])
  }
  for (const [name, all] of versions) {
    if (all.length > 1 && !TWICE.has(name)) found.push(`${name} is compiled in ${all.length} versions: ${all.join(', ')}`)
  }
  return found
}

/** The lines of `cargo tree` about what is compiled: into everything, or into what the arguments choose. */
export function compiled(chosen = ['--workspace', '--features', 'tidings/acme']) {
  const text = execFileSync(
    'cargo',
    ['tree', '--locked', ...chosen, '--edges', 'normal,build', '--target', PLATFORM, '--prefix', 'none', '--format', '{p}\t{l}'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return text.split('\n').filter((line) => line !== '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const packages = thirdParty(compiled())
  const found = faults(packages)
  for (const fault of found) console.error(`dependencies: ${fault}`)
  console.log(`dependencies: ${packages.length} crates, ${found.length} faults`)
  process.exitCode = found.length === 0 ? 0 : 1
}
