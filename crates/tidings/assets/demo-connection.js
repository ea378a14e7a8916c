// Keeping an EventSource alive and telling how it is. A browser reconnects by itself after a lost connection, but gives
// up for good on any answer that is not an event stream (a proxy's 502 while the hub restarts, say): that much is added here.

import { setText } from './dom.js';

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;
const WORDS = { connecting: 'Connecting', open: 'Open', reconnecting: 'Reconnecting', closed: 'Closed' };

/**
 * Keeps open what `open(lastEventId)` makes; `lastEventId` is where the one before got to, "" at first.
 * @param {(lastEventId: string) => EventSource} open
 * @param {HTMLElement} status Shows the state as text and as `data-state`.
 * @returns {{connect: () => void, disconnect: () => void, readonly connected: boolean}}
 */
export function keepOpen(open, status) {
  let source = null;
  let timer = 0;
  let failures = 0;
  let wanted = true;
  let lastEventId = '';

  function show(state) {
    status.dataset.state = state;
    setText(status, WORDS[state]);
  }

  function start() {
    clearTimeout(timer);
    show(failures > 0 ? 'reconnecting' : 'connecting');
    source = open(lastEventId);
    source.addEventListener('open', () => {
      failures = 0;
      show('open');
    });
    source.addEventListener('message', (event) => {
      lastEventId = event.lastEventId;
    });
    source.addEventListener('error', () => {
      show('reconnecting');
      if (source.readyState !== EventSource.CLOSED) return;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures, 10), LONGEST_WAIT_MS);
      failures += 1;
      timer = setTimeout(start, wait * (1 + Math.random() * 0.2));
    });
  }

  function stop() {
    clearTimeout(timer);
    source.close();
  }

  // A page in the back/forward cache must not hold a connection; shown again it goes on where it was.
  window.addEventListener('pagehide', stop);
  window.addEventListener('pageshow', (event) => {
    if (event.persisted && wanted) start();
  });

  start();
  return {
    connect() {
      wanted = true;
      failures = 0;
      start();
    },
    disconnect() {
      wanted = false;
      stop();
      show('closed');
    },
    get connected() {
      return wanted;
    },
  };
}

/** `path`, going on after `lastEventId` when there is one. */
export function resumeAt(path, lastEventId) {
  if (lastEventId === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}last_event_id=${encodeURIComponent(lastEventId)}`;
}
