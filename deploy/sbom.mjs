#!/usr/bin/env node
// What the program is made of: every crate that is compiled into it, as Cargo.lock pins them. Nothing from npm is in it: the
// console's pages and the JavaScript client have no dependencies.
//
//   deploy/sbom.mjs             a bill of materials, CycloneDX 1.5, as JSON
//   deploy/sbom.mjs --licences  a licence a line, and the crates under it
//
// Exits 1 if a licence is not permitted. Run it from the repository's root.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { compiled, faults, thirdParty } from '../tests/lint/dependencies.mjs'

const packages = thirdParty(compiled(['--package', 'tidings']))
const found = faults(packages)
for (const fault of found) console.error(`sbom: ${fault}`)
process.exitCode = found.length === 0 ? 0 : 1

if (process.argv.includes('--licences')) {
  console.log(licences())
} else {
  console.log(JSON.stringify(bill(), null, 2))
}

function licences() {
  const under = new Map()
  for (const { name, version, license } of packages) {
    under.set(spdx(license), [...(under.get(spdx(license)) ?? []), `${name} ${version}`])
  }
  return [...under].sort().map(([license, crates]) => `${license}: ${crates.join(', ')}`).join('\n')
}

function bill() {
  const { packages: workspace } = JSON.parse(cargo('metadata', '--locked', '--no-deps', '--format-version', '1'))
  const { version, license } = workspace.find(({ name }) => name === 'tidings')
  const checksums = checksumsOf(readFileSync('Cargo.lock', 'utf8'))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: component({ name: 'tidings', version, license }, 'application') },
    components: packages
      .sort((one, other) => (`${one.name} ${one.version}` < `${other.name} ${other.version}` ? -1 : 1))
      .map((crate) => component(crate, 'library', checksums.get(`${crate.name} ${crate.version}`))),
  }
}

function component({ name, version, license }, type, checksum) {
  const purl = `pkg:cargo/${name}@${version}`
  const hashes = checksum && { hashes: [{ alg: 'SHA-256', content: checksum }] }
  return { type, 'bom-ref': purl, name, version, purl, licenses: [{ expression: spdx(license) }], ...hashes }
}

/** What crates wrote for OR before SPDX. */
function spdx(license) {
  return license.replaceAll(/\s*\/\s*/g, ' OR ')
}

function checksumsOf(lock) {
  const entries = lock.matchAll(/name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"/g)
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]))
}

function cargo(...args) {
  return execFileSync('cargo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })
}
