// The results as Markdown.

import { checkBars } from './bars.mjs'
import { METRICS, short } from './metrics.mjs'

/** The whole summary. `plots` is where the plots are, from where the text will be. */
export function summaryText({ works, machine, cautions }, plots) {
  const parts = [...cautions, barsText(works), ...works.map((one) => workText(one, plots)), machineText(machine)]
  return parts.join('\n\n')
}

/** A verdict in words: how a bar was met or missed, and by how much. */
export function verdict({ reached, ofBar }) {
  if (reached === undefined) return 'not measured'
  const distance = ofBar === undefined ? '' : `: ${short(ofBar)} × the bar`
  return `${reached ? 'reached' : 'missed'}${distance}`
}

function barsText(works) {
  const rows = checkBars(works).map((bar) => [bar.work, bar.text, bar.measured ?? '–', verdict(bar)])
  return `### The bars\n\n${table(['work', 'bar', 'measured', ''], rows)}`
}

function workText({ work, options, rows, absent }, plots) {
  const heads = work.metrics.map((key) => METRICS[key].title)
  const ours = rows.find(({ peer }) => peer.name === 'tidings')
  const [first] = work.metrics
  const ratio = ({ values }) => values[first] && ours?.values[first] && values[first].median / ours.values[first].median
  const lines = rows.map((row) => [
    row.peer.title,
    ...work.metrics.map((key) => cell(row.values[key], METRICS[key])),
    ratio(row) === undefined ? '–' : `${short(ratio(row))} ×`,
    state(row),
  ])
  const flags = Object.entries(options).map(([name, value]) => (value === true ? name : `${name} ${value}`))
  return [
    `### ${work.title}`,
    `\`${work.name}\`: \`tidings bench ${work.tool}\` with ${flags.join(', ')}.`,
    table(['', ...heads, `${heads[0]}, to Tidings'`, 'rounds'], lines),
    ...absent.map(({ reason, peers }) => `Left out: ${peers.map(({ title }) => title).join('; ')}: ${reason}.`),
    `![${work.title}](${plots}${work.name}.png)`,
  ].join('\n\n')
}

function cell(value, { format }) {
  if (value === undefined) return '–'
  const { median, min, max, count } = value
  return count === 1 ? format(median) : `${format(median)} (${format(min)} – ${format(max)})`
}

/** How the rounds went: their number, or how many failed and the first reason. */
export function state({ rounds, failures }) {
  if (failures.length === 0) return String(rounds)
  return `${failures.length} of ${rounds} failed: ${escape(failures[0])}`
}

function machineText(machine) {
  return `### The machine\n\n${table(['', ''], machine.map(([what, text]) => [what, escape(text ?? '–')]))}`
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

function escape(text) {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 200)
}
