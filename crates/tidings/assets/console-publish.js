// The publish form: what is typed goes out byte for byte, and the hub's answer is shown in its own words.

import { byId, element, setText } from './dom.js';
import { publish } from './hub.js';
import { isJsonDocument } from './json-text.js';

/** @param {{onEdit: () => void, onPublished: () => void}} handlers */
export class PublishForm {
  #form = byId('publish-form');
  #topic = byId('publish-topic');
  #data = byId('data');
  #result = byId('publish-result');
  #topicTyped = false;
  #busy = false;

  constructor({ onEdit, onPublished }) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#publish(onPublished);
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.#form.requestSubmit();
      }
    });
    this.#form.addEventListener('input', () => {
      this.#check();
      onEdit();
    });
    this.#topic.addEventListener('input', () => {
      this.#topicTyped = this.#topic.value !== '';
    });
    this.#check();
  }

  /** What would be published now. */
  get publication() {
    return {
      topic: this.#topic.value,
      event: byId('publish-event').value,
      id: byId('publish-id').value,
      data: this.#data.value,
      isPrivate: byId('publish-private').checked,
    };
  }

  /** Follows what is watched, until somebody has written a topic of their own. */
  suggestTopic(topic) {
    if (!this.#topicTyped) this.#topic.value = topic;
  }

  #check() {
    // A path with a dot segment is rewritten before it leaves the browser; such a topic needs POST /publish.
    const dots = this.#topic.value === '.' || this.#topic.value === '..';
    this.#topic.setCustomValidity(dots ? 'A topic of dots alone cannot stand in a path: use POST /publish for it.' : '');
    const text = this.#data.value;
    setText(byId('data-kind'), isJsonDocument(text) ? 'Valid JSON.' : /^\s*[{[]/.test(text) ? 'Not valid JSON, which is fine.' : 'Plain text.');
  }

  async #publish(onPublished) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const { id } = await publish(this.publication);
      this.#result.dataset.state = 'ok';
      this.#result.className = 'small message-good';
      this.#result.replaceChildren('Published as ', element('code', {}, id));
      // An id names one event; sent again it would be the same event, not a new one.
      byId('publish-id').value = '';
      onPublished();
    } catch (error) {
      this.#result.dataset.state = 'error';
      this.#result.className = 'small message-bad';
      this.#result.textContent = `Not published: ${error.message}`;
    } finally {
      this.#busy = false;
    }
  }
}
