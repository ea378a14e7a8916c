// What `new Echo({ broadcaster: TidingsConnector, … })` makes of itself: Echo's methods, on one stream of the hub.
//
// Echo 1.17 to 2.3.3 makes a stray instance, without options, only to see whether it can. So making one does nothing
// at all; and with options it only notes to begin.

import { Channel, PresenceChannel, PrivateChannel } from './channel.js';
import { Connection } from './connection.js';

/** As Echo has it. */
const NAMESPACE = 'App.Events';

/** @typedef {import('./index.js').TidingsOptions} Options */

export class TidingsConnector {
  #connection;

  /** The channels that there are, by their whole names. Echo reads it to leave them all. */
  channels = /** @type {Record<string, Channel>} */ (Object.create(null));

  /** @param {Options} [options] */
  constructor(options) {
    this.options = { namespace: NAMESPACE, ...options };
    this.#connection = new Connection(this.options);
    if (options !== undefined) this.connect();
  }

  /** Vue and its like make proxies of plain objects that they are given, and a proxy has no private fields. This says that it is none. */
  get [Symbol.toStringTag]() {
    return 'TidingsConnector';
  }

  /** Opens the stream; again after `disconnect()`, or after it has failed. */
  connect() {
    this.#connection.open();
  }

  disconnect() {
    this.#connection.close();
  }

  /**
   * @param {string} name
   * @param {string} event
   * @param {(data: any) => void} callback
   */
  listen(name, event, callback) {
    return this.channel(name).listen(event, callback);
  }

  /** @param {string} name */
  channel(name) {
    // As with Pusher, the whole name of a channel of another kind is a name like any other.
    const Kind = name.startsWith('presence-') ? PresenceChannel : name.startsWith('private-') ? PrivateChannel : Channel;
    return (this.channels[name] ??= new Kind(this.#connection.add(name), this.#connection));
  }

  /** @param {string} name */
  privateChannel(name) {
    return /** @type {PrivateChannel} */ (this.channel(`private-${name}`));
  }

  /** @param {string} name */
  presenceChannel(name) {
    return /** @type {PresenceChannel} */ (this.channel(`presence-${name}`));
  }

  /**
   * @param {string} name
   * @returns {never}
   */
  encryptedPrivateChannel(name) {
    throw new Error(
      `TidingsConnector does not decrypt: events of "private-encrypted-${name}" are for the end-to-end encryption of Pusher's ` +
        `own clients. Use private("${name}"), over HTTPS.`,
    );
  }

  /** @param {string} name */
  leave(name) {
    for (const kind of ['', 'private-', 'private-encrypted-', 'presence-']) this.leaveChannel(kind + name);
  }

  /** @param {string} name The whole name. */
  leaveChannel(name) {
    if (this.channels[name] === undefined) return;
    delete this.channels[name];
    this.#connection.remove(name);
  }

  /** What `toOthers()` on the server goes by. While the stream is lost it is still the former one, which the hub knows. */
  socketId() {
    return this.#connection.socketId;
  }

  connectionStatus() {
    return this.#connection.status;
  }

  /**
   * @param {(status: import('./index.js').ConnectionStatus) => void} callback
   * @returns {() => void} Stops the calls.
   */
  onConnectionChange(callback) {
    return this.#connection.onStatus(callback);
  }
}
