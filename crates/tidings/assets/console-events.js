// The list of events: newest first, bounded, cheap under a flood. Events are queued as they come and put on the page
// a few times a second; what would be pushed out of the list before anybody saw it never becomes an element.

import { copyOnClick, element, setText } from './dom.js';
import { count, timeOfDay } from './format.js';
import { isJsonDocument, layOut } from './json-text.js';

/** Rows on the page. */
const MOST_ROWS = 500;
/** Characters of data held by all rows together (the newest row always stays). */
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** How often the page is brought up to date. */
const SHOW_EVERY_MS = 120;
/** One line of preview. */
const PREVIEW_LENGTH = 240;
/** Above this JSON is shown as one text, not in colours: an element for each token would be too many. */
const COLOURED_LENGTH = 64 * 1024;

export class EventList {
  #list;
  #empty;
  #counter;
  #onResumeAfter;
  #queue = [];
  #rows = [];
  #characters = 0;
  #received = 0;
  #pushedOut = 0;
  #timer = 0;
  #filter = '';
  #expanded = false;
  #paused = false;

  /** @param {{list: HTMLElement, empty: HTMLElement, counter: HTMLElement, onResumeAfter: (id: string) => void}} parts */
  constructor({ list, empty, counter, onResumeAfter }) {
    this.#list = list;
    this.#empty = empty;
    this.#counter = counter;
    this.#onResumeAfter = onResumeAfter;
  }

  get paused() {
    return this.#paused;
  }

  /** An event of the stream, with what was being watched when it came. */
  addEvent(event, watched) {
    this.#received += 1;
    this.#enqueue({ event, watched, at: new Date(), text: `${event.id ?? ''}\n${event.type}\n${event.data}` });
  }

  /** A word about the connection, at its place among the events. */
  addNotice(notice) {
    this.#enqueue({ notice, at: new Date(), text: notice });
  }

  setPaused(paused) {
    this.#paused = paused;
    if (!paused) this.#show();
    this.#count();
  }

  setExpanded(expanded) {
    this.#expanded = expanded;
    for (const { node } of this.#rows) {
      const details = node.querySelector('details');
      if (details !== null) details.open = expanded;
    }
  }

  setFilter(text) {
    this.#filter = text.trim().toLowerCase();
    for (const row of this.#rows) row.node.hidden = !this.#matches(row);
    this.#count();
  }

  clear() {
    this.#queue = [];
    this.#rows = [];
    this.#characters = 0;
    this.#received = 0;
    this.#pushedOut = 0;
    this.#list.replaceChildren();
    this.#count();
  }

  #enqueue(entry) {
    this.#queue.push(entry);
    // Hidden or paused, nothing is shown for hours: the queue is held to what the list could show. In steps, so that
    // shortening costs little.
    if (this.#queue.length >= 2 * MOST_ROWS) this.#shortenQueue();
    if (this.#timer === 0) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        if (this.#paused) this.#count();
        else this.#show();
      }, SHOW_EVERY_MS);
    }
  }

  #shortenQueue() {
    let characters = 0;
    let kept = 0;
    for (let at = this.#queue.length - 1; at >= 0 && kept < MOST_ROWS; at -= 1) {
      characters += this.#queue[at].text.length;
      if (kept > 0 && characters > MOST_CHARACTERS) break;
      kept += 1;
    }
    const removed = this.#queue.splice(0, this.#queue.length - kept);
    this.#pushedOut += removed.filter(({ event }) => event !== undefined).length;
  }

  #show() {
    if (this.#queue.length === 0) return;
    this.#shortenQueue();
    const fresh = this.#queue.reverse();
    this.#queue = [];
    for (const row of fresh) {
      row.node = row.event === undefined ? noticeNode(row) : this.#eventNode(row);
      row.node.hidden = !this.#matches(row);
      this.#characters += row.text.length;
    }
    const seen = this.#list.scrollTop;
    this.#list.prepend(...fresh.map(({ node }) => node));
    this.#rows.unshift(...fresh);
    this.#dropOldest();
    // Somebody at the top stays at the top; elsewhere the browser keeps what is being read in place.
    if (seen === 0) this.#list.scrollTop = 0;
    this.#count();
  }

  #dropOldest() {
    while (this.#rows.length > MOST_ROWS || (this.#rows.length > 1 && this.#characters > MOST_CHARACTERS)) {
      const row = this.#rows.pop();
      this.#characters -= row.text.length;
      if (row.event !== undefined) this.#pushedOut += 1;
      if (row.node.contains(document.activeElement)) this.#list.focus({ preventScroll: true });
      row.node.remove();
    }
  }

  #matches(row) {
    return this.#filter === '' || row.text.toLowerCase().includes(this.#filter);
  }

  #count() {
    const events = this.#rows.filter(({ event }) => event !== undefined);
    const parts = [];
    if (this.#received === 0) {
      parts.push('No events yet');
    } else {
      parts.push(`${count(this.#received)} received`);
      if (this.#pushedOut > 0) parts.push(`newest ${count(events.length)} kept`);
      if (this.#filter !== '') parts.push(`${count(events.filter(({ node }) => !node.hidden).length)} match`);
      const waiting = this.#queue.filter(({ event }) => event !== undefined).length;
      if (this.#paused) parts.push(`paused, ${count(waiting)} waiting`);
    }
    setText(this.#counter, parts.join(' · '));
    this.#empty.hidden = this.#received > 0;
  }

  #eventNode(row) {
    const { event, at } = row;
    const control = controlText(event);
    const preview = control ?? event.data.slice(0, PREVIEW_LENGTH).replaceAll(/\s+/g, ' ');
    const summary = element(
      'summary',
      {},
      element('time', { class: 'event-time', datetime: at.toISOString() }, timeOfDay(at)),
      element('span', { class: 'event-type' }, event.type),
      element('span', { class: 'event-id', title: event.id ?? 'This event has no id: it is no cursor' }, event.id ?? 'no id'),
      element('span', { class: 'event-preview' }, preview),
    );
    const details = element('details', {}, summary);
    details.addEventListener('toggle', () => {
      if (details.open && details.children.length === 1) details.append(this.#body(row));
    });
    details.open = this.#expanded;
    const kind = event.type === 'tidings.reset' ? ' event-reset' : event.type === 'tidings.close' ? ' event-close' : '';
    return element(
      'li',
      { class: `event${kind}`, 'data-kind': control === null ? 'event' : 'control', 'data-type': event.type, 'data-id': event.id ?? '' },
      details,
    );
  }

  #body({ event, watched }) {
    const facts = element('div', { class: 'event-facts' }, element('span', {}, `watching ${watched}`));
    facts.append(element('span', {}, `${count(event.data.length + event.dropped)} characters`));
    if (event.retry !== null) facts.append(element('span', {}, `retry: ${event.retry} ms`));
    const copy = element('button', { type: 'button', class: 'button button-small' }, 'Copy data');
    copyOnClick(copy, () => event.data);
    facts.append(copy);
    if (event.id !== null && event.id !== '') {
      const copyId = element('button', { type: 'button', class: 'button button-small' }, 'Copy id');
      copyOnClick(copyId, () => event.id);
      const resume = element('button', { type: 'button', class: 'button button-small' }, 'Replay from here');
      resume.addEventListener('click', () => this.#onResumeAfter(event.id));
      facts.append(copyId, resume);
    }
    const body = element('div', { class: 'event-body' }, facts, element('pre', { tabindex: '0', 'aria-label': 'Data' }, ...dataNodes(event)));
    if (event.dropped > 0) {
      body.append(element('p', { class: 'small muted' }, `Cut here: ${count(event.dropped)} more characters are not kept by this page.`));
    }
    return body;
  }
}

function noticeNode({ notice, at }) {
  return element(
    'li',
    { class: 'notice', 'data-kind': 'notice' },
    element('time', { class: 'mono', datetime: at.toISOString() }, timeOfDay(at)),
    element('span', {}, notice),
  );
}

function dataNodes(event) {
  if (event.dropped > 0 || !isJsonDocument(event.data)) return [event.data];
  const pieces = layOut(event.data);
  if (event.data.length > COLOURED_LENGTH) return [pieces.map(({ text }) => text).join('')];
  return pieces.map(({ kind, text }) => (kind === 'mark' ? text : element('span', { class: `json-${kind}` }, text)));
}

/** A control event in words; null for every other event. */
function controlText(event) {
  if (event.id !== null || (event.type !== 'tidings.reset' && event.type !== 'tidings.close')) return null;
  let told = {};
  try {
    told = JSON.parse(event.data) ?? {};
  } catch {
    // Whatever it says is shown below as data; that it happened is what matters here.
  }
  if (event.type === 'tidings.close') return `The hub closes this stream: ${told.reason ?? 'no reason given'}`;
  const why =
    told.reason === 'expired'
      ? 'the events after the id you resumed from are no longer kept'
      : 'the hub does not know the id you resumed from';
  const oldest = typeof told.oldest === 'string' && told.oldest !== '' ? `; the oldest kept is ${told.oldest}` : '';
  return `History has a gap: ${why}${oldest}`;
}
