// A wire between two programs that can be cut and mended: what a network does to connections that both ends would keep.

import { connect, createServer } from 'node:net'

/** Takes connections at `wire.url` to this port of this machine. */
export async function startWire(t, port) {
  const wire = new Wire(port)
  await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve))
  wire.url = `http://127.0.0.1:${wire.server.address().port}`
  t.after(() => {
    wire.cut()
    wire.server.close()
  })
  return wire
}

class Wire {
  isCut = false
  sockets = new Set()

  constructor(port) {
    this.server = createServer((near) => {
      if (this.isCut) return near.destroy()
      this.join(near, connect(port, '127.0.0.1'))
    })
  }

  join(near, far) {
    for (const [one, other] of [[near, far], [far, near]]) {
      this.sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        this.sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }

  /** Ends all connections and takes no new ones. */
  cut() {
    this.isCut = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend() {
    this.isCut = false
  }
}
