// One channel of a connection: how far its subscription is, and who listens. What the application holds is a `Channel`,
// which is a view of this.

import { callAll } from '../report.js';
import { parseData } from './data.js';
import { Members } from './members.js';

/**
 * @typedef {import('./index.js').ChannelError} ChannelError
 * @typedef {(data: any) => void} Listener
 * @typedef {(event: string, data: any) => void} AnyListener
 *
 * @typedef {'wanted' | 'asked' | 'subscribed' | 'refused'} State
 *   `wanted`: the hub has not been asked on this connection. `asked`: its answer is awaited.
 */

/** What comes on the stream when somebody comes or goes. */
const JOIN = 'join';
const LEAVE = 'leave';
/** What the events of whispers begin with. */
const WHISPER = 'client-';

export class Subscription {
  #listeners = new Map(/** @type {Array<[string, Listener[]]>} */ ([]));
  #error = /** @type {ChannelError | null} */ (null);

  /** @type {State} */
  state = 'wanted';
  /** Whether the hub has said yes at least once. */
  hasSucceeded = false;
  members = new Members();

  anyListeners = /** @type {AnyListener[]} */ ([]);
  subscribedCallbacks = /** @type {Array<() => void>} */ ([]);
  errorCallbacks = /** @type {Array<(error: ChannelError) => void>} */ ([]);
  hereCallbacks = /** @type {Array<(users: any[]) => void>} */ ([]);
  joiningCallbacks = /** @type {Listener[]} */ ([]);
  leavingCallbacks = /** @type {Listener[]} */ ([]);

  /**
   * @param {string} name The whole name, as the hub has it.
   * @param {import('./event-formatter.js').EventFormatter} formatter
   */
  constructor(name, formatter) {
    this.name = name;
    this.formatter = formatter;
    this.isPresence = name.startsWith('presence-');
  }

  /**
   * @param {string} event The name on the wire.
   * @param {Listener} callback
   */
  listen(event, callback) {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) this.#listeners.set(event, [callback]);
    else listeners.push(callback);
  }

  /**
   * @param {string} event The name on the wire.
   * @param {Listener} [callback] All, when none is given.
   */
  stopListening(event, callback) {
    const left = callback === undefined ? [] : (this.#listeners.get(event) ?? []).filter((other) => other !== callback);
    if (left.length === 0) this.#listeners.delete(event);
    else this.#listeners.set(event, left);
  }

  /** @param {AnyListener} [callback] All, when none is given. */
  stopListeningToAll(callback) {
    this.anyListeners = callback === undefined ? [] : this.anyListeners.filter((other) => other !== callback);
  }

  /**
   * An event of this channel.
   * @param {string} event
   * @param {string} text
   */
  deliver(event, text) {
    const isChange = this.isPresence && (event === JOIN || event === LEAVE);
    const listeners = this.#listeners.get(event) ?? [];
    if (!isChange && listeners.length === 0 && this.anyListeners.length === 0) return;
    const data = event.startsWith(WHISPER) ? unwrap(parseData(text)) : parseData(text);
    if (isChange) {
      const isNews = this.members.change(data, event === JOIN);
      if (isNews) callAll(event === JOIN ? this.joiningCallbacks : this.leavingCallbacks, data);
    } else {
      callAll(this.anyListeners, this.formatter.unformat(event), data);
    }
    callAll(listeners, data);
  }

  /** The hub is asked, or holds the channel since the stream began. */
  ask() {
    this.state = 'asked';
    this.members.expect();
  }

  /**
   * The hub says yes.
   * @param {unknown[]} [users] Who is there, of a presence channel.
   */
  succeed(users = []) {
    this.state = 'subscribed';
    this.hasSucceeded = true;
    this.#error = null;
    this.members.replace(users);
    callAll(this.subscribedCallbacks);
    if (this.isPresence) callAll(this.hereCallbacks, this.members.list());
  }

  /**
   * The hub says no, for good.
   * @param {ChannelError} error
   */
  refuse(error) {
    this.state = 'refused';
    this.#error = error;
    this.report(error);
  }

  /** @param {ChannelError} error */
  report(error) {
    callAll(this.errorCallbacks, error);
  }

  /** The hub has to be asked again. */
  lose() {
    this.state = 'wanted';
  }

  // Components come and go and share channels: whoever asks late hears how things stand.

  /** @param {() => void} callback */
  onSubscribed(callback) {
    this.subscribedCallbacks.push(callback);
    this.#later('subscribed', () => callAll([callback]));
  }

  /** @param {(users: any[]) => void} callback */
  onHere(callback) {
    this.hereCallbacks.push(callback);
    this.#later('subscribed', () => callAll([callback], this.members.list()));
  }

  /** @param {(error: ChannelError) => void} callback */
  onError(callback) {
    this.errorCallbacks.push(callback);
    const error = this.#error;
    if (error !== null) this.#later('refused', () => callAll([callback], error));
  }

  /**
   * @param {State} state
   * @param {() => void} tell
   */
  #later(state, tell) {
    if (this.state === state) queueMicrotask(tell);
  }
}

/** Whispers that are neither an object nor a list travel in a list of their own, as `laravel-wave` has it. */
function unwrap(/** @type {any} */ data) {
  const isWrapped = Array.isArray(data) && data.length === 1 && (data[0] === null || typeof data[0] !== 'object');
  return isWrapped ? data[0] : data;
}
