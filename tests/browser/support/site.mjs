// A small web site of another origin: what a page of the application's own would be served from.

import { createServer } from 'node:http'

/**
 * Serves what `answer(request, response)` says, by default an empty page, on a free port. It is
 * reachable as `http://127.0.0.1:PORT` (`site.url`) and as `http://localhost:PORT` (`site.localhost`):
 * two origins, and two sites, to a browser.
 */
export async function startSite(t, answer = emptyPage) {
  const server = createServer(answer)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address()
  return { port, url: `http://127.0.0.1:${port}`, localhost: `http://localhost:${port}` }
}

function emptyPage(request, response) {
  response.setHeader('Content-Type', 'text/html')
  response.end('<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">')
}
