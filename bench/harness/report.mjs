// From the raw results to medians, ratios, plots and a page.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { analyse, cautions } from './analysis.mjs'
import { pageText } from './page.mjs'
import { drawPlots } from './plots.mjs'
import { readResults } from './results.mjs'
import { summaryText } from './summary.mjs'

const PLACE = /(?<=<!-- results -->\n).*(?=<!-- end of results -->)/s

/**
 * Writes summary.md, the plots and index.html into the folder that holds the raw results. With `into`, a Markdown file
 * with a place for it, the summary goes there too, and the plots into a folder beside it that has its name.
 */
export async function writeReport(folder, { into } = {}) {
  const results = readResults(folder)
  const report = { works: analyse(results), machine: results.machine, cautions: cautions(results) }
  await drawPlots(report.works, folder)
  writeFileSync(join(folder, 'summary.md'), `# Tidings and its peers\n\n${summaryText(report, '')}\n`)
  writeFileSync(join(folder, 'index.html'), pageText(report, folder))
  if (into !== undefined) putInto(into, folder, report)
}

function putInto(file, folder, report) {
  const page = readFileSync(file, 'utf8')
  if (!PLACE.test(page)) throw new Error(`${file} has no lines "<!-- results -->" and "<!-- end of results -->"`)
  const plots = basename(file, extname(file))
  mkdirSync(join(dirname(file), plots), { recursive: true })
  for (const { work } of report.works) copyFileSync(join(folder, `${work.name}.png`), join(dirname(file), plots, `${work.name}.png`))
  writeFileSync(file, page.replace(PLACE, () => `\n${summaryText(report, `${plots}/`)}\n\n`))
}
