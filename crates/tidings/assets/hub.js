// Talking to the hub over its HTTP API: one place for the token, time limits and problem documents.

/** A hub that takes longer than this to answer a small request is as good as away. */
const ANSWER_LIMIT_MS = 10_000;
/** Topics asked for at once; who has more types a name. */
const MOST_TOPICS = 500;

let token = '';

/** The token sent as `Authorization: Bearer` with everything; kept in this page's memory only. */
export function setToken(value) {
  token = value.trim();
}

export function hasToken() {
  return token !== '';
}

export function authorization() {
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

/** What the hub said no with: `message` is a sentence for a person; `status` is 0 when there was no answer at all. */
export class HubError extends Error {
  constructor(message, status) {
    super(message);
    this.name = 'HubError';
    this.status = status;
  }
}

/** What an error answer says: the problem document's detail (RFC 9457), or the best there is; without a full stop, to be put into a sentence. */
export async function problemText(response) {
  return (await detail(response)).replace(/\.$/, '');
}

async function detail(response) {
  const fallback = `The hub answered ${response.status} ${response.statusText}`.trim();
  try {
    const text = await response.text();
    if ((response.headers.get('Content-Type') ?? '').includes('json')) {
      const problem = JSON.parse(text);
      return String(problem.detail ?? problem.title ?? fallback);
    }
    const firstLine = text.trim().split('\n')[0];
    return firstLine !== '' && firstLine.length <= 200 && !firstLine.startsWith('<') ? firstLine : fallback;
  } catch {
    return fallback;
  }
}

async function ask(path, init = {}) {
  let response;
  try {
    response = await fetch(path, {
      ...init,
      headers: { ...authorization(), ...init.headers },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
  } catch (error) {
    const late = error.name === 'TimeoutError';
    throw new HubError(late ? `The hub did not answer within ${ANSWER_LIMIT_MS / 1000} s` : 'The hub cannot be reached', 0);
  }
  if (!response.ok) throw new HubError(await problemText(response), response.status);
  try {
    return await response.json();
  } catch {
    throw new HubError('The answer is not the JSON it should be. Is something between this page and the hub?', response.status);
  }
}

export function getStats() {
  return ask('/stats', { cache: 'no-store' });
}

export function getTopics() {
  return ask(`/topics?limit=${MOST_TOPICS}`, { cache: 'no-store' });
}

/** The path and query that publish to one topic. */
export function publishPath({ topic, event = '', id = '' }) {
  const query = new URLSearchParams();
  if (event !== '') query.set('event', event);
  if (id !== '') query.set('id', id);
  const text = query.toString();
  return `/topics/${encodeURIComponent(topic)}${text === '' ? '' : `?${text}`}`;
}

/** Publishes one event; resolves to `{id, epoch, offset}` once the log has it. */
export function publish({ topic, event, id, data }) {
  return ask(publishPath({ topic, event, id }), {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    body: data,
  });
}

/** Posts a JSON message to the default topic. */
export function postMessage(message) {
  return ask('/message', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(message),
  });
}

/**
 * Calls `poll` again and again: every `everyMs` while it succeeds, slower and slower (to `slowestMs`) while it fails,
 * not at all while the page is hidden, and at once when it is seen again or `now()` is called.
 */
export function pollEvery(poll, everyMs, slowestMs = 30_000) {
  let timer = 0;
  let failures = 0;
  let running = false;
  let again = false;

  async function run() {
    clearTimeout(timer);
    if (document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await poll();
      failures = 0;
    } catch {
      failures += 1;
    }
    running = false;
    const wait = again ? 0 : Math.min(everyMs * 2 ** Math.min(failures, 10), Math.max(slowestMs, everyMs));
    again = false;
    timer = setTimeout(run, wait);
  }

  document.addEventListener('visibilitychange', run);
  run();
  return { now: run };
}
