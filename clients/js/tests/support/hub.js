// A small HTTP server in the hub's place: it does what the hub's Echo front does for a client that behaves, keeps every
// request, and fails where the test says so.

import { createServer } from 'node:http';

// Wherever a test waits, it waits for a condition, and no longer than this.
const PATIENCE_MS = 10_000;

export async function until(what, condition) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export async function startHub(t) {
  const hub = new Hub();
  await hub.listen();
  t.after(() => hub.stop());
  return hub;
}

class Hub {
  /** Every request that arrived: `{ method, path, channels, headers, body }`. */
  requests = [];
  /** The streams that were opened, in order. */
  streams = [];
  /** Channels that are refused, each with its `{ status, detail }`. */
  refused = {};
  /** Who is in a presence channel. */
  users = {};
  /** What comes back of a reconnecting client: soon. */
  retryMs = 50;
  /** `(request) => status | { status, body } | undefined`: answers in place of the hub. */
  instead = () => undefined;
  /** `(request) => Promise`: what an answer waits for. */
  before = async () => {};

  async listen(port = 0) {
    this.server = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The requests to this path, without the front's own. */
  to(path) {
    return this.requests.filter((request) => request.path === `/wave${path}`);
  }

  get stream() {
    return this.streams.at(-1);
  }

  get open() {
    return this.streams.filter(({ ended }) => !ended);
  }

  async #answer(message, response) {
    let text = '';
    for await (const chunk of message.setEncoding('utf8')) text += chunk;
    const { pathname, searchParams } = new URL(message.url, this.url);
    const request = {
      method: message.method,
      path: pathname,
      channels: searchParams.getAll('channel'),
      headers: message.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(request);
    await this.before(request);
    const instead = this.instead(request);
    if (instead !== undefined) {
      const { status, body = {} } = typeof instead === 'number' ? { status: instead } : instead;
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    } else if (pathname === '/wave') {
      this.streams.push(new Stream(this, this.streams.length + 1, request, response));
    } else {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(this.#body(request)));
    }
  }

  #body({ path, body }) {
    if (path !== '/wave/subscribe') return {};
    const answer = (name) => this.refused[name] ?? (name.startsWith('presence-') ? { users: this.users[name] ?? [] } : {});
    return { channels: Object.fromEntries(body.channels.map((name) => [name, answer(name)])) };
  }
}

class Stream {
  ended = false;
  #response;

  constructor(hub, number, request, response) {
    this.socketId = `${number}.1`;
    this.request = request;
    this.#response = response;
    response.on('close', () => { this.ended = true; });
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Socket-Id': this.socketId });
    const denied = request.channels.filter((name) => name in hub.refused);
    response.write(
      `retry: ${hub.retryMs}\nevent: general.connected\ndata: ${this.socketId}\nid: c-${number}\n\n` +
        denied.map((channel) => frame('tidings.denied', { channel, ...hub.refused[channel] })).join(''),
    );
  }

  /** Sends an event; the data is JSON unless it is `{ text }`. */
  send(event, data, id) {
    this.#response.write(frame(event, data, id));
  }

  write(text) {
    this.#response.write(text);
  }

  /** Ends without a word. */
  cut() {
    this.#response.destroy();
  }
}

function frame(event, data, id) {
  const text = typeof data?.text === 'string' ? data.text : JSON.stringify(data);
  return `event: ${event}\ndata: ${text}\n${id === undefined ? '' : `id: ${id}\n`}\n`;
}
