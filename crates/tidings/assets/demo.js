// What all demo pages share: the page's own origin in the lines to copy, and the copy buttons.

import { copyOnClick, element } from './dom.js';

for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;

for (const snippet of document.querySelectorAll('.snippet')) {
  const code = snippet.querySelector('code');
  const button = element('button', { type: 'button', class: 'button button-small' }, 'Copy');
  copyOnClick(button, () => code.textContent);
  snippet.append(button);
}

/** Puts a child at the head or the tail of a list and takes away what is more than `most`. */
export function addBounded(list, child, most, { newestFirst = false } = {}) {
  if (newestFirst) list.prepend(child);
  else list.append(child);
  while (list.children.length > most) (newestFirst ? list.lastElementChild : list.firstElementChild).remove();
}
