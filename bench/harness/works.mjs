// What is measured: each work is one call of the load tool, the same for every peer.

const OTHERS = ['axum-sse', 'node-plain', 'better-sse', 'nchan', 'nchan-2', 'mercure', 'centrifugo']
const EVERYBODY = ['tidings', 'send-loop', 'batched', ...OTHERS]

// A process has 20,000 files where nothing else is said, and a client about 28,000 ports towards one address: each
// share of the subscribers has a hub and a load tool of its own.
const HELD_PROCESSES = 5
const HELD_SUBSCRIBERS = 95_000

const NOT_DONE_HERE = 'this work is about the hub alone'
const NO_REPLAY = 'there are no missed events for who comes back with Last-Event-ID'

/**
 * Of each work: `tool` and `options` for the load tool, `quick` and `smoke` what differs in shorter runs; `peers` who
 * does it, and `others` why the rest does not; `metrics` what is shown (see metrics.mjs); `around` a thing to have on
 * the hub meanwhile (see around.mjs); `processes` how many hubs and load tools share it.
 */
export const WORKS = [
  {
    name: 'steady-1000',
    title: 'Steady fan-out: 1,000 subscribers, 10 events/s',
    tool: 'fanout',
    options: { subscribers: 1_000, events: 120, publishers: 1, rate: 10 },
    quick: { events: 30 },
    smoke: { subscribers: 20, events: 10, rate: 20 },
    peers: EVERYBODY,
    metrics: ['cpuPerDelivery', 'latency99', 'latency50'],
  },
  {
    name: 'steady-10000',
    title: 'Steady fan-out: 10,000 subscribers, 10 events/s',
    tool: 'fanout',
    options: { subscribers: 10_000, events: 120, publishers: 1, rate: 10 },
    quick: { events: 30 },
    smoke: null,
    peers: EVERYBODY,
    metrics: ['cpuPerDelivery', 'latency99', 'latency50'],
  },
  {
    name: 'burst-1000',
    title: 'Burst: 1,000 subscribers, 1,000 events, 16 publishers',
    tool: 'fanout',
    options: { subscribers: 1_000, events: 1_000, publishers: 16 },
    quick: { events: 200 },
    smoke: { subscribers: 20, events: 100, publishers: 4 },
    peers: EVERYBODY,
    metrics: ['deliveries', 'cpuPerDelivery', 'peakMemory'],
  },
  {
    name: 'burst-10000',
    title: 'Burst: 10,000 subscribers, 200 events, 16 publishers',
    tool: 'fanout',
    options: { subscribers: 10_000, events: 200, publishers: 16 },
    quick: { events: 50 },
    smoke: null,
    peers: EVERYBODY,
    metrics: ['deliveries', 'cpuPerDelivery', 'peakMemory'],
  },
  {
    name: 'topics-10000',
    title: '10,000 topics with a subscriber each, 64 publishers to random ones',
    tool: 'topics',
    options: { topics: 10_000, 'subscribers-per-topic': 1, events: 50_000, publishers: 64 },
    quick: { topics: 2_000, events: 10_000 },
    smoke: { topics: 20, events: 100, publishers: 4 },
    peers: EVERYBODY,
    metrics: ['deliveries', 'cpuPerDelivery', 'latency99'],
  },
  {
    name: 'topics-10',
    title: '10 topics with a subscriber each, and no other',
    tool: 'topics',
    // Paced, for the faster the publishes come the more of them share one flush, and the less each costs.
    options: { topics: 10, 'subscribers-per-topic': 1, events: 20_000, publishers: 16, rate: 2_000 },
    quick: { events: 5_000 },
    smoke: { events: 100, publishers: 4 },
    peers: ['tidings'],
    others: NOT_DONE_HERE,
    metrics: ['cpuPerPublish', 'latency99'],
  },
  {
    name: 'topics-100000',
    title: 'The same 10 topics among 100,000, each of which has an event and a subscriber',
    tool: 'topics',
    options: { topics: 10, 'subscribers-per-topic': 1, events: 20_000, publishers: 16, rate: 2_000 },
    quick: { events: 5_000 },
    smoke: null,
    around: { topics: 100_000 },
    peers: ['tidings'],
    others: NOT_DONE_HERE,
    metrics: ['cpuPerPublish', 'latency99'],
  },
  {
    name: 'idle',
    title: '10,000 subscribers who are sent nothing',
    tool: 'idle',
    options: { subscribers: 10_000, seconds: 10 },
    quick: { subscribers: 2_000, seconds: 3 },
    smoke: { subscribers: 20, seconds: 1 },
    peers: EVERYBODY,
    metrics: ['memoryPerConnection'],
  },
  {
    name: 'idle-http2',
    title: '1,000 subscribers over HTTP/2 who are sent nothing',
    tool: 'idle',
    options: { subscribers: 1_000, seconds: 10, http2: true },
    quick: { seconds: 3 },
    smoke: { subscribers: 20, seconds: 1 },
    peers: ['tidings'],
    others: NOT_DONE_HERE,
    metrics: ['memoryPerConnection'],
  },
  {
    name: 'idle-tls',
    title: '1,000 subscribers over TLS who are sent nothing',
    tool: 'idle',
    options: { subscribers: 1_000, seconds: 10, insecure: true },
    quick: { seconds: 3 },
    smoke: { subscribers: 20, seconds: 1 },
    peers: ['tidings-tls'],
    others: NOT_DONE_HERE,
    metrics: ['memoryPerConnection'],
  },
  {
    name: 'resume-5000',
    title: 'Reconnect storm: 5,000 subscribers, 1,000 missed events each',
    tool: 'resume',
    options: { subscribers: 5_000, events: 1_000, publishers: 16 },
    quick: { subscribers: 1_000, events: 200 },
    smoke: { subscribers: 20, events: 50 },
    peers: ['tidings', 'nchan', 'nchan-2', 'mercure'],
    others: NO_REPLAY,
    metrics: ['deliveries', 'seconds', 'peakMemory'],
  },
  {
    name: 'publish-64',
    title: 'Publishes without subscribers, 64 publishers',
    tool: 'publish',
    options: { publishers: 64, events: 200_000 },
    quick: { events: 20_000 },
    smoke: { publishers: 4, events: 200 },
    peers: ['tidings', 'tidings-memory'],
    others: NOT_DONE_HERE,
    metrics: ['publishes', 'cpuPerPublish', 'publishLatency99'],
  },
  {
    name: 'held-95000',
    title: '95,000 subscribers held by five hubs, then one broadcast to all',
    tool: 'idle',
    options: { subscribers: HELD_SUBSCRIBERS / HELD_PROCESSES, seconds: 35, broadcasts: 10 },
    quick: { subscribers: 2_000, seconds: 3 },
    smoke: null,
    processes: HELD_PROCESSES,
    peers: ['tidings'],
    others: NOT_DONE_HERE,
    metrics: ['held', 'memoryPerConnection', 'silence'],
  },
]

/** The work as it is in a run of this size ("full", "quick" or "smoke"), or nothing where it is left out there. */
export function sized(work, size) {
  if (size === 'full') return work
  if (work[size] === null) return undefined
  return { ...work, options: { ...work.options, ...work[size] } }
}
