// The code in README.md and its translations.

import { Document } from './documents.mjs'

export { onHub } from './documents.mjs'

const README = new Document('README')

/** The fenced blocks of this language in which `wanted` occurs, in order: a list for each README. */
export function blocks(language, wanted) {
  return README.blocks(language, wanted)
}
