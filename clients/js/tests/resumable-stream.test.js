// The stream's own state machine: a clock that stands still, and a `fetch` whose answers the test gives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResumableStream } from '../src/stream/resumable-stream.js';
import { ManualClock, settle } from './support/clock.js';
import { FakeFetch } from './support/fetch.js';

const SILENCE_MS = 45_000;

function openStream(t, onEvent = () => {}) {
  const clock = new ManualClock();
  const hub = new FakeFetch();
  const seen = { events: [], lost: [], failed: [] };
  const stream = new ResumableStream({
    request: async () => ({ url: 'http://hub/wave', headers: { 'X-Own': 'yes' }, credentials: 'same-origin' }),
    onEvent: (event) => {
      seen.events.push(event.data);
      onEvent(event, stream);
    },
    onLost: ({ detail }) => seen.lost.push(detail),
    onFailed: (failure) => seen.failed.push(failure),
    silenceMs: SILENCE_MS,
    fetch: hub.fetch,
    clock,
    random: () => 0,
  });
  t.after(() => stream.close());
  stream.open();
  return { clock, hub, seen, stream };
}

test('a stream that ends is opened again after the wait, from the last event', async (t) => {
  const { clock, hub, seen } = openStream(t);
  await settle();
  assert.deepEqual(hub.last.headers, { Accept: 'text/event-stream', 'X-Own': 'yes' });
  const first = hub.stream();
  first.write('id: a-1\ndata: one\n\nid: a-2\ndata: two\n\nid: a-3\ndata: cut o');
  first.end();
  await settle();
  assert.deepEqual([seen.events, seen.lost], [['one', 'two'], ['The hub ended the stream']]);
  await clock.pass(999);
  assert.equal(hub.attempts.length, 1);
  await clock.pass(1);
  assert.equal(hub.last.headers['Last-Event-ID'], 'a-2');
  hub.stream().write('id: a-3\ndata: three\n\n');
  await settle();
  assert.deepEqual(seen.events, ['one', 'two', 'three']);
});

test('retry: of the server is kept; failures wait longer, and one good connection ends that', async (t) => {
  const { clock, hub } = openStream(t);
  await settle();
  const stream = hub.stream();
  stream.write('retry: 200\n\n');
  await clock.pass(10_000);
  stream.end();
  const waits = [];
  for (let failure = 0; failure < 4; failure += 1) {
    await settle();
    const [wait] = clock.waits();
    waits.push(wait);
    await clock.pass(wait);
    hub.last.refuse();
  }
  assert.deepEqual(waits, [200, 400, 800, 1600]);
  await clock.pass(3200);
  const again = hub.stream();
  await clock.pass(10_000);
  again.end();
  await settle();
  assert.deepEqual(clock.waits(), [200]);
});

test('connections that are cut at once, again and again, are failures as well', async (t) => {
  const { clock, hub } = openStream(t);
  const waits = [];
  for (let connection = 0; connection < 3; connection += 1) {
    await settle();
    const stream = hub.stream();
    stream.write('data: hello\n\n');
    await settle();
    stream.end();
    await settle();
    waits.push(...clock.waits());
    await clock.pass(clock.waits()[0]);
  }
  assert.deepEqual(waits, [1000, 2000, 4000]);
});

for (const status of [400, 401, 403, 404, 419]) {
  test(`${status} is for a person to mend: it is not tried again, until told to`, async (t) => {
    const { clock, hub, seen, stream } = openStream(t);
    await settle();
    hub.status(status, '{"detail":"because"}', 'application/problem+json');
    await clock.pass(600_000);
    assert.deepEqual([hub.attempts.length, seen.failed], [1, [{ status, detail: 'because' }]]);
    stream.open();
    await settle();
    assert.equal(hub.attempts.length, 2);
  });
}

for (const status of [204, 402, 408, 410, 425, 429, 500, 502, 503, 504]) {
  test(`after ${status} it goes on`, async (t) => {
    const { clock, hub, seen } = openStream(t);
    await settle();
    hub.status(status, '<html>no</html>', 'text/html');
    await clock.pass(1000);
    assert.deepEqual([hub.attempts.length, seen.failed, seen.lost], [2, [], [`The hub answered ${status}`]]);
  });
}

test('a page in place of a stream (a login, a portal) is no stream, and it goes on', async (t) => {
  const { clock, hub, seen } = openStream(t);
  await settle();
  hub.status(200, 'data: not from the hub\n\n', 'text/html; charset=UTF-8');
  await clock.pass(1000);
  assert.deepEqual([hub.attempts.length, seen.events], [2, []]);
});

test('a connection without a byte for three heartbeats is given up and resumed', async (t) => {
  const { clock, hub, seen } = openStream(t);
  await settle();
  const stream = hub.stream();
  stream.write('id: 1\ndata: one\n\n');
  for (let heartbeat = 0; heartbeat < 4; heartbeat += 1) {
    await clock.pass(SILENCE_MS - 1);
    stream.write(':\n');
    await settle();
  }
  assert.equal(hub.attempts.length, 1);
  await clock.pass(SILENCE_MS);
  assert.ok(hub.last.signal.aborted);
  assert.match(seen.lost[0], /Nothing was heard/);
  await clock.pass(1000);
  assert.equal(hub.last.headers['Last-Event-ID'], '1');
});

test('an answer that never comes is not waited for', async (t) => {
  const { clock, hub } = openStream(t);
  await clock.pass(SILENCE_MS + 1000);
  assert.deepEqual([hub.attempts.length, hub.attempts[0].signal.aborted], [2, true]);
});

test('after close() nothing is handed over, not even what has been read, and that comes again', async (t) => {
  const { hub, seen, stream } = openStream(t, ({ data }, stream) => data === 'two' && stream.close());
  await settle();
  hub.stream().write('id: 1\ndata: one\n\nid: 2\ndata: two\n\nid: 3\ndata: three\n\nid: 4\n\n');
  await settle();
  assert.deepEqual([seen.events, stream.lastEventId], [['one', 'two'], '2']);
  stream.open();
  await settle();
  assert.equal(hub.last.headers['Last-Event-ID'], '2');
});

test('an id of its own, without an event, moves the cursor, and an empty one clears it', async (t) => {
  const { hub, stream } = openStream(t);
  await settle();
  const { write } = hub.stream();
  write('id: 5\n\n');
  await settle();
  assert.equal(stream.lastEventId, '5');
  write('id\ndata: x\n\n');
  await settle();
  assert.equal(stream.lastEventId, '');
});

test('an id goes out as UTF-8, whatever is in it', async (t) => {
  const { clock, hub } = openStream(t);
  await settle();
  const stream = hub.stream();
  stream.write('id: \u2026:\u4f60\ndata: x\n\n');
  stream.end();
  await clock.pass(1000);
  assert.equal(Buffer.from(hub.last.headers['Last-Event-ID'], 'latin1').toString(), '\u2026:\u4f60');
});

test('closing while it waits, and opening again, leaves one attempt under way', async (t) => {
  const { clock, hub, stream } = openStream(t);
  await settle();
  hub.last.refuse();
  await settle();
  stream.close();
  stream.open();
  stream.open();
  await clock.pass(10_000);
  assert.equal(hub.attempts.length, 2);
  assert.ok(!hub.last.signal.aborted);
});

test('a request that is never made (a token that nobody gives) is not waited for', async (t) => {
  const clock = new ManualClock();
  const hub = new FakeFetch();
  const lost = [];
  let asked = 0;
  const stream = new ResumableStream({
    request: () => {
      asked += 1;
      return asked === 1 ? new Promise(() => {}) : { url: 'http://hub/wave', headers: {}, credentials: 'same-origin' };
    },
    onEvent: () => {},
    onLost: ({ detail }) => lost.push(detail),
    onFailed: () => assert.fail('it has not failed'),
    silenceMs: SILENCE_MS,
    fetch: hub.fetch,
    clock,
    random: () => 0,
  });
  t.after(() => stream.close());
  stream.open();
  await clock.pass(SILENCE_MS + 1000);
  assert.deepEqual([asked, hub.attempts.length], [2, 1]);
  assert.match(lost[0], /Nothing was heard/);
});

test('a request that is made too late is not sent', async (t) => {
  const hub = new FakeFetch();
  let make;
  const stream = new ResumableStream({
    request: () => new Promise((resolve) => { make = resolve; }),
    onEvent: () => {},
    onLost: () => {},
    onFailed: () => assert.fail('it has not failed'),
    silenceMs: SILENCE_MS,
    fetch: hub.fetch,
    clock: new ManualClock(),
  });
  stream.open();
  stream.close();
  make({ url: 'http://hub/wave', headers: {}, credentials: 'same-origin' });
  await settle();
  assert.equal(hub.attempts.length, 0);
});

test('a request that cannot be made (a token that cannot be had) is tried again', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const stream = new ResumableStream({
    request: () => {
      asked += 1;
      throw new Error('no token');
    },
    onEvent: () => {},
    onLost: () => {},
    onFailed: () => assert.fail('it has not failed'),
    silenceMs: SILENCE_MS,
    clock,
    random: () => 0,
  });
  t.after(() => stream.close());
  stream.open();
  await clock.pass(3000);
  assert.equal(asked, 3);
});

test('the page that is looked at again, and the network that is back, end a wait; the back/forward cache ends the connection', async (t) => {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.removeEventListener = page.removeEventListener.bind(page);
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  t.after(() => {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
    delete globalThis.document;
  });
  const { clock, hub, seen, stream } = openStream(t);
  await settle();
  hub.last.refuse();
  await settle();
  document.dispatchEvent(new Event('visibilitychange'));
  await settle();
  assert.equal(hub.attempts.length, 1);
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  await settle();
  assert.equal(hub.attempts.length, 2);
  hub.last.refuse();
  await settle();
  page.dispatchEvent(new Event('online'));
  await settle();
  assert.equal(hub.attempts.length, 3);
  hub.stream();
  await settle();
  page.dispatchEvent(new Event('pagehide'));
  await settle();
  assert.equal(seen.lost.at(-1), 'The page was put aside');
  page.dispatchEvent(new Event('pageshow'));
  await settle();
  assert.equal(hub.attempts.length, 4);
  stream.close();
  for (const type of ['online', 'pageshow']) page.dispatchEvent(new Event(type));
  await clock.pass(60_000);
  assert.equal(hub.attempts.length, 4);
});
