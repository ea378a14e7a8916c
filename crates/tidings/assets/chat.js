// A chat without a chat server: messages go to POST /message, and come back to everybody over /sse.

import { addBounded } from './demo.js';
import { keepOpen, resumeAt } from './demo-connection.js';
import { byId, element, setText } from './dom.js';
import { postMessage } from './hub.js';

const MOST_MESSAGES = 200;
const NAME = 'tidings.chat-name';
/** Closer than this to the end counts as reading along. */
const NEAR_END_PX = 60;

const list = byId('messages');
const nameField = byId('name');
const messageField = byId('message');
const problem = byId('problem');

try {
  nameField.value = localStorage.getItem(NAME) ?? '';
} catch {
  // Without storage the name is asked for anew.
}

/** The JSON object that `data` is, or null for plain text, from curl for example. */
function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

/** What a message holds: `{name, text}`, with no name when it came as plain text or without one. */
function read(data) {
  const value = parsed(data);
  if (typeof value?.message !== 'string') return { name: '', text: data };
  return { name: typeof value.name === 'string' ? value.name : '', text: value.message };
}

/** The time in a tick, `{"time": "<ISO 8601>"}`, as a time of day here; anything else as it is. */
function clockText(data) {
  const at = new Date(parsed(data)?.time ?? NaN);
  return Number.isNaN(at.getTime()) ? data : at.toLocaleTimeString('en-GB');
}

function show(data) {
  const { name, text } = read(data);
  const now = new Date();
  const time = element('time', { datetime: now.toISOString() }, now.toLocaleTimeString('en-GB'));
  const own = name !== '' && name === nameField.value.trim();
  const item =
    name === ''
      ? element('div', { class: 'plain' }, element('span', { class: 'message-text' }, text))
      : element(
          'div',
          own ? { class: 'own' } : {},
          element('div', { class: 'message-head' }, element('strong', {}, element('bdi', {}, name)), time),
          element('div', { class: 'message-text' }, text),
        );
  const readingAlong = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
  addBounded(list, item, MOST_MESSAGES);
  if (readingAlong || own) list.scrollTop = list.scrollHeight;
}

keepOpen((lastEventId) => {
  const source = new EventSource(resumeAt('/sse', lastEventId));
  source.onmessage = (event) => show(event.data);
  source.addEventListener('tick', (event) => setText(byId('server-time'), `server time ${clockText(event.data)}`));
  return source;
}, byId('status'));

byId('chat-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = nameField.value.trim();
  const message = messageField.value;
  if (message.trim() === '') return;
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // See above.
  }
  try {
    await postMessage({ name, message });
    // Only what was sent is taken away; somebody fast may be writing the next one.
    if (messageField.value === message) messageField.value = '';
    setText(problem, '');
  } catch (error) {
    setText(problem, `Not sent: ${error.message}`);
  }
  messageField.focus();
});
