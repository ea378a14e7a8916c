// What a page notices of itself that a connection should know of. Elsewhere (Node, workers) most of it never happens.

/**
 * @typedef {object} PageWatcher
 * @property {() => void} onWake The page is looked at again, or the network is back: now is a good time to try.
 * @property {() => void} onPutAside The page goes into the back/forward cache, which takes no page with an open connection.
 */

/**
 * @param {PageWatcher} watcher
 * @returns {() => void} Stops watching.
 */
export function watchPage({ onWake, onPutAside }) {
  const onVisibility = () => {
    if (document.visibilityState === 'visible') onWake();
  };
  /** @type {Array<[EventTarget, string, () => void]>} */
  const listeners = [];
  if (typeof globalThis.addEventListener === 'function') {
    listeners.push([globalThis, 'online', onWake], [globalThis, 'pageshow', onWake], [globalThis, 'pagehide', onPutAside]);
  }
  if (typeof document === 'object') listeners.push([document, 'visibilitychange', onVisibility]);
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener);
  };
}
