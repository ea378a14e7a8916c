// Nchan in Debian's nginx, with one worker and with one for each of two cores.

import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { plainTarget } from '../../harness/target.mjs'

const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'

const template = readFileSync(new URL('nginx.conf.template', import.meta.url), 'utf8')

function nchan(name, title, workers) {
  return {
    name,
    title,
    kind: 'product',
    launch: ({ port, directory, files }) => {
      const values = { PORT: port, WORKERS: workers, USER: userInfo().username, FILES: files }
      return {
        command: ['/usr/sbin/nginx', '-p', directory, '-c', 'nginx.conf', '-e', 'stderr'],
        files: { 'nginx.conf': template.replace(/\$\{([A-Z]+)\}/g, (whole, key) => values[key] ?? whole) },
      }
    },
    target: plainTarget,
  }
}

export async function prepare() {
  if (!existsSync(MODULE)) throw new Error("Debian's nginx and libnginx-mod-nchan are not installed")
}

export const peers = [nchan('nchan', 'Nchan, 1 worker', 1), nchan('nchan-2', 'Nchan, 2 workers', 2)]
