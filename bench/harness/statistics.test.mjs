import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, summarize } from './statistics.mjs'

test('a median is the middle of any order, or between the two in the middle', () => {
  assert.equal(median([9, 1, 10]), 9)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([]), undefined)
})

test('what is not a number is not counted', () => {
  assert.deepEqual(summarize([3, undefined, null, 1, NaN]), { median: 2, min: 1, max: 3, count: 2 })
  assert.equal(summarize([undefined]), undefined)
})
