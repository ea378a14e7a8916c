// Centrifugo: subscribers on its unidirectional event streams, publishers on its HTTP API.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGo } from '../../harness/execute.mjs'

const PACKAGE = 'github.com/centrifugal/centrifugo/v5'

const folder = fileURLToPath(new URL('.', import.meta.url))
const configuration = readFileSync(join(folder, 'config.json'), 'utf8')

export async function prepare({ built }) {
  await buildGo(folder, PACKAGE, join(built, 'centrifugo'))
}

export const peers = [
  {
    name: 'centrifugo',
    title: 'Centrifugo',
    kind: 'product',
    launch: ({ built, port }) => ({
      command: [join(built, 'centrifugo'), '--config', 'config.json', '--address', '127.0.0.1', '--port', port],
      files: { 'config.json': configuration },
    }),
    target: (url) => [
      // {"subs":{"TOPIC":{}}}, with everything but the topic encoded.
      '--subscribe-url', `${url}/connection/uni_sse?cf_connect=%7B%22subs%22%3A%7B%22{topic}%22%3A%7B%7D%7D%7D`,
      '--publish-url', `${url}/api/publish`,
      '--publish-header', `X-API-Key: ${JSON.parse(configuration).api_key}`,
      '--publish-header', 'Content-Type: application/json',
      '--publish-body', '{"channel":"{topic}","data":"{data}"}',
    ],
  },
]
