// A real nginx in front of the hub, as a site would have it.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort, onFreePort, Server, temporaryDirectory } from './server.mjs'

/**
 * A location that hands everything to `upstream` (an http://host:port). No further directives leave
 * everything at nginx's defaults, with buffering on and HTTP/1.0 towards the hub.
 */
export function proxyTo(upstream, directives = '') {
  return `location / { proxy_pass ${upstream}; ${directives} }`
}

/**
 * Starts nginx on a free port with these locations, beside its own `/nginx-is-up`. With `tls` it is at `nginx.secureUrl`,
 * too, with a certificate that nobody has reason to trust.
 */
export async function startNginx(t, locations, { tls = false } = {}) {
  const directory = temporaryDirectory(t)
  if (tls) makeCertificate(directory)
  const nginx = await onFreePort(async (port) => {
    const configuration = join(directory, 'nginx.conf')
    const tlsPort = tls ? await freePort() : undefined
    writeFileSync(configuration, configurationText(directory, port, tlsPort, locations))
    const server = new Server('nginx', ['-p', directory, '-c', configuration, '-e', join(directory, 'error.log')], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    })
    const url = `http://127.0.0.1:${port}`
    await server.ready('serves', async () => (await fetch(`${url}/nginx-is-up`)).ok)
    return { url, port, server, secureUrl: `https://127.0.0.1:${tlsPort}` }
  })
  t.after(() => nginx.server.end('SIGTERM'))
  return nginx
}

function makeCertificate(directory) {
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(directory, name))
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
}

function configurationText(directory, port, tlsPort, locations) {
  const tls = `listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${directory}/certificate.pem; ssl_certificate_key ${directory}/key.pem;`
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
    ${tlsPort === undefined ? '' : tls}
    location = /nginx-is-up { default_type text/plain; return 200 "up"; }
    ${locations}
  }
}
`
}
