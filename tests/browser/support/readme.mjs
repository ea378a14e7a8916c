// The code in README.md, to be run as a reader would.

import { readFileSync } from 'node:fs'

const text = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

// Where README's hub, Redis and so on are; the tests' are on free ports.
const README_HUB = /http:\/\/127\.0\.0\.1:8080/g

/** The fenced blocks of this language in which `wanted` occurs, in order. It is a mistake if there is none. */
export function blocks(language, wanted = '') {
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))]
    .map(([, code]) => code)
    .filter((code) => code.includes(wanted))
  if (found.length === 0) throw new Error(`README.md has no ${language} block with ${JSON.stringify(wanted)}`)
  return found
}

/** The same code, talking to this hub. */
export function onHub(code, hub) {
  return code.replaceAll(README_HUB, hub.url)
}
