// Keys without a modifier, off while somebody types, and off for good if they get in the way: speech control and
// screen readers send single letters, so there has to be a switch (WCAG 2.1.4).

import { byId } from './dom.js';

const REMEMBERED = 'tidings.single-keys';

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED) !== 'off';
  } catch {
    return true;
  }
}

function remember(on) {
  try {
    localStorage.setItem(REMEMBERED, on ? 'on' : 'off');
  } catch {
    // Storage may be forbidden; the switch then lasts as long as the page.
  }
}

/** @param {Record<string, () => void>} actions What each key does. */
export function listenForKeys(actions) {
  const help = byId('help');
  const toggle = byId('single-keys');
  toggle.checked = remembered();
  toggle.addEventListener('change', () => remember(toggle.checked));
  byId('help-open').addEventListener('click', () => help.showModal());
  const all = { ...actions, '?': () => help.showModal() };

  document.addEventListener('keydown', (event) => {
    if (!toggle.checked || help.open || event.defaultPrevented || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest('input:not([type="checkbox"]), textarea, select')) return;
    const action = Object.hasOwn(all, event.key) ? all[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
