// Finds documents over automerge-repo's WebSocket sync and keeps them in files. Their addresses come as JSON on standard
// input. Prints {"documents":…,"ms":…}.

import { readFileSync } from 'node:fs'
import { Repo } from '@automerge/automerge-repo'
import { WebSocketClientAdapter } from '@automerge/automerge-repo-network-websocket'
import { NodeFSStorageAdapter } from '@automerge/automerge-repo-storage-nodefs'

const [url, dir] = process.argv.slice(2)
const wanted = JSON.parse(readFileSync(0, 'utf8'))
const started = performance.now()
const adapter = new WebSocketClientAdapter(url)
const repo = new Repo({ network: [adapter], storage: new NodeFSStorageAdapter(dir) })
// Not `whenReady`: after a second that is said without a connection, too, and nothing would be found.
await new Promise(joined => repo.networkSubsystem.once('peer', joined))
const found = await Promise.all(wanted.map(document => repo.find(document)))
const documents = found.filter(handle => handle.doc().title !== undefined).length
await repo.flush()
const ms = performance.now() - started
console.log(JSON.stringify({ documents, ms }))
process.exit(0)
