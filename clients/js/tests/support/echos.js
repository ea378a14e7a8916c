// Echo in both of its majors: a test of the connector is one of both.

import Echo2 from 'laravel-echo-2';
import Echo1 from 'laravel-echo-1';
import { test } from 'node:test';
import { TidingsConnector } from 'tidings/echo';
import { startHub, until } from './hub.js';

const ECHOS = [
  ['laravel-echo 1.19', Echo1.default ?? Echo1],
  ['laravel-echo 2', Echo2],
];

/** `run(t, { hub, echo, makeEcho })`, once for each Echo. */
export function withEcho(name, options, run) {
  for (const [version, Echo] of ECHOS) {
    test(`${version}: ${name}`, async (t) => {
      const hub = await startHub(t);
      const makeEcho = (more = {}) => {
        const echo = new Echo({ broadcaster: TidingsConnector, host: hub.url, ...options, ...more });
        t.after(() => echo.disconnect());
        return echo;
      };
      await run(t, { hub, makeEcho });
    });
  }
}

/** Collects what callbacks are called with: `seen.into('name')` is a callback. */
export function collector() {
  const calls = [];
  const into = (name) => (...values) => calls.push([name, ...values]);
  return { calls, into };
}

export const connected = (hub, echo) => until('it is connected', () => hub.streams.length > 0 && echo.socketId() === hub.stream.socketId);
