// bench/report.

import { parseArgs } from 'node:util'
import { writeReport } from '../report.mjs'

const USAGE = `Usage: bench/report [--into FILE] DIRECTORY

Makes summary.md, a plot of each work (WORK.png, and WORK-dark.png for dark pages) and index.html out of the raw
results in DIRECTORY, where bench/run has put them. It can run again at any time.

  --into FILE  also put the summary into this Markdown file, between its lines "<!-- results -->" and
               "<!-- end of results -->", and the plots into a folder beside it that has its name
  --help       this text
`

const USAGE_ERROR = 64

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { into: { type: 'string' }, help: { type: 'boolean', default: false } },
    })
    if (values.help) {
      console.log(USAGE)
      process.exit(0)
    }
    if (positionals.length !== 1) throw new Error('name one directory with results')
    return { folder: positionals[0], into: values.into }
  } catch (error) {
    console.error(`bench/report: ${error.message}`)
    process.exit(USAGE_ERROR)
  }
}

const { folder, into } = readOptions()
writeReport(folder, { into }).catch((error) => {
  console.error(`bench/report: ${error.message}`)
  process.exit(1)
})
