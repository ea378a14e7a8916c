// A real nginx in front of the hub, as a site would have it.

import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { onFreePort, Server, temporaryDirectory } from './server.mjs'

/**
 * A location that hands everything to `upstream` (an http://host:port). No further directives leave
 * everything at nginx's defaults, with buffering on and HTTP/1.0 towards the hub.
 */
export function proxyTo(upstream, directives = '') {
  return `location / { proxy_pass ${upstream}; ${directives} }`
}

/** Starts nginx on a free port with these locations, beside its own `/nginx-is-up`. */
export async function startNginx(t, locations) {
  const directory = temporaryDirectory(t)
  const nginx = await onFreePort(async (port) => {
    const configuration = join(directory, 'nginx.conf')
    writeFileSync(configuration, configurationText(directory, port, locations))
    const server = new Server('nginx', ['-p', directory, '-c', configuration, '-e', join(directory, 'error.log')], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    })
    const url = `http://127.0.0.1:${port}`
    await server.ready('serves', async () => (await fetch(`${url}/nginx-is-up`)).ok)
    return { url, port, server }
  })
  t.after(() => nginx.server.end('SIGTERM'))
  return nginx
}

function configurationText(directory, port, locations) {
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(directory, name), { recursive: true })
  return `
daemon off;
pid ${directory}/nginx.pid;
user ${userInfo().username};
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${port};
    location = /nginx-is-up { default_type text/plain; return 200 "up"; }
    ${locations}
  }
}
`
}
