import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, duration, rate } from '../format.js';
import { ratesBetween } from '../console-stats.js';

test('numbers as people read them', () => {
  assert.deepEqual([count(0), count(1234), count(1_250_000)], ['0', '1,234', '1.3M']);
  assert.deepEqual([rate(0.25), rate(9.96), rate(10.4)], ['0.3', '10', '10']);
  assert.deepEqual([bytes(0), bytes(1023), bytes(1536), bytes(300 * 1024 ** 2)], ['0 B', '1,023 B', '1.5 KiB', '300 MiB']);
  assert.deepEqual([duration(0), duration(75), duration(3600), duration(90_061)], ['0 s', '1 min 15 s', '1 h', '1 d 1 h']);
});

test('rates are differences, and a restarted hub has none', () => {
  const look = (at, published, uptime) => ({ at, stats: { published, delivered: 2 * published, delivered_bytes: 100 * published, uptime_seconds: uptime } });
  assert.equal(ratesBetween(null, look(0, 5, 1)), null);
  assert.deepEqual(ratesBetween(look(0, 10, 1), look(2000, 30, 3)), { published: 10, delivered: 20, deliveredBytes: 1000 });
  assert.equal(ratesBetween(look(0, 10, 100), look(2000, 12, 1)), null);
});
