// The connector in Echo, against a server that does as the hub does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidingsConnector } from 'tidings/echo';
import { collector, connected, withEcho } from './support/echos.js';
import { startHub, until } from './support/hub.js';

test('an instance without options does nothing, whatever Echo makes it for', async (t) => {
  const before = globalThis.fetch;
  globalThis.fetch = () => assert.fail('nothing is fetched');
  t.after(() => { globalThis.fetch = before; });
  const stray = new TidingsConnector();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([stray.connectionStatus(), stray.socketId(), Object.keys(stray.channels)], ['disconnected', undefined, []]);
});

withEcho('one stream for all channels that are asked for at once, and no other request', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('messages').listen('MessageSent', into('class')).listen('.message.created', into('name'));
  echo.private('orders.7').listen('\\App\\Events\\OrderShipped', into('order')).subscribed(into('subscribed'));
  assert.deepEqual([echo.socketId(), hub.requests.length], [undefined, 0]);
  await until('the order is subscribed', () => calls.length === 1);
  assert.deepEqual(hub.requests.map(({ method, path, channels }) => [method, path, channels]), [['GET', '/wave', ['messages', 'private-orders.7']]]);
  assert.equal(echo.socketId(), '1.1');
  hub.stream.send('messages.App\\Events\\MessageSent', { text: 'a' }, 1);
  hub.stream.send('messages.message.created', { n: 1 }, 2);
  hub.stream.send('private-orders.7.App\\Events\\OrderShipped', { order: 7 }, 3);
  hub.stream.send('messages.other', { n: 2 }, 4);
  hub.stream.send('elsewhere.message.created', { n: 3 }, 5);
  await until('all are there', () => calls.length === 4);
  assert.deepEqual(calls, [['subscribed'], ['class', 'a'], ['name', { n: 1 }], ['order', { order: 7 }]]);
});

withEcho('channels that come and go later are told in one request for each tick', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  await connected(hub, echo);
  assert.deepEqual(hub.stream.request.channels, ['']);
  const { calls, into } = collector();
  echo.channel('a').subscribed(into('a'));
  echo.private('b').subscribed(into('b'));
  echo.channel('never');
  echo.leave('never');
  await until('both are subscribed', () => calls.length === 2);
  assert.deepEqual(hub.to('/subscribe').map(({ body, headers }) => [body, headers['x-socket-id']]), [[{ channels: ['a', 'private-b'] }, '1.1']]);
  echo.leave('a');
  echo.leaveChannel('private-b');
  echo.leave('unknown');
  await until('the hub has been told', () => hub.to('/unsubscribe').length === 1);
  assert.deepEqual(hub.to('/unsubscribe')[0].body, { channels: ['a', 'private-b'] });
  assert.deepEqual(Object.keys(echo.connector.channels), []);
});

withEcho('what was said while the stream was being opened is made good once it is', {}, async (t, { hub, makeEcho }) => {
  let letGo;
  hub.before = ({ path }) => path === '/wave' && new Promise((resolve) => { letGo = resolve; });
  const echo = makeEcho();
  echo.channel('left');
  await until('the stream is asked for', () => letGo !== undefined);
  echo.leave('left');
  echo.channel('late');
  letGo();
  await until('the hub has been told', () => hub.to('/subscribe').length + hub.to('/unsubscribe').length === 2);
  assert.deepEqual(hub.requests.slice(1).map(({ path, body }) => [path, body.channels]), [['/wave/unsubscribe', ['left']], ['/wave/subscribe', ['late']]]);
});

withEcho('a component that leaves and comes back in one tick is subscribed', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').subscribed(into('first'));
  await until('it is subscribed', () => calls.length === 1);
  echo.leave('a');
  echo.channel('a').subscribed(into('second')).listen('.e', into('event'));
  await until('it is again', () => calls.length === 2);
  hub.stream.send('a.e', 1);
  await until('the event is there', () => calls.length === 3);
  assert.deepEqual([hub.to('/unsubscribe').length, calls], [0, [['first'], ['second'], ['event', 1]]]);
});

withEcho('listeners: all, all of one event, one; notifications; any JSON, and text that is none', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  const one = into('one');
  const other = into('other');
  const all = into('all');
  const channel = echo.channel('c').listen('E', one).listen('E', other).listenToAll(all).notification(into('notification'));
  await connected(hub, echo);
  const takes = async (expected) => {
    await until('the calls are there', () => calls.length >= expected.length);
    assert.deepEqual(calls.splice(0), expected);
  };
  hub.stream.send('c.App\\Events\\E', [1, null]);
  await takes([['all', 'E', [1, null]], ['one', [1, null]], ['other', [1, null]]]);
  hub.stream.send('c.Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { id: 'n' });
  await takes([['all', '.Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { id: 'n' }], ['notification', { id: 'n' }]]);
  channel.stopListening('E', one);
  hub.stream.send('c.App\\Events\\E', { text: 'no JSON' });
  await takes([['all', 'E', 'no JSON'], ['other', 'no JSON']]);
  channel.stopListening('E').stopListeningToAll(all);
  hub.stream.send('c.App\\Events\\E', 1);
  channel.listen('.end', into('end'));
  hub.stream.send('c.end', true);
  await takes([['end', true]]);
});

withEcho('an option says what the namespace is, or that there is none', { namespace: false }, async (t, { hub, makeEcho }) => {
  const { calls, into } = collector();
  const plain = makeEcho();
  plain.channel('c').listen('orders.shipped', into('plain'));
  await connected(hub, plain);
  hub.stream.send('c.orders\\shipped', 1);
  const other = makeEcho({ namespace: 'Acme.Shop' });
  other.channel('c').listen('Shipped', into('other')).listenToAll(into('all'));
  await until('both are connected', () => hub.streams.length === 2 && other.socketId() !== undefined);
  hub.stream.send('c.Acme\\Shop\\Shipped', 2);
  await until('all are there', () => calls.length === 3);
  assert.deepEqual(calls, [['plain', 1], ['all', 'Shipped', 2], ['other', 2]]);
});

withEcho('a name with dots belongs to the longest channel that it begins with', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('orders').listen('.7.x', into('orders'));
  echo.channel('orders.7').listen('.x', into('orders.7'));
  await connected(hub, echo);
  hub.stream.send('orders.7.x', 1);
  hub.stream.send('orders.7.x', 2);
  await until('both are there', () => calls.length === 2);
  assert.deepEqual(calls, [['orders.7', 1], ['orders.7', 2]]);
});

withEcho('a callback that throws is reported as uncaught, and breaks nothing', {}, async (t, { hub, makeEcho }) => {
  const uncaught = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('c').listen('.e', () => { throw new Error('mine'); }).listen('.e', into('e'));
  await connected(hub, echo);
  hub.stream.send('c.e', 1);
  hub.stream.send('c.e', 2);
  await until('both are there', () => calls.length === 2);
  assert.deepEqual([uncaught, hub.streams.length], [['mine', 'mine'], 1]);
});

withEcho('a lost stream resumes with the channels of now, the last event and the former socket id', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  const statuses = [];
  const stop = echo.connector.onConnectionChange((status) => statuses.push([status, echo.socketId()]));
  echo.channel('a').listen('.e', into('e')).subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.length === 1);
  echo.channel('b');
  await until('the hub has been told', () => hub.to('/subscribe').length === 1);
  hub.stream.send('a.e', 1, 'x-1');
  await until('the event is there', () => calls.length === 2);
  hub.stream.cut();
  await until('it is connected again', () => echo.socketId() === '2.1');
  const { channels, headers } = hub.stream.request;
  assert.deepEqual([channels, headers['last-event-id'], headers['x-socket-id']], [['a', 'b'], 'x-1', '1.1']);
  hub.stream.send('a.e', 2, 'x-2');
  await until('it goes on', () => calls.length === 4);
  assert.deepEqual(calls, [['subscribed'], ['e', 1], ['subscribed'], ['e', 2]]);
  assert.deepEqual(statuses, [['connected', '1.1'], ['reconnecting', '1.1'], ['connected', '2.1']]);
  stop();
  echo.disconnect();
  assert.deepEqual([statuses.length, echo.connector.connectionStatus(), echo.socketId()], [3, 'disconnected', undefined]);
  await until('the hub sees it', () => hub.open.length === 0);
});

withEcho('a hub that is away for a while is waited for', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').listen('.e', into('e'));
  await connected(hub, echo);
  await hub.stop();
  await until('it is noticed', () => echo.connector.connectionStatus() === 'reconnecting');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await hub.listen(hub.port);
  await until('it is back', () => echo.socketId() === '2.1');
  hub.stream.send('a.e', 1);
  await until('the event is there', () => calls.length === 1);
});

withEcho('a connection that falls silent is given up', { heartbeatTimeout: 150 }, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  await connected(hub, echo);
  await until('there is another', () => hub.streams.length === 2);
  assert.equal(hub.stream.request.headers['last-event-id'], 'c-1');
});

withEcho('a connection may be silent for ever if the application says so', { heartbeatTimeout: Infinity }, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  await connected(hub, echo);
  const { calls, into } = collector();
  hub.before = () => new Promise((resolve) => setTimeout(resolve, 50));
  echo.channel('a').subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.length === 1);
  assert.deepEqual([hub.streams.length, hub.to('/subscribe').length], [1, 1]);
});

withEcho('a channel that is refused says so, in the first request and later; the others go on', {}, async (t, { hub, makeEcho }) => {
  const no = { status: 403, detail: 'Not yours.' };
  hub.refused = { 'private-x': no, 'private-y': no };
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.private('x').error(into('x')).subscribed(into('never'));
  echo.channel('a').subscribed(into('a'));
  await until('both are told', () => calls.length === 2);
  echo.private('y').error(into('y')).subscribed(into('never'));
  await until('it is told', () => calls.length === 3);
  const error = { type: 'AuthError', ...no };
  assert.deepEqual(calls, [['x', error], ['a'], ['y', error]]);
  const late = [];
  echo.private('x').error((refusal) => late.push(refusal));
  await until('who asks late hears it, too', () => late.length === 1);
  assert.deepEqual([late, hub.to('/subscribe').length], [[error], 1]);
});

withEcho('a channel that cannot be decided upon for the moment is asked for again', {}, async (t, { hub, makeEcho }) => {
  hub.refused = { 'private-x': { status: 503, detail: 'The application does not answer.' } };
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.private('x').error(into('error')).subscribed(into('subscribed'));
  await until('it is told', () => calls.length === 2);
  hub.refused = {};
  await until('it is subscribed', () => calls.at(-1)[0] === 'subscribed');
  assert.deepEqual(calls[0], ['error', { type: 'SubscriptionError', status: 503, detail: 'The application does not answer.' }]);
  assert.equal(hub.streams.length, 1);
});

withEcho('what cannot be decided upon holds up nobody else', {}, async (t, { hub, makeEcho }) => {
  hub.refused = { 'private-x': { status: 503, detail: 'The application does not answer.' } };
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.private('x').error(into('error'));
  await connected(hub, echo);
  // Whoever waits for so long waits for ever.
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (callback, ms) => (ms < 500 ? setTimeout(callback, ms) : setTimeout(callback, 2 ** 31 - 1).unref()));
  await until('it has been tried again once', () => hub.to('/subscribe').length === 1);
  echo.channel('a').subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.some(([name]) => name === 'subscribed'));
});

withEcho('a subscription that cannot be asked for at the moment is asked for again', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  await connected(hub, echo);
  hub.instead = ({ path }) => (path === '/wave/subscribe' && hub.to('/subscribe').length === 1 ? 502 : undefined);
  const { calls, into } = collector();
  echo.channel('a').subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.length === 1);
  assert.deepEqual([hub.to('/subscribe').length, hub.streams.length], [2, 1]);
});

for (const gone of [404, 410]) {
  withEcho(`a hub that does not know the stream any more (${gone}) gets another`, {}, async (t, { hub, makeEcho }) => {
    const echo = makeEcho();
    await connected(hub, echo);
    hub.instead = ({ path, headers }) => (path === '/wave/subscribe' && headers['x-socket-id'] === '1.1' ? gone : undefined);
    const { calls, into } = collector();
    echo.channel('a').subscribed(into('subscribed')).error(into('error'));
    await until('it is subscribed', () => calls.length === 1);
    assert.deepEqual([calls, hub.streams.length, hub.stream.request.channels], [[['subscribed']], 2, ['a']]);
    assert.equal(hub.to('/subscribe').length, 1);
  });
}

withEcho('a stream that is refused for good fails, says so everywhere, and is tried again when told to', {}, async (t, { hub, makeEcho }) => {
  hub.instead = () => ({ status: 401, body: { detail: 'Log in.' } });
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').error(into('error')).subscribed(into('subscribed'));
  await until('it is told', () => calls.length === 1);
  assert.equal(echo.connector.connectionStatus(), 'failed');
  echo.channel('b').error(into('later'));
  await until('it is told', () => calls.length === 2);
  const error = { type: 'AuthError', status: 401, detail: 'Log in.' };
  assert.deepEqual([calls, hub.requests.length], [[['error', error], ['later', error]], 1]);
  hub.instead = () => undefined;
  echo.connector.connect();
  await until('it is subscribed', () => calls.length === 3);
  assert.deepEqual(hub.stream.request.channels, ['a', 'b']);
});

withEcho('a failure is over with disconnect(): whoever comes then is not told of it', {}, async (t, { hub, makeEcho }) => {
  hub.instead = () => 403;
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').error(into('error'));
  await until('it is told', () => calls.length === 1);
  echo.disconnect();
  echo.channel('b').error(into('error'));
  hub.instead = () => undefined;
  echo.connector.connect();
  echo.channel('b').subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.length === 2);
  assert.deepEqual([calls[1], hub.stream.request.channels], [['subscribed'], ['a', 'b']]);
});

withEcho('presence: who is here, who comes, who goes', {}, async (t, { hub, makeEcho }) => {
  const [ada, bob, cyd] = [1, 2, 3].map((id) => ({ id, name: `User ${id}` }));
  hub.users['presence-room'] = [ada, bob];
  const echo = makeEcho();
  const { calls, into } = collector();
  const room = echo.join('room').here(into('here')).joining(into('joining')).leaving(into('leaving')).listenToAll(into('all'));
  await until('the list is there', () => calls.length === 1);
  hub.stream.send('presence-room.join', bob);
  hub.stream.send('presence-room.join', cyd);
  hub.stream.send('presence-room.leave', { id: 2 });
  hub.stream.send('presence-room.leave', bob);
  hub.stream.send('presence-room.said', 'hello');
  await until('all is there', () => calls.length === 4);
  assert.deepEqual(calls, [['here', [ada, bob]], ['joining', cyd], ['leaving', { id: 2 }], ['all', '.said', 'hello']]);
  room.here(into('late'));
  await until('who asks late hears it, too', () => calls.length === 5);
  assert.deepEqual(calls[4], ['late', [ada, cyd]]);
  // After a reconnect the list is the hub's again, and nobody comes or goes because of that.
  hub.users['presence-room'] = [ada, bob];
  hub.stream.cut();
  await until('the list is there again', () => calls.length === 7);
  assert.deepEqual(calls.slice(5), [['here', [ada, bob]], ['late', [ada, bob]]]);
  assert.deepEqual(hub.to('/subscribe').map(({ body, headers }) => [body.channels, headers['x-socket-id']]), [
    [['presence-room'], '1.1'],
    [['presence-room'], '2.1'],
  ]);
});

withEcho('presence: changes that overtake the list are in it', {}, async (t, { hub, makeEcho }) => {
  const [ada, bob, cyd] = [1, 2, 3].map((id) => ({ id }));
  const echo = makeEcho();
  await connected(hub, echo);
  hub.users['presence-room'] = [ada, bob];
  hub.before = async ({ path }) => {
    if (path !== '/wave/subscribe') return;
    hub.stream.send('presence-room.leave', ada);
    hub.stream.send('presence-room.join', cyd);
    hub.stream.send('mark.x', 1);
    await until('they have arrived', () => calls.length === 1);
  };
  const { calls, into } = collector();
  echo.channel('mark').listen('.x', into('mark'));
  echo.join('room').here(into('here')).joining(into('joining')).leaving(into('leaving'));
  await until('the list is there', () => calls.length === 2);
  assert.deepEqual(calls, [['mark', 1], ['here', [bob, cyd]]]);
});

withEcho('presence: users without an id are counted', {}, async (t, { hub, makeEcho }) => {
  hub.users['presence-room'] = [null, null];
  const echo = makeEcho();
  const { calls, into } = collector();
  const room = echo.join('room').here(into('here')).joining(into('joining')).leaving(into('leaving'));
  await until('the list is there', () => calls.length === 1);
  for (const event of ['join', 'leave', 'leave', 'leave', 'leave']) hub.stream.send(`presence-room.${event}`, null);
  await until('all is there', () => calls.length === 5);
  room.here(into('late'));
  await until('the list is told', () => calls.length === 6);
  assert.deepEqual(calls, [['here', [null, null]], ['joining', null], ...Array(3).fill(['leaving', null]), ['late', []]]);
});

withEcho('whispers go out in order, are heard, and are not kept for later', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  // Before the channel is there: the code of Laravel's own documentation.
  const chat = echo.private('chat').whisper('typing', { n: 0 }).listenForWhisper('typing', into('heard')).error(into('error'));
  chat.whisper('typing', 1).whisper('typing', 'two');
  await until('all are sent', () => hub.to('/whisper').length === 3);
  assert.deepEqual(
    hub.to('/whisper').map(({ body, headers }) => [body, headers['x-socket-id']]),
    [{ n: 0 }, 1, 'two'].map((data) => [{ channel_name: 'private-chat', event_name: 'typing', data }, '1.1']),
  );
  for (const data of [{ n: 9 }, ['alone'], [null], [1, 2], [{}]]) hub.stream.send('private-chat.client-typing', data);
  await until('all are heard', () => calls.length === 5);
  assert.deepEqual(calls.splice(0), [{ n: 9 }, 'alone', null, [1, 2], [{}]].map((data) => ['heard', data]));
  hub.instead = ({ path }) => (path === '/wave/whisper' ? { status: 429, body: { detail: 'Too many.' } } : undefined);
  chat.whisper('typing', 3);
  await until('it is told', () => calls.length === 1);
  assert.deepEqual(calls, [['error', { type: 'WhisperError', status: 429, detail: 'Too many.' }]]);
  hub.stream.cut();
  await until('it is noticed', () => echo.connector.connectionStatus() === 'reconnecting');
  chat.whisper('typing', 4);
  await until('it is back', () => echo.socketId() === '2.1');
  chat.stopListeningForWhisper('typing');
  assert.equal(hub.to('/whisper').length, 4);
  assert.throws(() => echo.encryptedPrivate('vault'), /encrypt/);
});

withEcho('credentials: each request has those of the moment', {}, async (t, { hub, makeEcho }) => {
  let token = 'first';
  const auth = { headers: { 'X-Tenant': 'one' } };
  const echo = makeEcho({ getBearerToken: async () => token, csrfToken: 'csrf', auth });
  await connected(hub, echo);
  token = 'second';
  auth.headers['X-Tenant'] = 'two';
  echo.channel('a');
  await until('the hub has been told', () => hub.to('/subscribe').length === 1);
  const seen = hub.requests.map(({ headers }) => [headers.authorization, headers['x-csrf-token'], headers['x-tenant']]);
  assert.deepEqual(seen, [
    ['Bearer first', 'csrf', 'one'],
    ['Bearer second', 'csrf', 'two'],
  ]);
});

withEcho('a token that nobody gives holds up nothing for ever', {}, async (t, { hub, makeEcho }) => {
  let isStuck = false;
  const echo = makeEcho({ getBearerToken: () => (isStuck ? new Promise(() => {}) : 'token') });
  await connected(hub, echo);
  const { calls, into } = collector();
  isStuck = true;
  echo.channel('a').subscribed(into('a'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  isStuck = false;
  hub.stream.cut();
  await until('it is subscribed with the next stream', () => calls.length === 1);
  echo.channel('b').subscribed(into('b'));
  await until('the other is, too', () => calls.length === 2);
  assert.deepEqual(hub.to('/subscribe').map(({ body }) => body.channels), [['b']]);
});

withEcho('the hub\u2019s own events reach the options\u2019 callbacks, and nobody else', {}, async (t, { hub, makeEcho }) => {
  const { calls, into } = collector();
  const echo = makeEcho({ onReset: into('reset'), onClose: into('close') });
  await connected(hub, echo);
  hub.stream.send('tidings.reset', { reason: 'expired', oldest: 'a-7' });
  hub.stream.send('general.ping', []);
  hub.stream.send('tidings.close', { reason: 'expiring', in_ms: 10 });
  await until('both are there', () => calls.length === 2);
  assert.deepEqual(calls, [['reset', { reason: 'expired', oldest: 'a-7' }], ['close', { reason: 'expiring', in_ms: 10 }]]);
});

withEcho('disconnect() ends everything; connect() begins anew, with nothing to resume', {}, async (t, { hub, makeEcho }) => {
  const echo = makeEcho();
  const { calls, into } = collector();
  echo.channel('a').listen('.e', into('e')).subscribed(into('subscribed'));
  await until('it is subscribed', () => calls.length === 1);
  echo.disconnect();
  await until('the hub sees it', () => hub.open.length === 0);
  await new Promise((resolve) => setTimeout(resolve, 3 * hub.retryMs));
  assert.equal(hub.requests.length, 1);
  echo.connector.connect();
  await until('it is subscribed again', () => calls.length === 2);
  const { channels, headers } = hub.stream.request;
  assert.deepEqual([channels, headers['last-event-id'], headers['x-socket-id']], [['a'], undefined, undefined]);
});

test('Vue makes no proxy of what it is given', async (t) => {
  const hub = await startHub(t);
  const connector = new TidingsConnector({ host: hub.url });
  t.after(() => connector.disconnect());
  for (const value of [connector, connector.channel('a'), connector.presenceChannel('b')]) {
    assert.notEqual(Object.prototype.toString.call(value), '[object Object]');
  }
});
