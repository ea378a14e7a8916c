// Choosing what to watch: the field, the chips of what is watched, and the chips of what is alive.

import { byId, element, setText, subscriberIcon } from './dom.js';
import { count } from './format.js';
import { getTopics, pollEvery } from './hub.js';
import { has } from './selection.js';

const LOOK_EVERY_MS = 5_000;
/** Chips shown before "Show all". */
const FEW_CHIPS = 16;
const ALL_TOPICS = { kind: 'pattern', value: '*' };

/** @param {{onChange: (selection: import('./selection.js').Selection) => void}} handlers */
export class Picker {
  #onChange;
  #selection;
  #topics = [];
  #more = false;
  #denied = '';
  #allShown = false;
  #kindChosen = false;
  #poll;

  constructor({ selection, onChange }) {
    this.#onChange = onChange;
    this.#selection = selection;
    byId('picker').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#addTyped();
    });
    byId('topic').addEventListener('input', () => this.#guessKind());
    byId('selector-kind').addEventListener('change', () => {
      this.#kindChosen = true;
    });
    byId('start').addEventListener('change', () => this.#changeStart());
    byId('after').addEventListener('change', () => this.#changeStart());
    byId('alive-more').addEventListener('click', () => {
      this.#allShown = !this.#allShown;
      this.#drawAlive();
    });
    this.#draw();
    this.#poll = pollEvery(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Shows a selection that was made elsewhere. */
  show(selection) {
    this.#selection = selection;
    this.#draw();
  }

  /** Asks for the topics anew, when something is known to have changed. */
  refresh() {
    this.#poll.now();
  }

  async #look() {
    try {
      const { topics, more } = await getTopics();
      this.#topics = topics.toSorted((a, b) => b.subscribers - a.subscribers || b.events - a.events || (a.topic < b.topic ? -1 : 1));
      this.#more = more === true;
      this.#denied = '';
    } catch (error) {
      this.#topics = [];
      this.#denied = error.isFinal ? 'listed for administrators' : error.message;
      throw error;
    } finally {
      this.#drawAlive();
    }
    const names = this.#topics.map(({ topic }) => element('option', { value: topic }));
    byId('topic-names').replaceChildren(...names);
  }

  /** A star in a topic's name is rare and in a pattern it is the point; whoever chose a kind by hand is right, though. */
  #guessKind() {
    const field = byId('topic');
    if (field.value === '') this.#kindChosen = false;
    if (!this.#kindChosen) byId('selector-kind').value = field.value.includes('*') ? 'pattern' : 'topic';
  }

  #addTyped() {
    const field = byId('topic');
    const value = field.value.trim();
    if (value === '') return;
    const selector = { kind: byId('selector-kind').value, value };
    field.value = '';
    this.#kindChosen = false;
    this.#guessKind();
    if (!has(this.#selection.selectors, selector)) this.#toggle(selector);
  }

  #toggle(selector) {
    const { selectors } = this.#selection;
    const rest = selectors.filter(({ kind, value }) => kind !== selector.kind || value !== selector.value);
    let chosen = rest;
    if (rest.length === selectors.length) {
      // All topics and single ones make no sense together: the newer choice stands.
      const everything = selector.kind === ALL_TOPICS.kind && selector.value === ALL_TOPICS.value;
      chosen = everything ? [selector] : [...rest.filter(({ kind, value }) => kind !== 'pattern' || value !== '*'), selector];
    }
    this.#change({ ...this.#selection, selectors: chosen });
  }

  #changeStart() {
    const chosen = byId('start').value;
    const afterField = byId('after-field');
    afterField.hidden = chosen !== 'after';
    if (chosen === 'after') {
      const id = byId('after').value.trim();
      if (id === '') byId('after').focus();
      else this.#change({ ...this.#selection, start: { kind: 'after', id } });
    } else if (chosen.startsWith('last:')) {
      this.#change({ ...this.#selection, start: { kind: 'last', count: Number(chosen.slice(5)) } });
    } else {
      this.#change({ ...this.#selection, start: { kind: chosen } });
    }
  }

  #change(selection) {
    this.#selection = selection;
    this.#draw();
    this.#onChange(selection);
  }

  #draw() {
    this.#drawStart();
    this.#drawSelected();
    this.#drawAlive();
  }

  #drawStart() {
    const { start } = this.#selection;
    const field = byId('start');
    const value = start.kind === 'last' ? `last:${start.count}` : start.kind;
    if (![...field.options].some((option) => option.value === value)) {
      field.append(element('option', { value }, `the last ${count(start.count)}`));
    }
    field.value = value;
    byId('after-field').hidden = start.kind !== 'after';
    if (start.kind === 'after') byId('after').value = start.id;
  }

  #drawSelected() {
    const items = this.#selection.selectors.map((selector) => {
      const name = isAll(selector) ? 'all topics' : selector.value;
      const chip = element(
        'button',
        { type: 'button', class: 'chip chip-selected', 'data-selector': selector.value, 'aria-label': `Stop watching ${name}` },
        ...(selector.kind === 'pattern' && !isAll(selector) ? [element('span', { class: 'chip-kind' }, 'pattern')] : []),
        element('bdi', {}, name),
        element('span', { 'aria-hidden': 'true' }, '×'),
      );
      chip.addEventListener('click', () => {
        this.#toggle(selector);
        // The chip is gone; the field is where one would go on.
        (byId('selected').querySelector('button') ?? byId('topic')).focus();
      });
      return element('li', {}, chip);
    });
    if (items.length === 0) items.push(element('li', { class: 'chip-note' }, "the hub's default topic"));
    byId('selected').replaceChildren(...items);
  }

  #drawAlive() {
    const list = byId('alive');
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.topic : undefined;
    const shown = this.#allShown ? this.#topics : this.#topics.slice(0, FEW_CHIPS);
    const items = [this.#aliveChip(ALL_TOPICS, 'all topics', null)];
    for (const topic of shown) items.push(this.#aliveChip({ kind: 'topic', value: topic.topic }, topic.topic, topic));
    if (this.#denied !== '') items.push(element('li', { class: 'chip-note' }, this.#denied));
    else if (this.#topics.length === 0) items.push(element('li', { class: 'chip-note' }, 'no topic yet'));
    else if (this.#more && this.#allShown) items.push(element('li', { class: 'chip-note' }, 'and more: type a name'));
    list.replaceChildren(...items);
    if (focused !== undefined) {
      [...list.querySelectorAll('button')].find((chip) => chip.dataset.topic === focused)?.focus({ preventScroll: true });
    }
    const button = byId('alive-more');
    button.hidden = this.#topics.length <= FEW_CHIPS;
    setText(button, this.#allShown ? 'Show fewer' : `Show all ${count(this.#topics.length)}`);
  }

  #aliveChip(selector, name, topic) {
    const chip = element(
      'button',
      {
        type: 'button',
        class: 'chip',
        'aria-pressed': String(has(this.#selection.selectors, selector)),
        'data-topic': selector.value,
      },
      element('bdi', {}, name),
    );
    if (topic !== null) {
      const subscribers = `${count(topic.subscribers)} ${topic.subscribers === 1 ? 'subscriber' : 'subscribers'}`;
      chip.title = `${subscribers}, ${count(topic.events)} events, newest id ${topic.last_id ?? 'none'}`;
      chip.append(
        element('span', { class: 'chip-count', 'aria-hidden': 'true' }, subscriberIcon(), count(topic.subscribers)),
        element('span', { class: 'visually-hidden' }, `, ${subscribers}`),
      );
    }
    chip.addEventListener('click', () => this.#toggle(selector));
    return element('li', {}, chip);
  }
}

function isAll({ kind, value }) {
  return kind === ALL_TOPICS.kind && value === ALL_TOPICS.value;
}
