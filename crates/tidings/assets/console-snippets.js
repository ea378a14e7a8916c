// The tabs with code for what is on the screen (the ARIA tabs pattern: arrows move, Home and End jump).

import { byId, copyOnClick, setText } from './dom.js';
import { hasToken } from './hub.js';
import { curlPublish, curlSubscribe, eventSource, phpPublish } from './snippets.js';

const WRITERS = {
  'tab-curl-subscribe': ({ selection }) => curlSubscribe(location.origin, selection, hasToken()),
  'tab-curl-publish': ({ publication }) => curlPublish(location.origin, publication, hasToken()),
  'tab-event-source': ({ selection, types }) => eventSource(location.origin, selection, types, hasToken()),
  'tab-php-publish': ({ publication }) => phpPublish(location.origin, publication, hasToken()),
};

export class Snippets {
  #tabs = [...byId('snippet-tabs').children];
  #chosen = this.#tabs[0].id;
  #screen;

  /** @param {() => {selection: object, publication: object, types: string[]}} screen What is on the screen now. */
  constructor(screen) {
    this.#screen = screen;
    for (const tab of this.#tabs) tab.addEventListener('click', () => this.#choose(tab));
    byId('snippet-tabs').addEventListener('keydown', (event) => this.#move(event));
    copyOnClick(byId('snippet-copy'), () => byId('snippet').textContent);
  }

  /** Writes the snippets anew. */
  refresh() {
    const screen = this.#screen();
    setText(byId('snippet'), WRITERS[this.#chosen](screen));
    setText(byId('empty-snippet'), curlPublish(location.origin, screen.publication, hasToken()));
  }

  #choose(chosen) {
    this.#chosen = chosen.id;
    for (const tab of this.#tabs) {
      tab.setAttribute('aria-selected', String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
    }
    byId('snippet-panel').setAttribute('aria-labelledby', chosen.id);
    this.refresh();
  }

  #move(event) {
    const at = this.#tabs.findIndex((tab) => tab.id === this.#chosen);
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(this.#tabs[to]);
    this.#tabs[to].focus();
  }
}
