// The parser by the statements of WHATWG HTML, sections 9.2.5 and 9.2.6; the names of the web platform's own tests are in brackets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamParser } from '../src/stream/event-stream-parser.js';

/** Type, data and own id of each event of a stream. */
function read(...chunks) {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(chunk)).map(({ type, data, id }) => [type, data, id]);
}

/** The data of each event. */
function data(...chunks) {
  return read(...chunks).map(([, text]) => text);
}

/** As the bytes come: decoded piece by piece, as the readers of a stream do. */
function dataOfBytes(bytes) {
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  return [...bytes].flatMap((byte) => parser.push(decoder.decode(new Uint8Array([byte]), { stream: true }))).map((event) => event.data);
}

test('one byte order mark at the beginning is none of the stream, later ones are (format-bom, format-bom-2)', () => {
  const text = new TextEncoder();
  assert.deepEqual(dataOfBytes(text.encode('\ufeffdata: a\n\n')), ['a']);
  assert.deepEqual(dataOfBytes(text.encode('\ufeff\ufeffdata: a\n\ndata: b\n\n')), ['b']);
  assert.deepEqual(dataOfBytes(text.encode('data: a\n\n\ufeffdata: b\n\ndata: c\ufeff\n\n')), ['a', 'c\ufeff']);
});

test('UTF-8 may be cut anywhere, and broken bytes are replaced (format-utf-8)', () => {
  assert.deepEqual(dataOfBytes(new TextEncoder().encode('data: h\u00e9 \u4f60 \u{1f600}\n\n')), ['h\u00e9 \u4f60 \u{1f600}']);
  assert.deepEqual(dataOfBytes([...Buffer.from('data: a'), 0xff, ...Buffer.from('b\n\n')]), ['a\ufffdb']);
});

test('every line end, cut at every place (format-newlines)', () => {
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

test('line ends may be mixed, and nothing else is one', () => {
  assert.deepEqual(data('data: a\r\ndata: b\rdata: c\ndata: d\r\n\r'), ['a\nb\nc\nd']);
  const text = 'a\u0085b\u2028c\u000bd\u000ce\0f';
  assert.deepEqual(data(`data: ${text}\n\n`), [text]);
});

test('a lone carriage return ends an event at once', () => {
  assert.deepEqual(data('data: a\r\r'), ['a']);
  assert.deepEqual(data('data: a\r\r', '\ndata: b\r\r'), ['a', 'b']);
});

test('comments and unknown fields are nothing (format-comments, format-field-unknown, format-field-parsing)', () => {
  assert.deepEqual(data(': hello\n:\ndata: a\n:data: b\nData: no\n data: no\nother: no\n\n'), ['a']);
  assert.deepEqual(data(':\n', ':\n\n', ': hb\n'), []);
});

test('one space after the colon is none of the value, a tab is (format-leading-space)', () => {
  assert.deepEqual(data('data:a\n\ndata: b\n\ndata:  c\n\ndata:\td\n\n'), ['a', 'b', ' c', '\td']);
});

test('several data lines are one text; data without a value is an empty one (format-field-data)', () => {
  assert.deepEqual(data('data: a\ndata:\ndata: b\n\n'), ['a\n\nb']);
  assert.deepEqual(data('data\n\ndata:\n\ndata\ndata\n\n'), ['', '', '\n']);
});

test('the last type counts, for one event; an empty one is message (format-field-event, format-field-event-empty)', () => {
  assert.deepEqual(read('event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\nevent: c\n\ndata: 4\n\n'), [
    ['b', '1', null],
    ['message', '2', null],
    ['message', '3', null],
    ['message', '4', null],
  ]);
});

test('ids persist over events without one, and only complete events move the cursor (format-field-id, -3)', () => {
  const parser = new EventStreamParser({ lastEventId: 'before' });
  const [first] = parser.push('data: a\n\n');
  assert.deepEqual([first.id, first.lastEventId], [null, 'before']);
  parser.push('id: 2\ndata: b\n');
  assert.equal(parser.lastEventId, 'before');
  parser.push('\n');
  assert.equal(parser.lastEventId, '2');
  const [third] = parser.push('data: c\n\n');
  assert.deepEqual([third.id, third.lastEventId], [null, '2']);
  parser.push('id\ndata: d\n\n');
  assert.equal(parser.lastEventId, '');
});

test('an id with NUL is none (format-field-id-null)', () => {
  const parser = new EventStreamParser();
  parser.push('id: 2\ndata: b\n\nid: a\0b\ndata: c\n\n');
  assert.equal(parser.lastEventId, '2');
});

test('an event without data is none, but its id moves the cursor', () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.push('id: 7\n\nevent: x\n\n'), []);
  assert.equal(parser.lastEventId, '7');
});

test('an event that the stream ends in is none (format-data-before-final-empty-line)', () => {
  assert.deepEqual(data('data: a\n\ndata: b\n'), ['a']);
  assert.deepEqual(data('data: a\n\ndata: b'), ['a']);
});

test('retry is digits only (format-field-retry, -retry-bogus, -retry-empty)', () => {
  const parser = new EventStreamParser();
  parser.push('retry: 01500\n\n');
  assert.equal(parser.retry, 1500);
  parser.push('retry: 20x\nretry:\nretry: -1\nretry: 1.5\n\n');
  assert.equal(parser.retry, 1500);
  const [event, next] = parser.push('retry: 7\ndata: a\n\ndata: b\n\n');
  assert.deepEqual([event.retry, next.retry, parser.retry], [7, null, 7]);
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
