// The time, as a thing that tests can bring their own of.

/**
 * @typedef {object} Clock
 * @property {() => number} now Milliseconds that only ever grow.
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** The longest wait that a timer can hold; beyond it timers fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @type {Clock} */
export const systemClock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, LONGEST_TIMER_MS)),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * A wait that can be cut short.
 * @param {Clock} clock
 * @param {number} ms
 * @returns {{ ended: Promise<void>, end: () => void }}
 */
export function pause(clock, ms) {
  let end = () => {};
  const ended = new Promise((/** @type {(value: void) => void} */ resolve) => {
    const timer = clock.setTimeout(resolve, ms);
    end = () => {
      clock.clearTimeout(timer);
      resolve();
    };
  });
  return { ended, end };
}
