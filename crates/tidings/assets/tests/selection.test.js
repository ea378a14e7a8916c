import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsPath, parseSelection, selectionLabel, selectionQuery } from '../selection.js';

test('a query is read and written back', () => {
  for (const query of [
    'topic=a&topic=b',
    'topic=a&pattern=orders.*&last=10',
    'pattern=*&last_event_id=earliest',
    'topic=a&last_event_id=x-17',
    'last=3',
  ]) {
    assert.equal(selectionQuery(parseSelection(`?${query}`)), query);
  }
});

test('no query is no selection', () => {
  assert.equal(parseSelection(''), null);
  assert.equal(parseSelection('?other=1'), null);
});

test('what makes no sense is left out', () => {
  assert.equal(selectionQuery(parseSelection('?topic=&topic=a&topic=a&last=many')), 'topic=a');
});

test('words and path', () => {
  assert.equal(eventsPath({ selectors: [], start: { kind: 'live' } }), '/events');
  assert.equal(selectionLabel({ selectors: [] }), 'default topic');
  assert.equal(selectionLabel(parseSelection('?pattern=*')), 'all topics');
  assert.equal(selectionLabel(parseSelection('?topic=a&pattern=b.*')), 'a, b.*');
});
