import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faults, satisfied, thirdParty } from './dependencies.mjs'

const allowed = new Set(['MIT', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'Unicode-3.0'])

test('a licence expression is met by a choice that is allowed', () => {
  for (const expression of [
    'MIT',
    'MIT OR GPL-3.0',
    'GPL-3.0/MIT',
    '(MIT OR GPL-3.0) AND Unicode-3.0',
    'GPL-3.0 OR MIT AND Unicode-3.0',
    'Apache-2.0 WITH LLVM-exception OR GPL-3.0',
  ]) assert.equal(satisfied(expression, allowed), true, expression)
})

test('a licence expression is not met by half of it', () => {
  for (const expression of [
    'GPL-3.0',
    'MIT AND GPL-3.0',
    'GPL-3.0 AND (MIT OR Apache-2.0)',
    'Apache-2.0 WITH Other-exception',
  ]) assert.equal(satisfied(expression, allowed), false, expression)
})

test('each fault of a dependency is told', () => {
  const lines = [
    'ours v0.1.0 (/home/somebody/tidings/crates/ours)\tMIT OR Apache-2.0',
    'good v1.0.0\tMIT',
    'good v1.0.0\tMIT (*)',
    'good v2.0.0 (proc-macro)\tMIT',
    'bare v1.0.0\t',
    'forked v1.0.0 (https://example.org/forked#0123abcd)\tMIT',
  ]
  assert.deepEqual(faults(thirdParty(lines)), [
    'bare 1.0.0 is licensed under nothing it names',
    'forked 1.0.0 comes from https://example.org/forked#0123abcd, not from crates.io',
    'good is compiled in 2 versions: 1.0.0, 2.0.0',
  ])
})
