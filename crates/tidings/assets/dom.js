// The little that is needed to build a page by hand. Text goes in as text, always: nothing here parses HTML.

/**
 * An element with attributes and children; strings become text nodes.
 * @param {string} name
 * @param {Record<string, string|boolean|EventListener>} attributes `true` sets a bare attribute, `false` leaves it out,
 *   a function under `onclick` and the like is a listener.
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The small figure that stands for subscribers. */
export function subscriberIcon() {
  const icon = document.createElementNS(SVG, 'svg');
  icon.setAttribute('viewBox', '0 0 16 16');
  icon.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', 'M8 8a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6.5 7a6.5 6.5 0 0 1 13 0Z');
  icon.append(shape);
  return icon;
}

export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`the page has no #${id}`);
  return node;
}

/** Changes text only when it differs, so that a live region speaks once and a selection is not lost. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Copies text; resolves to whether it worked. The clipboard API exists on HTTPS and loopback only, so there is a second way. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element('textarea', { class: 'visually-hidden', 'aria-hidden': 'true', tabindex: '-1' });
    const focused = document.activeElement;
    area.value = text;
    (focused?.closest('dialog') ?? document.body).append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return copied;
  }
}

/** How long a button says "Copied". */
const SAID_FOR_MS = 2_000;

/** Makes a button copy what `text()` returns and say so on its own face. */
export function copyOnClick(button, text) {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener('click', async () => {
    const copied = await copyText(text());
    button.textContent = copied ? 'Copied' : 'Select and copy by hand';
    announce(button.textContent);
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
    }, SAID_FOR_MS);
  });
}

/** Says something to screen readers, through the page's one `#announcer`. */
export function announce(text) {
  const announcer = document.getElementById('announcer');
  if (announcer === null) return;
  announcer.textContent = '';
  setTimeout(() => {
    announcer.textContent = text;
  }, 50);
}
