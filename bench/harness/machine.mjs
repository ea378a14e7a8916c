// What the measurements were made on, and of.

import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'
import { output, ROOT } from './execute.mjs'
import { openFiles } from './process.mjs'

const GIB = 2 ** 30

/** A description of the machine and of the programs, as [what, text] pairs. */
export async function describeMachine({ data, pin }) {
  const first = async (program, args, pattern = /.+/) => {
    const { stdout, stderr } = await output(program, args, { cwd: ROOT }).catch(() => ({ stdout: '', stderr: '' }))
    return (stdout + stderr).match(pattern)?.[0] ?? 'not there'
  }
  const changes = (await output('git', ['status', '--porcelain', '--', 'crates', 'bench'], { cwd: ROOT })).stdout
  const version = (name) => new RegExp(`(?<=${name} )v\\S+`)
  const pins = (peer) => readFileSync(new URL(`../peers/${peer}`, import.meta.url), 'utf8')
  return [
    ['date', new Date().toISOString()],
    ['commit', (await first('git', ['rev-parse', 'HEAD'])) + (changes ? ', with changes that are not committed' : '')],
    ['processor', `${cpus()[0].model.trim()}, ${availableParallelism()} cores`],
    ['memory', `${(totalmem() / GIB).toFixed(1)} GiB`],
    ['kernel', release()],
    ['system', readFileSync('/etc/os-release', 'utf8').match(/(?<=PRETTY_NAME=").*(?=")/)?.[0] ?? 'unknown'],
    ['file system of the logs', await first('stat', ['--file-system', '--format', '%T', data])],
    ['open files for a process', String(openFiles())],
    ['load before', loadavg().map((load) => load.toFixed(2)).join(' ')],
    ['pinned', pin ? 'servers and load tool to cores of their own' : 'no'],
    ['rustc', await first('rustc', ['--version'])],
    ['axum', await first('cargo', ['tree', '--package', 'tidings-peers', '--depth', '1'], /(?<=axum )v\S+/)],
    ['node', process.version],
    ['better-sse', JSON.parse(pins('node/package.json')).dependencies['better-sse']],
    ['nginx', await first('/usr/sbin/nginx', ['-v'], /nginx\/\S+/)],
    ['nchan', await first('dpkg-query', ['--show', '--showformat=${Version}', 'libnginx-mod-nchan'], /^\d\S*/)],
    ['go', await first('go', ['version'])],
    ['mercure', pins('mercure/go.mod').match(version('github.com/dunglas/mercure'))?.[0]],
    ['centrifugo', pins('centrifugo/go.mod').match(version('github.com/centrifugal/centrifugo/v5'))?.[0]],
  ]
}
