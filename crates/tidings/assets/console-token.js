// The key or token that this page shows to the hub: a line below the masthead, on a hub that is not open. It says in the
// hub's own words why what was shown is refused.

import { byId, setText } from './dom.js';
import { hasToken, setToken } from './hub.js';

const ASKED = 'This hub has keys: give yours, or a token, to watch and publish.';
const KEPT = 'Kept in this tab until it is closed.';

export class TokenForm {
  #field = byId('token');
  #note = byId('token-note');
  #onToken;

  /** @param {{onToken: () => void}} handlers */
  constructor({ onToken }) {
    this.#onToken = onToken;
    byId('token-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const given = this.#field.value.trim();
      if (given !== '') this.#use(given);
    });
    byId('token-forget').addEventListener('click', () => {
      this.#use('');
      this.#field.focus();
    });
    this.#draw();
  }

  /** An open hub has no keys, so there is nothing that it could want. */
  set hidden(hidden) {
    byId('token-form').hidden = hidden;
    byId('private-field').hidden = hidden;
  }

  /** The hub has answered 401 to what this page showed, or did not show. */
  refused(reason) {
    this.hidden = false;
    this.#say(hasToken() ? `Refused: ${reason}` : ASKED, hasToken() ? 'bad' : 'asked');
  }

  /** The hub has let this page in. */
  accepted() {
    this.#draw();
  }

  #use(token) {
    setToken(token);
    // What was typed is not kept where somebody could read it over a shoulder or copy it from the page.
    this.#field.value = '';
    this.#draw();
    this.#onToken();
  }

  #draw() {
    byId('token-forget').hidden = !hasToken();
    this.#field.placeholder = hasToken() ? 'one is in use' : 'none';
    this.#say(hasToken() ? KEPT : '', '');
  }

  #say(text, state) {
    this.#note.dataset.state = state;
    setText(this.#note, text);
  }
}
