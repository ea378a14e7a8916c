import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonDocument, layOut } from '../json-text.js';

const text = (json) => layOut(json).map((piece) => piece.text).join('');

test('laid out as JSON.stringify does', () => {
  for (const value of [{}, [], { a: [], b: {} }, { a: [1, 'two', null, true, { b: -1.5e3 }], c: 'x: {y}, [z]' }, [[[]]], { '"': '\\"' }]) {
    assert.equal(text(JSON.stringify(value)), JSON.stringify(value, null, 2));
    assert.equal(text(JSON.stringify(value, null, '\t')), JSON.stringify(value, null, 2));
  }
});

test('what was sent is shown as it was sent', () => {
  assert.equal(text('{"id":9007199254740993,"id":1.0,"t":"\\u003cb>"}'), '{\n  "id": 9007199254740993,\n  "id": 1.0,\n  "t": "\\u003cb>"\n}');
});

test('kinds', () => {
  const kinds = layOut('{"a":"b","c":[-1,null]}').filter(({ kind }) => kind !== 'mark').map(({ kind }) => kind);
  assert.deepEqual(kinds, ['key', 'string', 'key', 'number', 'word']);
});

test('only whole objects and arrays count as documents', () => {
  assert.ok(isJsonDocument(' {"a":1}'));
  for (const other of ['', '1', '"a"', '{', '[1,]', 'hello']) assert.ok(!isJsonDocument(other), other);
});
