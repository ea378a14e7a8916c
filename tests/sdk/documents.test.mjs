// docs/pusher.md and its translation: its configuration, and the code for Node and for a shell, run as they stand.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Document, onHub } from '../browser/support/documents.mjs'
import { startHub } from '../browser/support/hub.mjs'
import { openStream } from '../browser/support/stream.mjs'

const run = promisify(execFile)
const document = new Document('docs/pusher')
const modules = fileURLToPath(new URL('node_modules', import.meta.url))

document.files.forEach((file, index) => {
  const start = async (t) => {
    const hub = await startHub(t, { configuration: document.block('toml', '[[pusher.apps]]')[index] })
    return { hub, stream: await openStream(t, `${hub.url}/events?topic=messages`) }
  }

  test(`${file}: with curl and openssl`, async (t) => {
    const { hub, stream } = await start(t)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', onHub(document.block('sh', 'openssl')[index], hub)])
    assert.equal(stdout, '{}')
    await stream.receives('event: created\ndata: {"text":"Hello"}\n\n')
  })

  test(`${file}: with Node`, async (t) => {
    const { hub, stream } = await start(t)
    const code = document.block('js', 'require')[index].replace('8080', hub.port)
    await run(process.execPath, ['--input-type=commonjs', '--eval', code], { env: { ...process.env, NODE_PATH: modules } })
    await stream.receives('event: created\ndata: {"text":"Hello"}\n\n')
  })
})
