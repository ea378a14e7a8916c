// How the connector asks for many channels, and goes on asking, against a server that does as the hub does.

import assert from 'node:assert/strict';
import { collector, connected, withEcho } from './support/echos.js';
import { until } from './support/hub.js';

withEcho('more channels than the hub decides about at once are asked for in portions, but resumed all together', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  const names = Array.from({ length: 250 }, (_, number) => `private-${number}`);
  for (const name of names) echo.channel(name).subscribed(into(name));
  await until('all are subscribed', () => calls.length === 250);
  const portions = [hub.stream.request.channels, ...hub.to('/subscribe').map(({ body }) => body.channels)];
  assert.deepEqual([portions.map(({ length }) => length), portions.flat()], [[100, 100, 50], names]);
  hub.stream.cut();
  await until('all are subscribed again', () => calls.length === 500);
  assert.deepEqual([hub.stream.request.channels, hub.to('/subscribe').length], [names, 2]);
});

withEcho('channels that the hub does not look at when the stream resumes are asked for again, without a word', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  const names = Array.from({ length: 250 }, (_, number) => `private-${number}`);
  for (const name of names) echo.channel(name).subscribed(into(name)).error(into('error'));
  await until('all are subscribed', () => calls.length === 250);
  const surplus = names.slice(100);
  hub.refused = Object.fromEntries(surplus.map((name) => [name, { status: 429, detail: 'Too many at once.' }]));
  hub.before = async ({ path }) => {
    if (path === '/wave/subscribe') hub.refused = {};
  };
  hub.stream.cut();
  await until('all are subscribed again', () => new Set(calls.slice(250).map(([name]) => name)).size === 250);
  assert.deepEqual(hub.to('/subscribe').slice(2).flatMap(({ body }) => body.channels), surplus);
  assert.deepEqual(calls.filter(([name]) => name === 'error'), []);
  assert.deepEqual([echo.connector.connectionStatus(), hub.streams.length], ['connected', 2]);
});

withEcho('a stream that resumes does not name more than it had', {}, async (t, { hub, makeEcho }) => {
  hub.instead = ({ path }) => (path === '/wave/subscribe' ? { status: 400, body: { detail: 'Too many.' } } : undefined);
  const echo = makeEcho();
  const { calls, into } = collector();
  const names = Array.from({ length: 150 }, (_, number) => `c${number}`);
  for (const name of names) echo.channel(name).subscribed(into('subscribed')).error(into('error'));
  await until('all are told', () => calls.length === 150);
  hub.stream.cut();
  await until('it is back', () => echo.socketId() === '2.1');
  assert.deepEqual(hub.stream.request.channels, names.slice(0, 100));
});

for (const status of [429, 503]) {
  withEcho(`a refusal for the moment (${status}) that comes late is asked about, too`, {}, async (t, { hub, makeEcho }) => {
    const echo = makeEcho();
    const { calls, into } = collector();
    echo.private('x').subscribed(into('subscribed'));
    await until('it seems to be subscribed', () => calls.length === 1);
    hub.stream.send('tidings.denied', { channel: 'private-x', status, detail: 'Not now.' });
    await until('it is', () => calls.length === 2);
    assert.deepEqual(hub.to('/subscribe').map(({ body }) => body.channels), [['private-x']]);
  });
}

withEcho('however many cannot be decided upon, the others have their turn', {}, async (t, { hub, makeEcho }) => {
  const names = Array.from({ length: 150 }, (_, number) => `private-${number}`);
  hub.refused = Object.fromEntries(names.map((name) => [name, { status: 503, detail: 'The application does not answer.' }]));
  const echo = makeEcho();
  const { calls, into } = collector();
  for (const name of names) echo.channel(name);
  echo.channel('last').subscribed(into('last'));
  await until('it is subscribed', () => calls.length === 1);
});

withEcho('what the hub may hold is given back, though it never said so', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  await connected(hub, echo);
  hub.instead = ({ path }) => (path === '/wave/subscribe' ? 504 : undefined);
  echo.channel('a');
  await until('it is asked for', () => hub.to('/subscribe').length === 1);
  echo.leave('a');
  await until('the hub has been told', () => hub.to('/unsubscribe').length === 1);
  assert.deepEqual(hub.to('/unsubscribe')[0].body, { channels: ['a'] });
});

withEcho('a room whose list cannot be had is left all the same', {}, async (t, { hub, makeEcho }) => {
  hub.instead = ({ path, body }) =>
    path === '/wave/subscribe' ? { status: 200, body: { channels: { [body.channels[0]]: { status: 503, detail: 'Not now.' } } } } : undefined;
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.join('room').error(into('error'));
  await until('it is told', () => calls.length === 1);
  echo.leave('room');
  await until('the hub has been told', () => hub.to('/unsubscribe').length === 1);
  assert.deepEqual(hub.to('/unsubscribe')[0].body, { channels: ['presence-room'] });
});

withEcho('what cannot be given back at the moment holds up nobody else', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').subscribed(into('a'));
  await until('it is subscribed', () => calls.length === 1);
  hub.instead = ({ path }) => (path === '/wave/unsubscribe' ? 429 : undefined);
  echo.leave('a');
  await until('the hub has been told', () => hub.to('/unsubscribe').length === 1);
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (callback, ms) => (ms < 500 ? setTimeout(callback, ms) : setTimeout(callback, 2 ** 31 - 1).unref()));
  echo.channel('b').subscribed(into('b'));
  await until('the other is subscribed', () => calls.length === 2);
});
