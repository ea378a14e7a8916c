// An event stream read with fetch: what EventSource does, and in addition every event whatever its type, an
// Authorization header, a state that says what is going on, and the hub's own words when it refuses.

import { EventStreamParser } from './event-stream-parser.js';
import { authorization, problemText } from './hub.js';

/** Used until the stream says `retry:`; what Chromium uses too. */
const DEFAULT_RETRY_MS = 3_000;
/** Failing attempts wait longer and longer, up to this. A longer `retry:` from the hub is honoured as it is. */
const SLOWEST_RETRY_MS = 30_000;
/** The longest wait a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The hub sends a heartbeat after 15 s of silence; four missed ones mean that the line is dead without having said so. */
const SILENCE_LIMIT_MS = 60_000;
/** How often the line is looked at for silence. */
const SILENCE_CHECK_MS = 5_000;
/** More data than this of one event is not kept: a page left open for days stays within its memory. */
const MAX_DATA_LENGTH = 256 * 1024;

/**
 * @typedef {object} StreamState
 * @property {'connecting'|'open'|'reconnecting'|'closed'} name
 * @property {number} since When it began, in milliseconds since 1970.
 * @property {number} [retryAt] When the next attempt is made, while reconnecting.
 * @property {number} [attempt] How many attempts in a row have failed.
 * @property {string} [reason] Why, in words for a person.
 * @property {number} [status] The status that the hub refused with, when it closed because of that.
 */

/** One subscription, kept open until `close()` or until the hub says that trying again is of no use. */
export class EventStream {
  #url;
  #onState;
  #onEvent;
  #retryMs = DEFAULT_RETRY_MS;
  #failures = 0;
  #ended = false;
  #abort = null;
  #wake = null;
  #wakeUp = () => this.#wake?.();
  // A page put aside (back/forward cache) gives its connection back and takes a new one when it is shown again.
  #putAside = () => this.#abort?.abort({ why: 'The page was put aside' });

  lastEventId = '';
  /** @type {StreamState} */
  state = { name: 'closed', since: Date.now() };

  /**
   * @param {string} url
   * @param {{onState: (state: StreamState) => void, onEvent: (event: import('./event-stream-parser.js').StreamEvent) => void}} handlers
   */
  constructor(url, { onState, onEvent }) {
    this.#url = new URL(url, location.href);
    this.#onState = onState;
    this.#onEvent = onEvent;
    window.addEventListener('online', this.#wakeUp);
    window.addEventListener('pageshow', this.#wakeUp);
    window.addEventListener('pagehide', this.#putAside);
    this.#run();
  }

  /** Ends the subscription for good. No event is handed over afterwards. */
  close(reason = 'Disconnected by you') {
    if (!this.#ended) this.#finish(reason);
  }

  async #run() {
    while (!this.#ended) {
      const lost = await this.#connect();
      if (this.#ended) return;
      const wait = Math.min(this.#nextWait(), LONGEST_TIMER_MS);
      this.#setState({ name: 'reconnecting', reason: lost, retryAt: Date.now() + wait, attempt: this.#failures });
      await this.#sleep(wait);
    }
  }

  /** One connection from request to end; resolves to why it is gone. */
  async #connect() {
    this.#setState({ name: 'connecting', attempt: this.#failures });
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const response = await fetch(this.#requestUrl(), {
        headers: this.#requestHeaders(),
        cache: 'no-store',
        signal: abort.signal,
      });
      if (response.status === 204) {
        this.#finish('The hub says that this stream is finished (204)');
        return '';
      }
      if (response.status !== 200) {
        const text = await problemText(response);
        const passing = response.status >= 500 || response.status === 408 || response.status === 429;
        if (!passing) this.#finish(text, response.status);
        this.#failures += 1;
        return text;
      }
      const type = (response.headers.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase();
      if (type !== 'text/event-stream') {
        this.#finish(`The answer is ${type || 'of no known type'}, not an event stream`);
        return '';
      }
      this.#setState({ name: 'open' });
      return await this.#read(response.body, abort);
    } catch {
      this.#failures += 1;
      return abort.signal.reason?.why ?? 'The hub cannot be reached';
    }
  }

  async #read(body, abort) {
    const parser = new EventStreamParser({ lastEventId: this.lastEventId, maxDataLength: MAX_DATA_LENGTH });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let heardAt = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - heardAt > SILENCE_LIMIT_MS) {
        abort.abort({ why: `Nothing heard for ${SILENCE_LIMIT_MS / 1000} s, not even a heartbeat` });
      }
    }, SILENCE_CHECK_MS);
    let received = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#ended) return '';
        if (done) {
          // A hub that accepts and ends at once, again and again, is to be asked less and less often.
          this.#failures = received ? 0 : this.#failures + 1;
          return 'The hub ended the connection';
        }
        heardAt = Date.now();
        for (const event of parser.push(value)) {
          received = true;
          this.#failures = 0;
          this.lastEventId = event.lastEventId;
          this.#onEvent(event);
          if (this.#ended) return '';
        }
        this.lastEventId = parser.lastEventId;
        if (parser.retry !== null) this.#retryMs = parser.retry;
      }
    } catch (error) {
      this.#failures = received ? 0 : this.#failures + 1;
      return error?.why ?? 'The connection was lost';
    } finally {
      clearInterval(watch);
    }
  }

  #requestUrl() {
    const url = new URL(this.#url);
    if (this.lastEventId !== '') {
      // The header says where to go on; where to begin was for the first time only.
      url.searchParams.delete('last');
      url.searchParams.delete('last_event_id');
    }
    return url;
  }

  #requestHeaders() {
    const headers = { Accept: 'text/event-stream', ...authorization() };
    if (this.lastEventId !== '') {
      // Header values are bytes; the id goes out as UTF-8, as EventSource sends it.
      headers['Last-Event-ID'] = String.fromCharCode(...new TextEncoder().encode(this.lastEventId));
    }
    return headers;
  }

  /** What the hub asked for (`retry:`), doubled for each failure in a row, with a little jitter so that pages do not return in step. */
  #nextWait() {
    const doubled = this.#retryMs * 2 ** Math.min(Math.max(this.#failures - 1, 0), 10);
    const bounded = Math.max(Math.min(doubled, SLOWEST_RETRY_MS), this.#retryMs);
    return bounded * (1 + Math.random() * 0.2);
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #finish(reason, status) {
    this.#ended = true;
    window.removeEventListener('online', this.#wakeUp);
    window.removeEventListener('pageshow', this.#wakeUp);
    window.removeEventListener('pagehide', this.#putAside);
    this.#abort?.abort();
    this.#wake?.();
    this.#setState({ name: 'closed', reason, status });
  }

  #setState(state) {
    this.state = { since: Date.now(), ...state };
    this.#onState(this.state);
  }
}
