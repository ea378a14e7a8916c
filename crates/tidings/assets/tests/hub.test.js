import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const kept = new Map();
let importCount = 0;

beforeEach(() => {
  kept.clear();
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
});

/** The module as a page that is loaded now would have it. */
function load() {
  importCount += 1;
  return import(`../hub.js?${importCount}`);
}

test('a token is sent with everything, and is still there when the tab loads the page again', async () => {
  const { authorization, hasToken, setToken } = await load();
  assert.deepEqual([hasToken(), authorization()], [false, {}]);
  setToken(' secret\n');
  assert.deepEqual(authorization(), { Authorization: 'Bearer secret' });
  assert.deepEqual((await load()).authorization(), { Authorization: 'Bearer secret' });
});

test('a token that is forgotten is nowhere any more', async () => {
  const { authorization, setToken } = await load();
  setToken('secret');
  setToken('');
  assert.deepEqual([authorization(), kept.size], [{}, 0]);
});

test('where storage is forbidden a token lasts as long as the page', async () => {
  globalThis.sessionStorage = undefined;
  const { authorization, setToken } = await load();
  setToken('secret');
  assert.deepEqual(authorization(), { Authorization: 'Bearer secret' });
});

test('an answer is final when only another token could change it', async () => {
  const { HubError } = await load();
  assert.deepEqual([401, 403, 404].map((status) => new HubError('no', status).isFinal), [true, true, true]);
  assert.deepEqual([0, 408, 429, 500, 503].map((status) => new HubError('no', status).isFinal), [false, false, false, false, false]);
});
