// Talking to the hub over its HTTP API: one place for the token, time limits and problem documents.

/** A hub that takes longer than this to answer a small request is as good as away. */
const ANSWER_LIMIT_MS = 10_000;
/** Topics asked for at once; who has more types a name. */
const MOST_TOPICS = 500;

const REMEMBERED = 'tidings.token';

let token = remembered();

function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED) ?? '';
  } catch {
    return '';
  }
}

/** The key or token sent as `Authorization: Bearer` with everything; kept in this tab until it is closed. "" forgets it. */
export function setToken(value) {
  token = value.trim();
  try {
    if (token === '') sessionStorage.removeItem(REMEMBERED);
    else sessionStorage.setItem(REMEMBERED, token);
  } catch {
    // Storage may be forbidden; the token then lasts as long as the page.
  }
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

  /** Whether the answer will be the same until something else is shown to the hub: no key, no right, or no such route. */
  get isFinal() {
    return [401, 403, 404].includes(this.status);
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
export function publishPath({ topic, event = '', id = '', isPrivate = false }) {
  const query = new URLSearchParams();
  if (event !== '') query.set('event', event);
  if (id !== '') query.set('id', id);
  if (isPrivate) query.set('private', 'true');
  const text = query.toString();
  return `/topics/${encodeURIComponent(topic)}${text === '' ? '' : `?${text}`}`;
}

/** Publishes one event; resolves to `{id, epoch, offset}` once the log has it. */
export function publish(publication) {
  return ask(publishPath(publication), {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    body: publication.data,
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
 * not at all while the page is hidden or after a final no, and at once when it is seen again or `now()` is called.
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
    let isFinal = false;
    try {
      await poll();
      failures = 0;
    } catch (error) {
      failures += 1;
      isFinal = error instanceof HubError && error.isFinal;
    }
    running = false;
    if (isFinal && !again) return;
    const wait = again ? 0 : Math.min(everyMs * 2 ** Math.min(failures, 10), Math.max(slowestMs, everyMs));
    again = false;
    timer = setTimeout(run, wait);
  }

  document.addEventListener('visibilitychange', run);
  run();
  return { now: run };
}
