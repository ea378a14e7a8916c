// A careful EventSource: it asks whether the browser has it, whether the message came from where it should, and copes
// with what is not JSON. `?hub=http://other.example:8080` takes the time from a hub of another origin, with cookies.

import { addBounded } from './demo.js';
import { keepOpen } from './demo-connection.js';
import { byId, element, setText } from './dom.js';
import { EventStreamParser } from './event-stream-parser.js';
import { timeOfDay } from './format.js';

const MOST_LINES = 50;
const FRAME_LIMIT_MS = 5_000;
/** The frame that is looked at is small; a stream without an end to its first event is not read on for ever. */
const FRAME_MOST_CHARACTERS = 64 * 1024;

/** The hub's origin: this page's own, or the one in `?hub=` if it is an http(s) address. */
function hubOrigin() {
  const asked = new URLSearchParams(location.search).get('hub');
  if (asked === null) return location.origin;
  try {
    const { origin, protocol } = new URL(asked);
    if (protocol === 'http:' || protocol === 'https:') return origin;
  } catch {
    // Said below.
  }
  note(`?hub=${asked} is not an http address; using ${location.origin}`);
  return location.origin;
}

function note(text) {
  const now = new Date();
  const line = element('li', { class: 'log-note' }, element('time', { datetime: now.toISOString() }, timeOfDay(now)), text);
  addBounded(byId('log'), line, MOST_LINES, { newestFirst: true });
}

function showFields({ id, type, retry, data }) {
  setText(byId('field-id'), id || 'none');
  setText(byId('field-event'), type);
  setText(byId('field-retry'), retry === null ? 'none sent: the browser keeps its own' : `${retry} ms`);
  setText(byId('field-data'), data);
}

/**
 * Reads one frame as it comes over the wire. EventSource shows neither the frame nor its `retry:`, so this asks for the
 * newest event a second time and hangs up. Resolves to null when there is none to be had.
 */
async function readFrame(url, credentials) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), FRAME_LIMIT_MS);
  try {
    const response = await fetch(url, { credentials, cache: 'no-store', signal: abort.signal });
    if (!response.ok) return null;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventStreamParser();
    let raw = '';
    while (raw.length < FRAME_MOST_CHARACTERS) {
      const { done, value } = await reader.read();
      if (done) return null;
      raw += value;
      const [event] = parser.push(value);
      if (event !== undefined) {
        const blocks = raw.replaceAll(/\r\n?/g, '\n').split('\n\n');
        // What stands before it belongs to the connection: the comment that opens a stream, heartbeats.
        const frame = blocks.find((block) => /^data/m.test(block)) ?? '';
        return { event, retry: parser.retry, text: frame.replaceAll(/^:.*\n/gm, '') };
      }
    }
    return null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

function listen() {
  const origin = hubOrigin();
  const foreign = origin !== location.origin;
  const path = `${origin}/events?topic=clock&last=1`;
  setText(byId('hub'), origin);

  async function showFrame(event) {
    showFields({ id: event.lastEventId, type: event.type, retry: null, data: event.data });
    const frame = await readFrame(path, foreign ? 'include' : 'same-origin');
    if (frame === null) return;
    showFields({ id: frame.event.id, type: frame.event.type, retry: frame.retry, data: frame.event.data });
    setText(byId('frame'), frame.text);
  }

  keepOpen(() => {
    const source = new EventSource(path, { withCredentials: foreign });
    source.onopen = () => note('onopen: connected');
    source.onerror = () => note(source.readyState === EventSource.CLOSED ? 'onerror: refused, trying again later' : 'onerror: lost, the browser reconnects');
    source.onmessage = (event) => {
      if (event.origin !== origin) {
        note(`ignored a message from ${event.origin}`);
        return;
      }
      if (event.data === 'null') return;
      showFrame(event);
      let told;
      try {
        told = JSON.parse(event.data);
      } catch {
        note('onmessage: not JSON, ignored');
        return;
      }
      setText(byId('message'), String(told?.message ?? ''));
      setText(byId('message-id'), String(told?.id ?? 'none'));
      note('onmessage: a new time');
    };
    return source;
  }, byId('status'));
}

if (typeof EventSource === 'undefined') {
  setText(byId('message'), 'This browser has no EventSource.');
} else {
  listen();
}
