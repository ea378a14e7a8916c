import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { curlPublish, curlSubscribe, eventSource, phpPublish, scriptQuote, shellQuote } from '../snippets.js';

const ORIGIN = 'http://127.0.0.1:8080';
const AWKWARD = ['', 'plain', "it's", '@file', '$HOME `id` "x" \\', 'line\nline', '你好', '-n', '!!', '</script>', "\\'"];

test('a shell gives back every text', () => {
  for (const text of AWKWARD) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(text)}`]).toString(), text);
  }
});

test('a script gives back every text', () => {
  for (const text of AWKWARD) {
    assert.equal(new Function(`return ${scriptQuote(text)}`)(), text);
    assert.ok(!scriptQuote(text).includes('</'));
  }
});

test('the lines for a selection', () => {
  const selection = { selectors: [{ kind: 'topic', value: 'a b' }, { kind: 'pattern', value: 'orders.*' }], start: { kind: 'last', count: 5 } };
  assert.equal(curlSubscribe(ORIGIN, selection, false), `curl -N '${ORIGIN}/events?topic=a+b&pattern=orders.*&last=5'`);
  const code = eventSource(ORIGIN, selection, ['tick'], false);
  assert.match(code, /addEventListener\("tick", show\)/);
  assert.doesNotThrow(() => new Function(code));
});

test('the lines for a publication', () => {
  const publication = { topic: 'orders/7', event: 'order', id: '', data: "it's @7" };
  assert.equal(curlPublish(ORIGIN, publication, false), `curl '${ORIGIN}/topics/orders%2F7?event=order' \\\n  --data-raw 'it'\\''s @7'`);
  assert.match(phpPublish(ORIGIN, publication, false), /CURLOPT_POSTFIELDS => 'it\\'s @7',/);
  const secret = { ...publication, isPrivate: true };
  assert.match(curlPublish(ORIGIN, secret, false), /\/topics\/orders%2F7\?event=order&private=true'/);
});

test('a token is read from the environment, never written', () => {
  const publication = { topic: 'a', data: '' };
  for (const line of [curlSubscribe(ORIGIN, { selectors: [], start: { kind: 'live' } }, true), curlPublish(ORIGIN, publication, true)]) {
    assert.match(line, /-H "Authorization: Bearer \$TIDINGS_TOKEN"/);
  }
  assert.match(phpPublish(ORIGIN, publication, true), /getenv\('TIDINGS_TOKEN'\)/);
});
