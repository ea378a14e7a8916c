// The results as one page that needs no other file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkBars } from './bars.mjs'
import { METRICS } from './metrics.mjs'
import { verdict } from './summary.mjs'

const STYLE = readFileSync(new URL('page.css', import.meta.url), 'utf8')

/** The page; the plots are taken from `folder`. */
export function pageText({ works, machine, cautions }, folder) {
  const date = machine.find(([what]) => what === 'date')[1].slice(0, 10)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tidings and its peers, ${date}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>Tidings and its peers</h1>
<p>Measured on ${date}. Medians of all rounds, with the least and the most.</p>
${cautions.map((caution) => `<p class="missed">${escape(caution)}</p>`).join('\n')}
${bars(works)}
${works.map((one) => section(one, folder)).join('\n')}
<section><h2>The machine</h2>
${table(['', ''], machine.map(([what, text]) => [escape(what), escape(text ?? '–')]))}</section>
</html>
`
}

function bars(works) {
  const rows = checkBars(works).map((bar) => {
    const state = bar.reached === undefined ? 'open' : bar.reached ? 'reached' : 'missed'
    return [`<a href="#${bar.work}">${bar.work}</a>`, escape(bar.text), escape(bar.measured ?? '–'), `<b class="${state}">${escape(verdict(bar))}</b>`]
  })
  return `<section><h2>The bars</h2>${table(['work', 'bar', 'measured', ''], rows)}</section>`
}

function section({ work, rows, absent }, folder) {
  const heads = ['', ...work.metrics.map((key) => METRICS[key].title), 'rounds']
  const lines = rows.map(({ peer, values, rounds, failures }) => [
    `<span class="${peer.kind}">${escape(peer.title)}</span>`,
    ...work.metrics.map((key) => cell(values[key], METRICS[key])),
    failures.length === 0 ? String(rounds) : `${failures.length} of ${rounds} failed: ${escape(failures[0])}`,
  ])
  const reasons = absent.map(
    ({ reason, peers }) => `<p class="absent">Left out: ${escape(peers.map(({ title }) => title).join('; '))}: ${escape(reason)}.</p>`,
  )
  const picture = (suffix) => `data:image/png;base64,${readFileSync(join(folder, `${work.name}${suffix}.png`)).toString('base64')}`
  return `<section id="${work.name}"><h2>${escape(work.title)}</h2>
<picture><source media="(prefers-color-scheme: dark)" srcset="${picture('-dark')}"><img src="${picture('')}" alt="The medians of the table below, as bars"></picture>
${table(heads.map(escape), lines)}
${reasons.join('\n')}</section>`
}

function cell(value, { format }) {
  if (value === undefined) return '–'
  const { median, min, max, count } = value
  const range = count === 1 ? '' : ` <small>${escape(format(min))} – ${escape(format(max))}</small>`
  return escape(format(median)) + range
}

function table(heads, rows) {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('')
  const body = rows.map(([first, ...rest]) => `<tr><th scope="row">${first}</th>${rest.map((text) => `<td>${text}</td>`).join('')}</tr>`)
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
