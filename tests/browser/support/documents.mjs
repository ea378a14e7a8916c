// The code in the documents and their translations, to be run as a reader would.

import { readFileSync } from 'node:fs'

// Where the documents' hub is; the tests' are on free ports.
const THEIR_HUB = 'http://127.0.0.1:8080'

/** A document and its translation, named without the ending: `README`, `docs/rights`. */
export class Document {
  constructor(name) {
    this.files = [`${name}.md`, `${name}.zh-CN.md`]
    this.texts = this.files.map((file) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'))
  }

  /**
   * The fenced blocks of this language in which `wanted` occurs, in order: a list for each file. It is a mistake if there
   * is none.
   */
  blocks(language, wanted = '') {
    return this.texts.map((text, index) => {
      const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))]
        .map(([, code]) => code)
        .filter((code) => code.includes(wanted))
      if (found.length === 0) throw new Error(`${this.files[index]} has no ${language} block with ${JSON.stringify(wanted)}`)
      return found
    })
  }

  /** The one such block of each file. */
  block(language, wanted) {
    return this.blocks(language, wanted).map((found, index) => {
      if (found.length > 1) throw new Error(`${this.files[index]} has ${found.length} ${language} blocks with ${JSON.stringify(wanted)}`)
      return found[0]
    })
  }
}

/** The same code, talking to this hub. */
export function onHub(code, hub) {
  return code.replaceAll(THEIR_HUB, hub.url)
}
