// Serves the Automerge documents of a directory over automerge-repo's WebSocket sync, kept in files.
// Prints {"url":…,"documents":[…]} once all of them are in.

import { createServer } from 'node:http'
import { readFileSync, readdirSync } from 'node:fs'
import { Repo } from '@automerge/automerge-repo'
import { WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket'
import { NodeFSStorageAdapter } from '@automerge/automerge-repo-storage-nodefs'
import { WebSocketServer } from 'ws'

const [from, dir, count] = process.argv.slice(2)
const server = createServer()
const sockets = new WebSocketServer({ server })
const repo = new Repo({
  network: [new WebSocketServerAdapter(sockets)],
  storage: new NodeFSStorageAdapter(dir),
  // Told of nothing but what it asks for: less work than being offered everything.
  sharePolicy: async () => false,
})
const files = readdirSync(from).filter(name => name.endsWith('.automerge')).sort().slice(0, Number(count))
const documents = files.map(name => repo.import(readFileSync(`${from}/${name}`)).url)
await repo.flush()
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.address().port}`, documents }))
})
