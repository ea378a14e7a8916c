// One stream for all channels of an Echo, and the hub's knowledge of which channels these are.
//
// The stream is opened with the channels of the moment. What comes and goes later is told by requests, one at a time, until
// what the hub holds for this stream (`held`) is what the application wants (`#subscriptions`). A new stream starts with all
// of them, so a request that fails while the stream is lost need not be made again.

import { isFinal } from '../problem.js';
import { callAll } from '../report.js';
import { pause, systemClock } from '../stream/clock.js';
import { ResumableStream } from '../stream/resumable-stream.js';
import { parseData } from './data.js';
import { EventFormatter } from './event-formatter.js';
import { Front } from './front.js';
import { Live } from './live.js';
import { Subscription } from './subscription.js';
import { Whispers } from './whispers.js';

/** Three heartbeats of the hub's default. */
const SILENCE_MS = 45_000;
/** The hub knows of no stream with this socket id (any more): it was started again, or has given the stream up. */
const GONE = [404, 410];
/** The hub does not ask the application about more at once, unless it did so before. */
const MOST_AT_ONCE = 100;
/** The hub has not looked at it: more was asked for than it decides about at once. */
const TOO_MANY = 429;
/** Statuses that are about rights, and not about the request. */
const RIGHTS = [401, 403, 419];

/**
 * @typedef {import('./index.js').TidingsOptions} Options
 * @typedef {import('./index.js').ChannelError} ChannelError
 * @typedef {import('./index.js').ConnectionStatus} Status
 */

export class Connection {
  #options;
  #front;
  #stream;
  #formatter;
  #subscriptions = new Map(/** @type {Array<[string, Subscription]>} */ ([]));
  #whispers;

  #status = /** @type {Status} */ ('disconnected');
  #statusCallbacks = /** @type {Array<(status: Status) => void>} */ ([]);
  /** The id that the stream has, or had before it was lost: events that carry it stay left out on resume. */
  #socketId = /** @type {string | undefined} */ (undefined);
  /** The channels that the stream was asked with. */
  #asked = /** @type {string[]} */ ([]);
  #live = /** @type {Live | null} */ (null);
  #isSyncing = false;
  #failure = /** @type {ChannelError | null} */ (null);

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#front = new Front(options);
    this.#formatter = new EventFormatter(options.namespace);
    this.#whispers = new Whispers((whisper) => this.#sendWhisper(whisper));
    this.#stream = new ResumableStream({
      request: () => {
        this.#asked = this.#namesToAsk();
        return this.#front.streamRequest(this.#asked, this.#socketId);
      },
      onEvent: (event) => this.#receive(event),
      onLost: () => this.#lose(),
      onFailed: ({ status = 0, detail }) => this.#fail(status, detail),
      silenceMs: options.heartbeatTimeout ?? SILENCE_MS,
      fetch: options.fetch,
    });
  }

  get status() {
    return this.#status;
  }

  get socketId() {
    return this.#socketId;
  }

  /** @param {(status: Status) => void} callback */
  onStatus(callback) {
    this.#statusCallbacks.push(callback);
    return () => {
      this.#statusCallbacks = this.#statusCallbacks.filter((other) => other !== callback);
    };
  }

  /** Opens the stream, once the channels that are asked for in the same breath are known. */
  open() {
    if (this.#status !== 'disconnected' && this.#status !== 'failed') return;
    this.#failure = null;
    for (const subscription of this.#subscriptions.values()) subscription.lose();
    this.#setStatus('connecting');
    queueMicrotask(() => {
      if (this.#status === 'connecting') this.#stream.open();
    });
  }

  /** Ends the stream. What is missed from here on stays missed. */
  close() {
    this.#stream.close();
    this.#stream.lastEventId = '';
    this.#end();
    this.#socketId = undefined;
    this.#failure = null;
    this.#whispers.drop(() => true);
    this.#setStatus('disconnected');
  }

  /** @param {string} name */
  add(name) {
    const subscription = new Subscription(name, this.#formatter);
    this.#subscriptions.set(name, subscription);
    this.#live?.later.delete(name);
    queueMicrotask(() => {
      if (this.#subscriptions.get(name) !== subscription) return;
      if (this.#failure !== null) subscription.refuse(this.#failure);
      else this.#syncNow();
    });
    return subscription;
  }

  /** @param {string} name */
  remove(name) {
    const subscription = this.#subscriptions.get(name);
    this.#subscriptions.delete(name);
    this.#whispers.drop((other) => other === subscription);
    queueMicrotask(() => this.#syncNow());
  }

  /**
   * @param {Subscription} subscription
   * @param {string} event
   * @param {unknown} data
   */
  whisper(subscription, event, data) {
    if (this.#subscriptions.get(subscription.name) === subscription) this.#whispers.push({ subscription, event, data });
  }

  /** What the next stream begins with. */
  #namesToAsk() {
    const all = [...this.#subscriptions.values()];
    // A stream that resumes names all that it had: what is told of later has a gap.
    const had = all.filter(({ hasSucceeded }) => hasSucceeded && this.#stream.lastEventId !== '');
    const others = all.filter((subscription) => !had.includes(subscription));
    return [...had, ...others.slice(0, Math.max(MOST_AT_ONCE - had.length, 0))].map(({ name }) => name);
  }

  /** @param {import('../stream/event-stream-parser.js').StreamEvent} event */
  #receive({ type, data }) {
    switch (type) {
      case 'general.connected':
        return this.#begin(data);
      case 'general.ping':
        return;
      case 'tidings.denied': {
        const { channel, status, detail } = parseData(data);
        this.#live?.held.delete(channel);
        const subscription = this.#subscriptions.get(channel);
        if (status === TOO_MANY) subscription?.lose();
        else this.#deny(subscription, status, detail);
        // It may come late, in another piece than the beginning of the stream.
        queueMicrotask(() => void this.#sync());
        return;
      }
      case 'tidings.reset':
        return callAll([this.#options.onReset], parseData(data));
      case 'tidings.close':
        return callAll([this.#options.onClose], parseData(data));
      default:
        return this.#deliver(type, data);
    }
  }

  /**
   * `<channel>.<event>`, where both may contain dots: the longest channel that the application has is meant.
   * @param {string} type
   * @param {string} data
   */
  #deliver(type, data) {
    for (let dot = type.lastIndexOf('.'); dot > 0; dot = type.lastIndexOf('.', dot - 1)) {
      const subscription = this.#subscriptions.get(type.slice(0, dot));
      if (subscription !== undefined) return subscription.deliver(type.slice(dot + 1), data);
    }
  }

  /** @param {string} socketId */
  #begin(socketId) {
    const live = new Live(socketId, this.#asked);
    this.#end();
    this.#live = live;
    this.#socketId = socketId;
    for (const subscription of this.#subscriptions.values()) {
      if (live.held.has(subscription.name)) subscription.ask();
      else subscription.lose();
    }
    this.#setStatus('connected');
    // Refusals come with the beginning of the stream, in the same piece: after it whoever is not refused is in.
    queueMicrotask(() => {
      if (this.#live !== live) return;
      for (const subscription of this.#subscriptions.values()) {
        if (subscription.state !== 'asked') continue;
        // The list of who is there comes as an answer only.
        if (subscription.isPresence) subscription.lose();
        else subscription.succeed();
      }
      void this.#whispers.flush();
      void this.#sync();
    });
  }

  #end() {
    this.#live?.end();
    this.#live = null;
    this.#whispers.drop(({ hasSucceeded }) => hasSucceeded);
    for (const subscription of this.#subscriptions.values()) subscription.lose();
  }

  #lose() {
    this.#end();
    this.#setStatus(this.#socketId === undefined ? 'connecting' : 'reconnecting');
  }

  /**
   * @param {number} status
   * @param {string} detail
   */
  #fail(status, detail) {
    this.#end();
    const error = errorOf(status, detail);
    this.#failure = error;
    this.#setStatus('failed');
    this.#whispers.drop(() => true);
    for (const subscription of [...this.#subscriptions.values()]) subscription.refuse(error);
  }

  /**
   * @param {Subscription | undefined} subscription
   * @param {number} status
   * @param {string} detail
   */
  #deny(subscription, status, detail) {
    if (subscription === undefined) return;
    const error = errorOf(status, detail);
    if (isFinal(status)) {
      this.#whispers.drop((other) => other === subscription);
      subscription.refuse(error);
    } else {
      subscription.lose();
      subscription.report(error);
    }
  }

  /** Something has come or gone: it does not wait for what has to be tried again. */
  #syncNow() {
    this.#live?.wake();
    void this.#sync();
  }

  /** Tells the hub what has come and gone, until it knows all of it. */
  async #sync() {
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    for (let live; (live = this.#live) !== null; ) {
      const { later } = live;
      const gone = [...live.held].filter((name) => !this.#subscriptions.has(name) && !later.has(name));
      const wanted = [...this.#subscriptions.values()].filter(({ name, state }) => state === 'wanted' && !later.has(name));
      let goesOn = false;
      if (gone.length > 0) goesOn = await this.#unsubscribe(live, gone);
      else if (wanted.length > 0) goesOn = await this.#subscribe(live, wanted.slice(0, MOST_AT_ONCE));
      else if (later.size === 0) break;
      if (goesOn) {
        if (later.size === 0) live.backOff.reset();
      } else if (this.#live === live) {
        const { ended, end } = pause(systemClock, live.backOff.next());
        live.wake = end;
        await ended;
        later.clear();
      }
    }
    this.#isSyncing = false;
  }

  /**
   * @param {Live} live
   * @param {string[]} gone
   * @returns {Promise<boolean>} Whether it was answered; otherwise it is to be tried again after a while.
   */
  async #unsubscribe(live, gone) {
    const { status, body } = await this.#post(live, 'unsubscribe', { channels: gone });
    for (const name of gone) {
      if (body !== null || isFinal(status)) live.held.delete(name);
      else live.later.add(name);
    }
    return status !== 0;
  }

  /**
   * @param {Live} live
   * @param {Subscription[]} wanted
   * @returns {Promise<boolean>} Whether it was answered; otherwise it is to be tried again after a while.
   */
  async #subscribe(live, wanted) {
    const before = new Set(live.held);
    for (const subscription of wanted) {
      subscription.ask();
      live.held.add(subscription.name);
    }
    const answer = await this.#post(live, 'subscribe', { channels: wanted.map(({ name }) => name) });
    if (this.#live !== live) return true;
    for (const subscription of wanted) {
      const { name } = subscription;
      const { status, detail, users } = answer.body === null ? answer : (answer.body.channels?.[name] ?? {});
      const isWanted = this.#subscriptions.get(name) === subscription;
      if (status === undefined) {
        if (isWanted) subscription.succeed(users);
      } else if (status === 0) {
        // Nobody has said no.
        subscription.lose();
      } else {
        if (answer.body !== null && !before.has(name)) live.held.delete(name);
        if (!isFinal(status)) live.later.add(name);
        this.#deny(isWanted ? subscription : undefined, status, detail);
      }
    }
    void this.#whispers.flush();
    return answer.status !== 0;
  }

  /** @param {import('./whispers.js').Whisper} whisper */
  async #sendWhisper({ subscription, event, data }) {
    const live = this.#live;
    if (live === null) return;
    const body = { channel_name: subscription.name, event_name: event, data };
    const { status, detail } = await this.#post(live, 'whisper', body);
    if (status >= 400 && this.#live === live) subscription.report({ type: 'WhisperError', status, detail });
  }

  /**
   * @param {Live} live
   * @param {'subscribe' | 'unsubscribe' | 'whisper'} what
   * @param {object} body
   */
  async #post(live, what, body) {
    const abort = new AbortController();
    const end = () => abort.abort('It did not answer in time');
    live.abort.signal.addEventListener('abort', end);
    const timer = systemClock.setTimeout(end, this.#options.heartbeatTimeout ?? SILENCE_MS);
    const answer = await this.#front.post(what, live.socketId, body, abort.signal);
    systemClock.clearTimeout(timer);
    live.abort.signal.removeEventListener('abort', end);
    if (GONE.includes(answer.status) && this.#live === live) {
      this.#end();
      this.#stream.reopen(answer.detail);
    }
    return answer;
  }

  /** @param {Status} status */
  #setStatus(status) {
    if (this.#status === status) return;
    this.#status = status;
    callAll(this.#statusCallbacks, status);
  }
}

/**
 * @param {number} status
 * @param {string} detail
 * @returns {ChannelError}
 */
function errorOf(status, detail) {
  return { type: RIGHTS.includes(status) ? 'AuthError' : 'SubscriptionError', status, detail };
}
