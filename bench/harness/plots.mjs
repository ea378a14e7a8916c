// A plot for each work: bars of the medians, with whiskers from the least to the most.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { METRICS } from './metrics.mjs'

const WIDTH = 760
const ROW_HEIGHT = 36
const PANEL_FRAME = 116
// Bars that differ by more than this are drawn on a logarithmic axis.
const LINEAR_SPAN = 40
const BAR_HALF = 0.36

/** The colours of a page in the light and in the dark; the kinds of peers are told apart by theirs. */
const THEMES = {
  '': { paper: '#ffffff', ink: '#1f2430', grid: '#d7dbe3', hub: '#0b6bcb', floor: '#8a93a3', library: '#4f9d69', product: '#c9792b' },
  '-dark': { paper: '#14171d', ink: '#e6e8ee', grid: '#39404d', hub: '#58a6ff', floor: '#7d8696', library: '#6cc08b', product: '#e39b52' },
}

/** Draws the plots of all works into `folder`, each as NAME.png and NAME-dark.png. */
export async function drawPlots(works, folder) {
  for (const one of works) {
    for (const [suffix, theme] of Object.entries(THEMES)) {
      await gnuplot(script(one, theme, join(folder, `${one.work.name}${suffix}.png`)))
    }
  }
}

function script({ work, rows }, theme, file) {
  const panels = work.metrics.map((key) => panel(METRICS[key], key, rows, theme)).filter(Boolean)
  const height = panels.reduce((sum, { height: panelHeight }) => sum + panelHeight, 0)
  let top = 1
  const placed = panels.map(({ height: panelHeight, commands }) => {
    const size = panelHeight / height
    top -= size
    return `set origin 0,${top}\nset size 1,${size}\n${commands}`
  })
  return `
set terminal pngcairo size ${WIDTH},${height} font 'sans,13' background rgb '${theme.paper}'
set output ${quoted(file)}
set encoding utf8
set border 3 linecolor rgb '${theme.ink}'
set tics nomirror textcolor rgb '${theme.ink}'
set grid xtics back linetype 1 linewidth 1 linecolor rgb '${theme.grid}'
set lmargin at screen 0.32
set rmargin at screen 0.80
set bmargin 2.5
set tmargin 3
unset key
set multiplot
${placed.join('\n')}
unset multiplot
`
}

function panel({ title, format, better, axis: [unit, scale] = ['', 1] }, key, rows, theme) {
  const shown = rows.filter(({ values }) => values[key] !== undefined)
  if (shown.length === 0) return undefined
  const scaled = (value) => value / scale
  const all = shown.flatMap(({ values }) => [values[key].min, values[key].max]).filter((value) => value > 0).map(scaled)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const logarithmic = most / least > LINEAR_SPAN
  const from = logarithmic ? 10 ** Math.floor(Math.log10(least) - 0.1) : 0
  const data = shown.map(({ peer, values: { [key]: value }, broken }, index) => {
    const label = `${format(value.median)}${broken ? ' (failed)' : ''}`
    const colour = `0x${theme[peer.kind].slice(1)}`
    const numbers = [value.median, value.min, value.max].map(scaled)
    return [-index, ...numbers, colour, datum(peer.title), datum(label)].join(' ')
  })
  const notes = [...(unit ? [unit] : []), `${better} is better`, ...(logarithmic ? ['logarithmic'] : [])]
  return {
    height: PANEL_FRAME + ROW_HEIGHT * shown.length,
    commands: `
set title ${quoted(`${title} (${notes.join(', ')})`)} textcolor rgb '${theme.ink}' font ',14'
${logarithmic ? 'set logscale x' : 'unset logscale x'}
set format x '%.12g'
set xrange [${from}:${logarithmic ? most * 1.1 : most * 1.02 || 1}]
set yrange [${0.4 - shown.length}:0.6]
$data << EOD
${data.join('\n')}
EOD
plot $data using 2:1:(${from}):2:($1-${BAR_HALF}):($1+${BAR_HALF}):5:ytic(6) with boxxyerror fillstyle solid noborder linecolor rgb variable, \\
  $data using 2:1:3:4 with xerrorbars pointtype -1 linewidth 1.5 linecolor rgb '${theme.ink}', \\
  $data using 4:1:7 with labels left offset 0.8,0 textcolor rgb '${theme.ink}'`,
  }
}

// Within double quotes gnuplot reads backslashes; within these, nothing but the quote itself.
function quoted(text) {
  return `'${String(text).replaceAll("'", "''")}'`
}

// In a block of data only double quotes hold words together.
function datum(text) {
  return `"${String(text).replaceAll('"', "'")}"`
}

function gnuplot(commands) {
  return new Promise((resolve, reject) => {
    const child = spawn('gnuplot', [], { stdio: ['pipe', 'inherit', 'pipe'] })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text) => { errors += text })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`gnuplot ended with ${code}: ${errors}`))))
    child.stdin.end(commands)
  })
}
