// A `fetch` whose answers the test gives, one attempt after the other.

export class FakeFetch {
  /** What was asked for: `{ url, headers, signal, answer, refuse }`. */
  attempts = [];

  fetch = (url, { headers, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();
    signal.addEventListener('abort', () => reject(signal.reason));
    this.attempts.push({ url, headers, signal, answer: resolve, refuse: () => reject(new TypeError('fetch failed')) });
    return promise;
  };

  get last() {
    return this.attempts.at(-1);
  }

  /** Answers the last attempt with an event stream; returns what writes to it and ends it. */
  stream() {
    const { signal, answer } = this.last;
    let controller;
    const body = new ReadableStream({ start: (made) => { controller = made; } });
    signal.addEventListener('abort', () => controller.error(signal.reason));
    answer(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
    return {
      write: (text) => controller.enqueue(new TextEncoder().encode(text)),
      end: () => controller.close(),
    };
  }

  /** Answers the last attempt with this status. */
  status(status, body = '', type = 'text/plain') {
    this.last.answer(new Response(status === 204 ? null : body, { status, headers: { 'Content-Type': type } }));
  }
}

function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...made) => { [resolve, reject] = made; });
  return { promise, resolve, reject };
}
