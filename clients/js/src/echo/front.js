// The hub's Echo front: its addresses, and what every request carries.

import { problemDetail } from '../problem.js';
import { unlessAborted } from '../stream/abort.js';

const STREAM = '/wave';
/** What a header can carry. A cookie is not always Laravel's own, and must not keep every request from being sent. */
const SENDABLE = /^[\x21-\x7e]+$/;

/**
 * @typedef {import('./index.js').TidingsOptions} Options
 *
 * @typedef {object} Answer
 * @property {number} status 0 when there was none.
 * @property {any} body What the hub says, of a success.
 * @property {string} detail What the hub says in words, of anything else.
 */

export class Front {
  #options;
  #base;

  /**
   * @param {Options} options Read anew for each request: tokens change while a page is open.
   */
  constructor(options) {
    this.#options = options;
    this.#base = `${options.host ?? ''}`.replace(/\/+$/, '') + (options.endpoint ?? STREAM).replace(/\/+$/, '');
  }

  /**
   * What to fetch for a stream of exactly these channels.
   * @param {string[]} channels
   * @param {string | undefined} formerSocketId
   */
  async streamRequest(channels, formerSocketId) {
    // Naming none would ask for all that is public; an empty name asks for none so far.
    const query = new URLSearchParams((channels.length === 0 ? [''] : channels).map((name) => ['channel', name]));
    return {
      url: `${this.#base}?${query}`,
      headers: await this.#headers(formerSocketId),
      credentials: this.#credentials(),
    };
  }

  /**
   * @param {'subscribe' | 'unsubscribe' | 'whisper'} what
   * @param {string} socketId
   * @param {object} body
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   */
  async post(what, socketId, body, signal) {
    try {
      return await unlessAborted(signal, this.#send(what, socketId, body, signal));
    } catch (error) {
      return { status: 0, body: null, detail: `The hub cannot be reached: ${error}` };
    }
  }

  /**
   * @param {string} what
   * @param {string} socketId
   * @param {object} body
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   */
  async #send(what, socketId, body, signal) {
    const { fetch = globalThis.fetch } = this.#options;
    const headers = await this.#headers(socketId);
    signal.throwIfAborted();
    const response = await fetch(`${this.#base}/${what}`, {
      method: 'POST',
      headers: { ...headers, Accept: 'application/json', 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      credentials: this.#credentials(),
      signal,
    });
    if (!response.ok) return { status: response.status, body: null, detail: await problemDetail(response) };
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text), detail: '' };
  }

  /** @returns {RequestCredentials} */
  #credentials() {
    return this.#options.withCredentials ? 'include' : 'same-origin';
  }

  /** @param {string | undefined} socketId */
  async #headers(socketId) {
    const { auth, bearerToken, getBearerToken } = this.#options;
    /** @type {Record<string, string>} */
    const headers = { ...this.#forgeryToken(), ...auth?.headers };
    const token = getBearerToken === undefined ? bearerToken : await getBearerToken();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (socketId !== undefined) headers['X-Socket-Id'] = socketId;
    return headers;
  }

  /**
   * What Laravel wants to see of requests that come with a cookie. The cookie's is always the session's present one, where
   * a page may have been open since before the login; but it is nobody's business on another site.
   * @returns {Record<string, string>}
   */
  #forgeryToken() {
    if (this.#options.csrfToken) return { 'X-CSRF-TOKEN': this.#options.csrfToken };
    if (typeof document === 'undefined') return {};
    if (this.#options.withCredentials || new URL(this.#base, document.baseURI).origin === location.origin) {
      const cookie = /(?:^|;\s*)XSRF-TOKEN=([^;]*)/.exec(document.cookie);
      const value = cookie === null ? '' : decoded(cookie[1]);
      if (SENDABLE.test(value)) return { 'X-XSRF-TOKEN': value };
    }
    const { Laravel } = /** @type {any} */ (globalThis);
    const token = Laravel?.csrfToken ?? document.querySelector('meta[name="csrf-token"]')?.getAttribute('content');
    return token ? { 'X-CSRF-TOKEN': token } : {};
  }
}

/** @param {string} text A cookie's value, escaped or not. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
