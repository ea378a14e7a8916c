// How long to wait before the next attempt.

import { LONGEST_TIMER_MS } from './clock.js';

/** Until the server says `retry:`. */
const FIRST_MS = 1_000;
/** Whatever the server says: `retry: 0` is no invitation to ask without a break. */
const SHORTEST_MS = 50;
/** Failing attempts wait longer and longer, up to this. A longer `retry:` of the server is honoured as it is. */
const SLOWEST_MS = 30_000;
/** At most so much later than it must be, as a part of the wait: those who were cut off together do not return together. */
const JITTER = 0.5;
/** Beyond so many failures in a row the wait is at its longest anyway. */
const DOUBLINGS = 16;

/** Exponential back-off with jitter. It never returns earlier than the server asked for. */
export class BackOff {
  #random;
  #failures = 0;

  /** What the server asked for (`retry:`), in milliseconds; null until it does. */
  retryMs = /** @type {number | null} */ (null);

  /** @param {() => number} random */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The wait before the next attempt, in milliseconds; longer each time, until `reset()`. */
  next() {
    const least = Math.max(this.retryMs ?? FIRST_MS, SHORTEST_MS);
    // What a stopping server asks for spreads its clients over some seconds; it is no measure of how long it is away.
    const doubled = Math.min(least, FIRST_MS) * 2 ** Math.min(this.#failures, DOUBLINGS);
    this.#failures += 1;
    const bounded = Math.max(Math.min(doubled, SLOWEST_MS), least);
    return Math.min(bounded * (1 + this.#random() * JITTER), LONGEST_TIMER_MS);
  }

  /** An attempt went well. */
  reset() {
    this.#failures = 0;
  }
}
