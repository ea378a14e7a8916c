// How the load tool is pointed at a server.

/** For servers that speak as the hub does: GET /events?topic=T subscribes, POST /topics/T publishes. */
export function targetAsTidings(url) {
  return ['--url', url]
}
