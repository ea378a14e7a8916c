// The smallest page there is: every message is a line in the list.

import { addBounded } from './demo.js';
import { keepOpen, resumeAt } from './demo-connection.js';
import { byId, element } from './dom.js';

const MOST_LINES = 100;

keepOpen((lastEventId) => {
  const source = new EventSource(resumeAt('/events?topic=stocks', lastEventId));
  source.addEventListener('message', (event) => {
    addBounded(byId('feed'), element('li', {}, event.data), MOST_LINES, { newestFirst: true });
  });
  return source;
}, byId('status'));
