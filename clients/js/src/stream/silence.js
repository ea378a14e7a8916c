// Notices that a connection is half open: the other side is gone, and nobody said so. The hub sends a heartbeat every
// so often, which no client sees but as bytes.

/** Calls `onSilence` once when nothing was heard for so long. */
export class Silence {
  #clock;
  #limitMs;
  #onSilence;
  #heardAt;
  #timer = /** @type {unknown} */ (null);

  /**
   * @param {import('./clock.js').Clock} clock
   * @param {number} limitMs
   * @param {() => void} onSilence
   */
  constructor(clock, limitMs, onSilence) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#heardAt = clock.now();
    this.#wait(limitMs);
  }

  heard() {
    this.#heardAt = this.#clock.now();
  }

  /** Looks now: timers of pages in the background, and of computers that slept, come late. */
  look() {
    if (this.#timer === null) return;
    this.#clock.clearTimeout(this.#timer);
    const left = this.#heardAt + this.#limitMs - this.#clock.now();
    if (left > 0) {
      this.#wait(left);
    } else {
      this.#timer = null;
      this.#onSilence();
    }
  }

  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = this.#clock.setTimeout(() => this.look(), ms);
  }
}
