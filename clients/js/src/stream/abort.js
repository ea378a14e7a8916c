/**
 * What a promise comes to, or the signal's reason if that comes first: for what cannot be told to stop, and may never end.
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export async function unlessAborted(signal, promise) {
  let onAbort = () => {};
  const aborted = new Promise((/** @type {(value: never) => void} */ _, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
  });
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
