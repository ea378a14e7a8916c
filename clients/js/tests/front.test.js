// What requests to the hub's Echo front carry.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Front } from '../src/echo/front.js';

/** A page with this cookie, and a token in its `<meta>`. */
function openPage(t, cookie) {
  globalThis.location = { origin: 'https://shop.example' };
  globalThis.document = {
    baseURI: 'https://shop.example/cart',
    cookie,
    querySelector: () => ({ getAttribute: () => 'of the page' }),
  };
  t.after(() => {
    delete globalThis.location;
    delete globalThis.document;
  });
}

for (const [what, cookie, headers] of [
  ['as Laravel has it', 'a=b; XSRF-TOKEN=eyJ%3D%3D; c=d', { 'X-XSRF-TOKEN': 'eyJ==' }],
  ['that is not escaped', 'XSRF-TOKEN=100%', { 'X-XSRF-TOKEN': '100%' }],
  ['that no header can carry', 'XSRF-TOKEN=%E4%BD%A0', { 'X-CSRF-TOKEN': 'of the page' }],
  ['that is empty', 'XSRF-TOKEN=', { 'X-CSRF-TOKEN': 'of the page' }],
  ['that is not there', 'a=b', { 'X-CSRF-TOKEN': 'of the page' }],
]) {
  test(`a token in a cookie ${what}`, async (t) => {
    openPage(t, cookie);
    const request = await new Front({}).streamRequest(['a'], undefined);
    assert.deepEqual(request.headers, headers);
  });
}
