// Everybody who is measured. A new peer is a folder in ../peers and a line here.

import * as centrifugo from '../peers/centrifugo/peer.mjs'
import * as mercure from '../peers/mercure/peer.mjs'
import * as nchan from '../peers/nchan/peer.mjs'
import * as node from '../peers/node/peer.mjs'
import * as rust from '../peers/rust/peer.mjs'
import * as tidings from '../peers/tidings/peer.mjs'

const MODULES = [tidings, rust, node, nchan, mercure, centrifugo]

/**
 * All peers, in the order in which they are shown. Of each: its `name` and `title`; its `kind` ("hub", "floor",
 * "library" or "product"); `launch(context)`, the command and the files to start it with; `target(url)`, how the load
 * tool is pointed at it.
 */
export const PEERS = MODULES.flatMap(({ peers }) => peers)

/** Installs or builds what these peers need. Resolves with the reasons why some cannot run, by name. */
export async function preparePeers(names, context) {
  const missing = new Map()
  for (const { prepare, peers } of MODULES) {
    const wanted = peers.filter(({ name }) => names.includes(name))
    if (prepare === undefined || wanted.length === 0) continue
    try {
      await prepare(context)
    } catch (error) {
      for (const { name } of wanted) missing.set(name, error.message)
    }
  }
  return missing
}
