// How the load tool is pointed at a server that understands the hub's two plainest requests.

/**
 * For peers where GET /events?topic=T subscribes and POST /topics/T publishes. The tool is told both addresses, for it
 * expects more of a hub: that a stream begins with a comment and a cursor.
 */
export function plainTarget(url) {
  return ['--subscribe-url', `${url}/events?topic={topic}`, '--publish-url', `${url}/topics/{topic}`]
}
