// What is being looked at: topics, patterns and where to start. The console's own address carries the same query as
// `GET /events`, so that a view can be linked to and the link reads like the request it makes.

/**
 * @typedef {{kind: 'topic'|'pattern', value: string}} Selector
 * @typedef {{kind: 'live'} | {kind: 'last', count: number} | {kind: 'earliest'} | {kind: 'after', id: string}} Start
 * @typedef {{selectors: Selector[], start: Start}} Selection
 */

/** Reads a selection from a query string; null when the query holds none. */
export function parseSelection(search) {
  const query = new URLSearchParams(search);
  const selectors = [];
  for (const [kind, value] of query) {
    if ((kind === 'topic' || kind === 'pattern') && value !== '' && !has(selectors, { kind, value })) {
      selectors.push({ kind, value });
    }
  }
  const after = query.get('last_event_id') ?? '';
  const last = Number(query.get('last'));
  if (selectors.length === 0 && after === '' && !query.has('last')) return null;
  let start = { kind: 'live' };
  if (after === 'earliest') start = { kind: 'earliest' };
  else if (after !== '') start = { kind: 'after', id: after };
  else if (Number.isSafeInteger(last) && last > 0) start = { kind: 'last', count: last };
  return { selectors, start };
}

/** The query string of a selection, without "?"; empty for the default topic, live. */
export function selectionQuery({ selectors, start }) {
  const query = new URLSearchParams();
  for (const { kind, value } of selectors) query.append(kind, value);
  if (start.kind === 'last') query.set('last', String(start.count));
  if (start.kind === 'earliest') query.set('last_event_id', 'earliest');
  if (start.kind === 'after') query.set('last_event_id', start.id);
  return query.toString();
}

/** The path that subscribes to a selection. */
export function eventsPath(selection) {
  const query = selectionQuery(selection);
  return query === '' ? '/events' : `/events?${query}`;
}

/** A selection in a few words. */
export function selectionLabel({ selectors }) {
  if (selectors.length === 0) return 'default topic';
  return selectors.map(({ kind, value }) => (kind === 'pattern' && value === '*' ? 'all topics' : value)).join(', ');
}

export function has(selectors, { kind, value }) {
  return selectors.some((selector) => selector.kind === kind && selector.value === value);
}
