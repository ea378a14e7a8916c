// What is read out of a measurement, and how it is shown.

const KIB = 1024

const number = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** Three significant digits, but never fewer than the whole number: 1.23, 45.6, 1,234. */
export function short(value) {
  return Math.abs(value) >= 1000 ? whole.format(value) : number.format(value)
}

function bytes(value) {
  for (const [unit, size] of [['GiB', KIB ** 3], ['MiB', KIB ** 2], ['KiB', KIB]]) {
    if (Math.abs(value) >= size) return `${short(value / size)} ${unit}`
  }
  return `${short(value)} B`
}

function perSecond(value) {
  if (value >= 1e6) return `${number.format(value / 1e6)} M/s`
  return value >= 1e4 ? `${number.format(value / 1e3)} k/s` : `${short(value)} /s`
}

const unit = (name) => (value) => `${short(value)} ${name}`

// The load tool's report; where several of its processes shared the work, of the first, or of all.
const one = (pick) => ({ reports: [report] }) => report && pick(report)
const sum = (pick) => ({ reports }) => (reports.length === 0 ? undefined : reports.reduce((all, report) => all + pick(report), 0))
const most = (pick) => ({ reports }) => (reports.length === 0 ? undefined : Math.max(...reports.map(pick)))

/**
 * Of each metric: its `title`; `of(record)`, the value, or nothing where there is none; `format(value)`; on an
 * `axis` its unit and how much of the value that is; and whether `"less"` or `"more"` is `better`.
 */
export const METRICS = {
  cpuPerDelivery: {
    title: 'server CPU per delivery',
    of: one((report) => report.server?.cpu_us_per_delivery),
    format: unit('µs'),
    axis: ['µs', 1],
    better: 'less',
  },
  cpuPerPublish: {
    title: 'server CPU per publish',
    of: one((report) => report.server?.cpu_us_per_publish),
    format: unit('µs'),
    axis: ['µs', 1],
    better: 'less',
  },
  latency50: { title: 'latency p50', of: one((report) => report.latency_ms?.p50), format: unit('ms'), axis: ['ms', 1], better: 'less' },
  latency99: { title: 'latency p99', of: one((report) => report.latency_ms?.p99), format: unit('ms'), axis: ['ms', 1], better: 'less' },
  publishLatency99: {
    title: 'publish latency p99',
    of: one((report) => report.publish_latency_ms?.p99),
    format: unit('ms'),
    axis: ['ms', 1],
    better: 'less',
  },
  deliveries: {
    title: 'deliveries per second',
    of: one((report) => report.deliveries_per_second),
    format: perSecond,
    axis: ['thousands', 1000],
    better: 'more',
  },
  publishes: {
    title: 'publishes per second',
    of: one((report) => report.publishes_per_second),
    format: perSecond,
    axis: ['thousands', 1000],
    better: 'more',
  },
  seconds: { title: 'time to the last delivery', of: one((report) => report.seconds), format: unit('s'), axis: ['s', 1], better: 'less' },
  memoryPerConnection: {
    title: 'memory per connection',
    of: most((report) => report.server?.memory_per_connection),
    format: bytes,
    axis: ['KiB', KIB],
    better: 'less',
  },
  peakMemory: {
    title: 'peak resident memory',
    of: ({ peak_memory: peak }) => peak || undefined,
    format: bytes,
    axis: ['MiB', KIB ** 2],
    better: 'less',
  },
  held: { title: 'subscribers held', of: sum((report) => report.held), format: short, better: 'more' },
  silence: {
    title: 'longest silence',
    of: most((report) => report.longest_silence_seconds),
    format: unit('s'),
    axis: ['s', 1],
    better: 'less',
  },
}
