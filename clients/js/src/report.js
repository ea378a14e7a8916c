// The application's own callbacks may throw. That is the application's to hear of, and nothing of ours breaks.

/**
 * Calls each with the same arguments. What one throws is reported as uncaught, afterwards.
 * @template {unknown[]} A
 * @param {Iterable<((...args: A) => void) | undefined>} callbacks
 * @param {A} args
 */
export function callAll(callbacks, ...args) {
  // A copy: a callback may add and remove others.
  for (const callback of [...callbacks]) {
    try {
      callback?.(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
