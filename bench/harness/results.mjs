// A folder of results: what is in it, and what of it is shown.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every measurement, a line of JSON each. */
export const RAW_FILE = 'raw.jsonl'
export const MACHINE_FILE = 'machine.json'
/** The peers that could not be had, with the reasons. */
export const MISSING_FILE = 'missing.json'

/** Reads a folder of results. */
export function readResults(folder) {
  const read = (file) => readFileSync(join(folder, file), 'utf8')
  return {
    records: read(RAW_FILE).split('\n').filter(Boolean).map((line) => JSON.parse(line)),
    machine: JSON.parse(read(MACHINE_FILE)),
    missing: existsSync(join(folder, MISSING_FILE)) ? JSON.parse(read(MISSING_FILE)) : {},
  }
}
