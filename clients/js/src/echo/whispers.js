// What the page says to the others in a channel. It goes out in the order in which it was said, one request after the
// other, and only while it is news: what cannot be sent now is not sent later.

/** More than this cannot wait: whoever says more than the line carries is told so. */
const MOST_WAITING = 32;

/**
 * @typedef {import('./subscription.js').Subscription} Subscription
 * @typedef {{ subscription: Subscription, event: string, data: unknown }} Whisper
 */

export class Whispers {
  #send;
  #waiting = /** @type {Whisper[]} */ ([]);
  #sending = false;

  /** @param {(whisper: Whisper) => Promise<void>} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Whisper} whisper */
  push(whisper) {
    const { subscription } = whisper;
    // What is said before the channel is there for the first time waits for that. Later on it would come too late.
    const mayWait = subscription.state !== 'refused' && !subscription.hasSucceeded;
    if (subscription.state !== 'subscribed' && !mayWait) return;
    if (this.#waiting.length >= MOST_WAITING) {
      subscription.report({ type: 'WhisperError', status: 0, detail: `More than ${MOST_WAITING} whispers wait to be sent` });
      return;
    }
    this.#waiting.push(whisper);
    void this.flush();
  }

  /** Sends what can be sent by now. */
  async flush() {
    if (this.#sending) return;
    this.#sending = true;
    for (let next; (next = this.#takeNext()) !== undefined; ) await this.#send(next);
    this.#sending = false;
  }

  /**
   * Forgets what waits for these channels.
   * @param {(subscription: Subscription) => boolean} isMeant
   */
  drop(isMeant) {
    this.#waiting = this.#waiting.filter(({ subscription }) => !isMeant(subscription));
  }

  #takeNext() {
    const index = this.#waiting.findIndex(({ subscription }) => subscription.state === 'subscribed');
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
  }
}
