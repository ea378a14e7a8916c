// What Laravel publishes, as it arrives: on the page and in the browser's own console.

import { addBounded } from './demo.js';
import { keepOpen, resumeAt } from './demo-connection.js';
import { byId, element } from './dom.js';
import { timeOfDay } from './format.js';

const MOST_LINES = 200;

keepOpen((lastEventId) => {
  const source = new EventSource(resumeAt('/sse', lastEventId));
  source.onmessage = (event) => {
    console.log(event.data);
    const now = new Date();
    const line = element('li', {}, element('time', { datetime: now.toISOString() }, timeOfDay(now)), element('bdi', {}, event.data));
    addBounded(byId('log'), line, MOST_LINES, { newestFirst: true });
  };
  return source;
}, byId('status'));
