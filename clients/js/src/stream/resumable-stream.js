// One event stream, kept open: read with fetch, so that it can carry headers; opened again when it is lost, from the last
// event that was handed over.
//
// The invariant: `lastEventId` is the id of the last event that `onEvent` was called with, or of an id that came after it
// without an event. It never runs ahead to what has merely been read, so what `close()` cuts off comes again.

import { isFinal, problemDetail } from '../problem.js';
import { unlessAborted } from './abort.js';
import { BackOff } from './back-off.js';
import { pause, systemClock } from './clock.js';
import { EventStreamParser } from './event-stream-parser.js';
import { watchPage } from './page.js';
import { Silence } from './silence.js';

/** A connection that lasted so long was a good one: the next loss is a first one again. */
const SETTLED_MS = 10_000;

/**
 * @typedef {object} StreamRequest
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {RequestCredentials} credentials
 *
 * @typedef {object} Loss
 * @property {string} detail Why the stream is lost, in words for a person.
 * @property {number} [status] What the server answered, if it refused for good.
 *
 * @typedef {object} StreamOptions
 * @property {() => StreamRequest | Promise<StreamRequest>} request What to ask for. Called for each attempt.
 * @property {(event: import('./event-stream-parser.js').StreamEvent) => void} onEvent Must not throw.
 * @property {(loss: Loss) => void} onLost The stream is lost, or could not be opened; it will be tried again.
 * @property {(loss: Loss) => void} onFailed It will not be tried again until `open()`.
 * @property {number} silenceMs A connection that is silent for so long is dead.
 * @property {typeof fetch} [fetch]
 * @property {import('./clock.js').Clock} [clock]
 * @property {() => number} [random]
 */

/** One call of `open()`, until it is closed or has failed. */
class Run {
  /** Ends the attempt under way. */
  abort = new AbortController();
  /** Looks whether the connection is silent. */
  look = () => {};
  /** Cuts the wait between two attempts short. */
  wake = () => {};
  unwatch = () => {};
}

export class ResumableStream {
  #options;
  #clock;
  #backOff;
  #run = /** @type {Run | null} */ (null);

  /** What the next attempt resumes from; empty when from nothing. */
  lastEventId = '';

  /** @param {StreamOptions} options */
  constructor(options) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backOff = new BackOff(options.random);
  }

  /** Opens the stream, and keeps it open. */
  open() {
    if (this.#run !== null) return;
    const run = new Run();
    this.#run = run;
    run.unwatch = watchPage({
      onWake: () => {
        run.look();
        run.wake();
      },
      onPutAside: () => run.abort.abort('The page was put aside'),
    });
    this.#backOff.reset();
    void this.#keepOpen(run);
  }

  /** Ends it. No event is handed over from here on. */
  close() {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    run.unwatch();
    run.abort.abort('Closed');
    run.wake();
  }

  /** Gives the present connection up and opens another. */
  reopen(/** @type {string} */ why) {
    this.#run?.abort.abort(why);
  }

  /** @param {Run} run */
  async #keepOpen(run) {
    while (this.#run === run) {
      const { detail, status } = await this.#attempt(run);
      if (this.#run !== run) return;
      if (status !== undefined) {
        this.close();
        this.#options.onFailed({ detail, status });
        return;
      }
      const { ended, end } = pause(this.#clock, this.#backOff.next());
      run.wake = end;
      this.#options.onLost({ detail });
      await ended;
    }
  }

  /**
   * One connection, from request to end.
   * @param {Run} run
   * @returns {Promise<Loss>}
   */
  async #attempt(run) {
    const abort = new AbortController();
    run.abort = abort;
    const silence = new Silence(this.#clock, this.#options.silenceMs, () => {
      abort.abort(`Nothing was heard for ${this.#options.silenceMs} ms, not even a heartbeat`);
    });
    run.look = () => silence.look();
    try {
      const response = await unlessAborted(abort.signal, this.#fetch(abort.signal));
      silence.heard();
      if (response.status !== 200) {
        const detail = await problemDetail(response);
        return isFinal(response.status) ? { detail, status: response.status } : { detail };
      }
      const type = (response.headers.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase();
      if (type !== 'text/event-stream' || response.body === null) {
        abort.abort();
        return { detail: `The answer is ${type || 'of no known type'}, and no event stream` };
      }
      return await this.#read(response.body, abort.signal, silence);
    } catch (error) {
      return { detail: abort.signal.aborted ? String(abort.signal.reason) : `The hub cannot be reached: ${error}` };
    } finally {
      silence.stop();
    }
  }

  /** @param {AbortSignal} signal */
  async #fetch(signal) {
    const { url, headers, credentials } = await this.#options.request();
    signal.throwIfAborted();
    /** @type {Record<string, string>} */
    const all = { Accept: 'text/event-stream', ...headers };
    if (this.lastEventId !== '') {
      // A header's value is bytes to fetch; ids go out as UTF-8, as EventSource sends them.
      all['Last-Event-ID'] = String.fromCharCode(...new TextEncoder().encode(this.lastEventId));
    }
    const { fetch = globalThis.fetch } = this.#options;
    return fetch(url, { headers: all, credentials, signal, cache: 'no-store' });
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {AbortSignal} signal
   * @param {Silence} silence
   * @returns {Promise<Loss>}
   */
  async #read(body, signal, silence) {
    const parser = new EventStreamParser({ lastEventId: this.lastEventId });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    const openedAt = this.#clock.now();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { detail: 'The hub ended the stream' };
        silence.heard();
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          signal.throwIfAborted();
          this.lastEventId = event.lastEventId;
          this.#options.onEvent(event);
        }
        signal.throwIfAborted();
        this.lastEventId = parser.lastEventId;
        this.#backOff.retryMs = parser.retry ?? this.#backOff.retryMs;
      }
    } finally {
      if (this.#clock.now() - openedAt >= SETTLED_MS) this.#backOff.reset();
    }
  }
}
