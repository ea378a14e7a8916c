// The broadcaster of the articles, and the library better-sse.

import { fileURLToPath } from 'node:url'
import { plainTarget } from '../../harness/target.mjs'
import { execute } from '../../harness/execute.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))

function script(name, title, file) {
  return {
    name,
    title,
    kind: 'library',
    launch: ({ port }) => ({ command: [process.execPath, folder + file, port] }),
    target: plainTarget,
  }
}

export async function prepare() {
  await execute('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'])
}

export const peers = [
  script('node-plain', 'Node, as in the article', 'plain.mjs'),
  script('better-sse', 'better-sse on Node', 'better-sse.mjs'),
]
