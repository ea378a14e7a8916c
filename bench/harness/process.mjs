// What Linux knows about processes.

import { readFileSync } from 'node:fs'

const KIB = 1024

/** The most memory that a process and its present children have had, in bytes. */
export function peakMemory(pid) {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [null, 0]
  return Number(kibibytes) * KIB + children(pid).reduce((sum, child) => sum + peakMemory(child), 0)
}

function children(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** How many files this process, and so its children, may open. */
export function openFiles() {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return Number(soft)
}
