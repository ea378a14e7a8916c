// What the application holds of a channel, with Echo's methods.

/**
 * @typedef {import('./subscription.js').Subscription} Subscription
 * @typedef {import('./subscription.js').Listener} Listener
 * @typedef {import('./subscription.js').AnyListener} AnyListener
 * @typedef {import('./connection.js').Connection} Connection
 */

const NOTIFICATION = '.Illuminate\\Notifications\\Events\\BroadcastNotificationCreated';

export class Channel {
  #subscription;

  /** @param {Subscription} subscription */
  constructor(subscription) {
    this.#subscription = subscription;
  }

  /** Vue and its like make proxies of plain objects that they are given, and a proxy has no private fields. This says that it is none. */
  get [Symbol.toStringTag]() {
    return 'TidingsChannel';
  }

  get name() {
    return this.#subscription.name;
  }

  /**
   * @param {string} event
   * @param {Listener} callback
   */
  listen(event, callback) {
    return this.on(this.#subscription.formatter.format(event), callback);
  }

  /**
   * @param {string} event The name as it is on the wire.
   * @param {Listener} callback
   */
  on(event, callback) {
    this.#subscription.listen(event, callback);
    return this;
  }

  /** @param {AnyListener} callback */
  listenToAll(callback) {
    this.#subscription.anyListeners.push(callback);
    return this;
  }

  /**
   * @param {string} event
   * @param {Listener} [callback]
   */
  stopListening(event, callback) {
    this.#subscription.stopListening(this.#subscription.formatter.format(event), callback);
    return this;
  }

  /** @param {AnyListener} [callback] */
  stopListeningToAll(callback) {
    this.#subscription.stopListeningToAll(callback);
    return this;
  }

  /** @param {Listener} callback */
  notification(callback) {
    return this.listen(NOTIFICATION, callback);
  }

  /** @param {Listener} [callback] */
  stopListeningForNotification(callback) {
    return this.stopListening(NOTIFICATION, callback);
  }

  /**
   * @param {string} event
   * @param {Listener} callback
   */
  listenForWhisper(event, callback) {
    return this.listen(`.client-${event}`, callback);
  }

  /**
   * @param {string} event
   * @param {Listener} [callback]
   */
  stopListeningForWhisper(event, callback) {
    return this.stopListening(`.client-${event}`, callback);
  }

  /** @param {() => void} callback */
  subscribed(callback) {
    this.#subscription.onSubscribed(callback);
    return this;
  }

  /** @param {(error: import('./index.js').ChannelError) => void} callback */
  error(callback) {
    this.#subscription.onError(callback);
    return this;
  }
}

export class PrivateChannel extends Channel {
  #subscription;
  #connection;

  /**
   * @param {Subscription} subscription
   * @param {Connection} connection
   */
  constructor(subscription, connection) {
    super(subscription);
    this.#subscription = subscription;
    this.#connection = connection;
  }

  /**
   * @param {string} event
   * @param {unknown} data
   */
  whisper(event, data) {
    this.#connection.whisper(this.#subscription, event, data);
    return this;
  }
}

export class PresenceChannel extends PrivateChannel {
  #subscription;

  /**
   * @param {Subscription} subscription
   * @param {Connection} connection
   */
  constructor(subscription, connection) {
    super(subscription, connection);
    this.#subscription = subscription;
  }

  /** @param {(users: any[]) => void} callback */
  here(callback) {
    this.#subscription.onHere(callback);
    return this;
  }

  /** @param {Listener} callback */
  joining(callback) {
    this.#subscription.joiningCallbacks.push(callback);
    return this;
  }

  /** @param {Listener} callback */
  leaving(callback) {
    this.#subscription.leavingCallbacks.push(callback);
    return this;
  }
}
