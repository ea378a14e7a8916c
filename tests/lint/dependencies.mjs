// Looks over the Rust dependencies that Cargo.lock pins: every licence one that may be shipped in a
// program under MIT OR Apache-2.0, every crate from crates.io, none in two versions.
//
// This much of cargo-deny is enough here, and cargo-deny takes longer to compile than the hub.
// Reads `cargo metadata`; run it from the repository's root.

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

const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index'

// Crates that may be there in two versions, each with the reason.
const TWICE = new Map([
  ['syn', 'parses the code of derive macros while compiling, never in the program; its users move to 3 one by one'],
])

// The platform that is shipped: a second version that only Windows compiles costs nobody here anything.
const PLATFORM = 'x86_64-unknown-linux-gnu'

const METADATA_BYTES = 64 * 1024 * 1024

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

/** What is wrong with these packages (of `cargo metadata`), one sentence each. */
export function faults(packages) {
  const found = []
  const versions = new Map()
  for (const { name, version, license, source } of packages) {
    if (source !== CRATES_IO) found.push(`${name} ${version} comes from ${source}, not from crates.io`)
    if (!license || !satisfied(license, LICENCES)) {
      found.push(`${name} ${version} is licensed under ${license ?? 'nothing it names'}`)
    }
    versions.set(name, [...(versions.get(name) ?? []), version])
  }
  for (const [name, all] of versions) {
    if (all.length > 1 && !TWICE.has(name)) found.push(`${name} is compiled in ${all.length} versions: ${all.join(', ')}`)
  }
  return found
}

function thirdParty() {
  const text = execFileSync('cargo', ['metadata', '--format-version', '1', '--locked', '--filter-platform', PLATFORM], {
    maxBuffer: METADATA_BYTES,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { packages, resolve } = JSON.parse(text)
  const used = new Set(resolve.nodes.map(({ id }) => id))
  return packages.filter(({ id, source }) => source !== null && used.has(id))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const packages = thirdParty()
  const found = faults(packages)
  for (const fault of found) console.error(`dependencies: ${fault}`)
  console.log(`dependencies: ${packages.length} crates, ${found.length} faults`)
  process.exitCode = found.length === 0 ? 0 : 1
}
