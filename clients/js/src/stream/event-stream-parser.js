// The text/event-stream format, from text to events (WHATWG HTML, section 9.2.6). No I/O: whoever reads the stream feeds it.
//
// The browser's own EventSource hides three things that our readers need: events whose type nobody registered a
// listener for, whether an event carried an id of its own, and the `retry:` it came with.
//
// The hub's console serves this very file as one of its assets, so it imports nothing.

const LINE_END = /[\r\n]/g;

/**
 * @typedef {object} StreamEvent
 * @property {string} type "message" when the stream names none.
 * @property {string} data
 * @property {string|null} id The id this very event carried; null when it carried none, as control events do.
 * @property {string} lastEventId The cursor after this event: ids persist over events that carry none.
 * @property {number|null} retry The reconnection time in milliseconds that came with this event.
 * @property {number} dropped Characters of data beyond `maxDataLength` that were not kept.
 */

/** One stream's worth of parsing. Make a new one for each connection, with the cursor so far. */
export class EventStreamParser {
  #maxDataLength;
  #line = '';
  #lineDropped = 0;
  #skipLineFeed = false;
  #data = '';
  #hasData = false;
  #dropped = 0;
  #type = '';
  #id = /** @type {string | null} */ (null);
  #blockRetry = /** @type {number | null} */ (null);

  /** What to resume from. It moves only when an event is complete, never for one that was cut off. */
  lastEventId;
  /** The reconnection time the stream last asked for, in milliseconds; null when it never did. */
  retry = /** @type {number | null} */ (null);

  /** @param {{lastEventId?: string, maxDataLength?: number}} options `maxDataLength` bounds the data kept of one event. */
  constructor({ lastEventId = '', maxDataLength = Infinity } = {}) {
    this.lastEventId = lastEventId;
    this.#maxDataLength = maxDataLength;
  }

  /**
   * Takes the next piece of text, cut anywhere, and returns the events it completed.
   * @param {string} chunk
   * @returns {StreamEvent[]}
   */
  push(chunk) {
    /** @type {StreamEvent[]} */
    const events = [];
    let start = 0;
    if (this.#skipLineFeed && chunk.length > 0) {
      if (chunk[0] === '\n') start = 1;
      this.#skipLineFeed = false;
    }
    LINE_END.lastIndex = start;
    for (let end; (end = LINE_END.exec(chunk)) !== null; LINE_END.lastIndex = start) {
      this.#append(chunk.slice(start, end.index));
      this.#endLine(events);
      start = end.index + 1;
      if (end[0] === '\r') {
        // A lone CR ends the line at once; only a LF that directly follows belongs to it.
        if (start === chunk.length) this.#skipLineFeed = true;
        else if (chunk[start] === '\n') start += 1;
      }
    }
    this.#append(chunk.slice(start));
    return events;
  }

  #append(/** @type {string} */ text) {
    // The field name is a few characters more than the data; a line is never kept much beyond what could be shown.
    const room = this.#maxDataLength + 16 - this.#line.length;
    if (text.length <= room) {
      this.#line += text;
    } else {
      this.#line += text.slice(0, Math.max(room, 0));
      this.#lineDropped += text.length - Math.max(room, 0);
    }
  }

  #endLine(/** @type {StreamEvent[]} */ events) {
    const line = this.#line;
    const lineDropped = this.#lineDropped;
    this.#line = '';
    this.#lineDropped = 0;
    if (line === '') {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    this.#field(name, value, lineDropped);
  }

  /**
   * @param {string} name
   * @param {string} value
   * @param {number} lineDropped
   */
  #field(name, value, lineDropped) {
    switch (name) {
      case 'data': {
        const text = this.#hasData ? `\n${value}` : value;
        const kept = text.slice(0, Math.max(this.#maxDataLength - this.#data.length, 0));
        this.#data += kept;
        this.#dropped += text.length - kept.length + lineDropped;
        this.#hasData = true;
        break;
      }
      case 'event':
        this.#type = value;
        break;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        break;
      case 'retry':
        if (/^[0-9]+$/.test(value)) {
          this.retry = Number(value);
          this.#blockRetry = this.retry;
        }
        break;
      default:
    }
  }

  #dispatch(/** @type {StreamEvent[]} */ events) {
    if (this.#id !== null) this.lastEventId = this.#id;
    if (this.#hasData) {
      events.push({
        type: this.#type || 'message',
        data: this.#data,
        id: this.#id,
        lastEventId: this.lastEventId,
        retry: this.#blockRetry,
        dropped: this.#dropped,
      });
    }
    this.#data = '';
    this.#hasData = false;
    this.#dropped = 0;
    this.#type = '';
    this.#id = null;
    this.#blockRetry = null;
  }
}
