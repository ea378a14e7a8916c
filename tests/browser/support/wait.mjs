// Waiting on conditions. No test sleeps for a time and hopes: it names what it waits for, and fails
// with that name when it has not come true.

import { setTimeout as sleep } from 'node:timers/promises'

// Far longer than anything here takes, so that only a real fault reaches it: two busy cores may
// delay a browser by seconds.
export const PATIENCE_MS = 60_000

const POLL_MS = 20

/**
 * Resolves with the first truthy value of `condition` (which may be async). A condition that throws
 * counts as not yet true; what it threw last is told when the patience ends.
 */
export async function until(what, condition, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience
  let last
  for (;;) {
    try {
      last = await condition()
      if (last) return last
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      const told = last instanceof Error ? last.message : JSON.stringify(last)
      throw new Error(`waited ${patience} ms for: ${what} (last seen: ${told})`)
    }
    await sleep(POLL_MS)
  }
}
