import { BackOff } from '../stream/back-off.js';

/** A stream that is open, from `general.connected` to its end. */
export class Live {
  /** Ends the requests that belong to it. */
  abort = new AbortController();
  /** Cuts a wait between two requests short. */
  wake = () => {};
  backOff = new BackOff();
  /** Channels that could not be had, and whose turn is after all others, and after a wait. */
  later = /** @type {Set<string>} */ (new Set());

  /**
   * @param {string} socketId
   * @param {Iterable<string>} held What the hub holds for it, or may hold: whoever is not answered cannot know.
   */
  constructor(socketId, held) {
    this.socketId = socketId;
    this.held = new Set(held);
  }

  end() {
    this.abort.abort();
    this.wake();
  }
}
