// The Mercure hub: the stand-alone program of its Go module. Its authors prefer their build inside Caddy, which the
// module proxy cannot give; the hub in it is the same.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGo } from '../../harness/execute.mjs'

const PACKAGE = 'github.com/dunglas/mercure/cmd/mercure'

const folder = fileURLToPath(new URL('.', import.meta.url))
const configuration = readFileSync(join(folder, 'mercure.yaml'), 'utf8')
const [, key] = /^jwt_key: "(.+)"$/m.exec(configuration)

function token() {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ mercure: { publish: ['*'] } })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

export async function prepare({ built }) {
  await buildGo(folder, PACKAGE, join(built, 'mercure'))
}

export const peers = [
  {
    name: 'mercure',
    title: 'Mercure',
    kind: 'product',
    launch: ({ built, port }) => ({
      command: [join(built, 'mercure'), '--addr', `127.0.0.1:${port}`],
      files: { 'mercure.yaml': configuration },
    }),
    target: (url) => [
      '--subscribe-url', `${url}/.well-known/mercure?topic={topic}`,
      '--publish-url', `${url}/.well-known/mercure`,
      '--publish-header', `Authorization: Bearer ${token()}`,
      '--publish-header', 'Content-Type: application/x-www-form-urlencoded',
      '--publish-body', 'topic={topic}&data={data}',
    ],
  },
]
