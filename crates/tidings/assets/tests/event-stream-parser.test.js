import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamParser } from '../event-stream-parser.js';

/** Type, data and own id of each event of a stream. */
function read(...chunks) {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(chunk)).map(({ type, data, id }) => [type, data, id]);
}

test('fields, comments and unknown lines', () => {
  assert.deepEqual(read(': hello\nid: 1\nevent: tick\ndata: a\nData: no\nother: no\n\n'), [['tick', 'a', '1']]);
  assert.deepEqual(read('data:a\n\ndata:  b\n\ndata\n\n'), [
    ['message', 'a', null],
    ['message', ' b', null],
    ['message', '', null],
  ]);
});

test('several data lines are one text', () => {
  assert.deepEqual(read('data: a\ndata:\ndata: b\n\n'), [['message', 'a\n\nb', null]]);
});

test('an event without data is none, but its id moves the cursor', () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.push('id: 7\n\nevent: x\n\n'), []);
  assert.equal(parser.lastEventId, '7');
});

test('every line end, cut at every place', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const stream = ['id: 1', 'data: a', 'data: b', '', 'data: c', '', ''].join(end);
    const expected = [
      ['message', 'a\nb', '1'],
      ['message', 'c', null],
    ];
    for (let cut = 0; cut <= stream.length; cut += 1) {
      assert.deepEqual(read(stream.slice(0, cut), stream.slice(cut)), expected, JSON.stringify([end, cut]));
    }
    assert.deepEqual(read(...stream), expected, JSON.stringify(end));
  }
});

test('a lone carriage return ends an event at once', () => {
  assert.deepEqual(read('data: a\r\r'), [['message', 'a', null]]);
});

test('ids persist over events without one, and only complete events move the cursor', () => {
  const parser = new EventStreamParser({ lastEventId: 'before' });
  const [first] = parser.push('data: a\n\n');
  assert.deepEqual([first.id, first.lastEventId], [null, 'before']);
  parser.push('id: 2\ndata: b\n');
  assert.equal(parser.lastEventId, 'before');
  parser.push('\n');
  assert.equal(parser.lastEventId, '2');
  parser.push('id: a\0b\ndata: c\n\n');
  assert.equal(parser.lastEventId, '2');
});

test('retry is digits only', () => {
  const parser = new EventStreamParser();
  parser.push('retry: 1500\n\n');
  assert.equal(parser.retry, 1500);
  parser.push('retry: 20x\nretry:\nretry: -1\n\n');
  assert.equal(parser.retry, 1500);
  const [event] = parser.push('retry: 7\ndata: a\n\n');
  assert.equal(event.retry, 7);
});

test('data beyond the limit is counted, not kept', () => {
  const parser = new EventStreamParser({ maxDataLength: 10 });
  const [event] = parser.push(`data: ${'x'.repeat(1000)}\n\n`);
  assert.equal(event.data, 'x'.repeat(10));
  assert.equal(event.dropped, 990);
  const [lines] = parser.push('data: 12345\ndata: 6789012\n\n');
  assert.deepEqual([lines.data, lines.dropped], ['12345\n6789', 3]);
  const [next] = parser.push('data: ok\n\n');
  assert.deepEqual([next.data, next.dropped], ['ok', 0]);
});
