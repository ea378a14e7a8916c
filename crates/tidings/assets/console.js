// The console: wires what is watched (picker, address, stream) to what is shown (list, status, numbers, snippets).

import { EventList } from './console-events.js';
import { listenForKeys } from './console-keys.js';
import { Picker } from './console-picker.js';
import { PublishForm } from './console-publish.js';
import { Snippets } from './console-snippets.js';
import { watchStats } from './console-stats.js';
import { TokenForm } from './console-token.js';
import { byId, setText } from './dom.js';
import { duration } from './format.js';
import { hasToken } from './hub.js';
import { eventsPath, parseSelection, selectionLabel, selectionQuery } from './selection.js';
import { EventStream } from './stream.js';

/** Shown in the EventSource snippet; a hub may carry any number of event types. */
const MOST_TYPES = 12;
/** From here on a browser that does not connect is probably out of connections. */
const SLOW_CONNECT_MS = 5_000;
/** What the hub calls its default topic unless told otherwise. */
const USUAL_DEFAULT_TOPIC = 'messages';

const given = parseSelection(location.search);
let selection = given ?? { selectors: [], start: { kind: 'last', count: 10 } };
let stream = null;
/** Counts connections made, so that a stream that was replaced has no say any more. */
let generation = 0;
let state = { name: 'connecting', since: Date.now() };
/** The state of this connection that was last put into the list. */
let notedState = '';
const types = new Set();

const events = new EventList({
  list: byId('events'),
  empty: byId('events-empty'),
  counter: byId('events-count'),
  onResumeAfter: (id) => {
    watch({ ...selection, start: { kind: 'after', id } });
    picker.show(selection);
  },
});
const form = new PublishForm({ onEdit: () => snippets.refresh(), onPublished: () => picker.refresh() });
const snippets = new Snippets(() => ({ selection, publication: form.publication, types: [...types] }));
const picker = new Picker({ selection, onChange: watch });
const tokenForm = new TokenForm({
  onToken: () => {
    stats.now();
    picker.refresh();
    connect();
  },
});

const stats = watchStats({
  onStats: ({ open, demo }) => {
    tokenForm.hidden = open;
    byId('demo-link').hidden = demo !== true;
    if (generation > 0) return;
    // Somebody who tries the hub out on their own machine wants to see whatever they publish, wherever. On a hub in
    // use, everything may be a great deal: there the choice is theirs.
    if (open) selection = { ...selection, selectors: [{ kind: 'pattern', value: '*' }] };
    picker.show(selection);
    connect();
  },
  onFailure: ({ isFinal }) => {
    if (isFinal) tokenForm.hidden = false;
    if (generation === 0) connect();
  },
});

/** Watches something else, from the beginning of it, and puts it into the address. */
function watch(next) {
  selection = next;
  const query = selectionQuery(selection);
  history.replaceState(null, '', query === '' ? location.pathname : `?${query}`);
  connect();
}

function connect() {
  generation += 1;
  const mine = generation;
  stream?.close();
  notedState = '';
  const label = selectionLabel(selection);
  setText(byId('selection-label'), label);
  document.title = `${label} · Tidings console`;
  const topic = selection.selectors.find(({ kind }) => kind === 'topic');
  form.suggestTopic(topic?.value ?? USUAL_DEFAULT_TOPIC);
  types.clear();
  stream = new EventStream(eventsPath(selection), {
    onState: (next) => {
      if (mine === generation) showState(inWords(next));
    },
    onEvent: (event) => {
      events.addEvent(event, label);
      if (event.type !== 'message' && types.size < MOST_TYPES && !types.has(event.type)) {
        types.add(event.type);
        snippets.refresh();
      }
    },
  });
  snippets.refresh();
}

/** To somebody at a page, that nothing was shown is no fault of theirs, and no header that they could send. */
function inWords(next) {
  return next.status === 401 && !hasToken() ? { ...next, reason: 'the hub asks for a key' } : next;
}

const STATE_WORDS = { connecting: 'Connecting', open: 'Open', reconnecting: 'Reconnecting', closed: 'Closed' };

function showState(next) {
  state = next;
  const status = byId('status');
  status.dataset.state = state.name;
  setText(status, STATE_WORDS[state.name]);
  setText(byId('connect'), state.name === 'closed' ? 'Connect' : 'Disconnect');
  if (state.name === 'open') tokenForm.accepted();
  else if (state.status === 401) tokenForm.refused(state.reason);
  noteState();
  showStateDetail();
}

/** Puts what happened to the connection into the list, once, however many attempts it takes. */
function noteState() {
  if (state.name === 'connecting' || state.name === notedState) return;
  if (state.name === 'open') {
    const again = notedState === 'reconnecting' ? 'again ' : '';
    events.addNotice(`Connected ${again}to ${selectionLabel(selection)}`);
    // This connection counts as a subscriber too.
    picker.refresh();
  } else {
    events.addNotice(`${STATE_WORDS[state.name]}: ${state.reason}`);
  }
  notedState = state.name;
}

/** The part of the status that changes each second; kept out of the live region, which would never stop speaking. */
function showStateDetail() {
  const { name, since, reason, retryAt, attempt } = state;
  const seconds = Math.max(Math.floor((Date.now() - since) / 1000), 0);
  let text = '';
  if (name === 'open') {
    text = `for ${duration(seconds)}`;
  } else if (name === 'connecting') {
    const slow = Date.now() - since > SLOW_CONNECT_MS;
    text = slow ? `for ${duration(seconds)}. Browsers open six connections to one place over HTTP/1.1: are other tabs using them?` : '';
  } else if (name === 'reconnecting') {
    const left = Math.max(Math.ceil((retryAt - Date.now()) / 1000), 0);
    text = `${reason}; trying again in ${duration(left)}${attempt > 1 ? ` (${attempt} attempts failed)` : ''}`;
  } else {
    text = `${reason ? `${reason}, ` : ''}at ${new Date(since).toLocaleTimeString('en-GB')}`;
  }
  setText(byId('status-detail'), text);
}

function toggleConnection() {
  if (stream === null || state.name === 'closed') connect();
  else stream.close();
}

function togglePause() {
  events.setPaused(!events.paused);
  byId('pause').setAttribute('aria-pressed', String(events.paused));
  setText(byId('pause'), events.paused ? 'Resume' : 'Pause');
}

byId('connect').addEventListener('click', toggleConnection);
byId('pause').addEventListener('click', togglePause);
byId('clear').addEventListener('click', () => events.clear());
byId('expand').addEventListener('change', (event) => events.setExpanded(event.target.checked));
byId('filter').addEventListener('input', (event) => events.setFilter(event.target.value));

listenForKeys({
  '/': () => byId('filter').focus(),
  t: () => byId('topic').focus(),
  n: () => {
    byId('data').focus();
    byId('data').select();
  },
  e: () => byId('events').focus(),
  p: togglePause,
  c: () => events.clear(),
  d: toggleConnection,
});

setInterval(showStateDetail, 1_000);
if (given !== null) connect();
