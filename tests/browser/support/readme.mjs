// The code in README.md and its translations, to be run as a reader would.

import { readFileSync } from 'node:fs'

const READMES = ['README.md', 'README.zh-CN.md']

// Where README's hub is; the tests' are on free ports.
const README_HUB = 'http://127.0.0.1:8080'

const text = READMES.map((name) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8'))

/**
 * The fenced blocks of this language in which `wanted` occurs, in order: a list for each README. It is
 * a mistake if there is none.
 */
export function blocks(language, wanted = '') {
  return text.map((readme, index) => {
    const found = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))]
      .map(([, code]) => code)
      .filter((code) => code.includes(wanted))
    if (found.length === 0) throw new Error(`${READMES[index]} has no ${language} block with ${JSON.stringify(wanted)}`)
    return found
  })
}

/** The same code, talking to this hub. */
export function onHub(code, hub) {
  return code.replaceAll(README_HUB, hub.url)
}
