// Serves the documents of a JSON Lines file as a CouchDB database: PouchDB with LevelDB below it, behind express-pouchdb.
// Prints {"url":…} once all of them are in.

import { readFileSync } from 'node:fs'
import express from 'express'
import expressPouchDB from 'express-pouchdb'
import PouchDB from 'pouchdb'

const [file, dir, count] = process.argv.slice(2)
const Server = PouchDB.defaults({ prefix: `${dir}/` })
const documents = readFileSync(file, 'utf8').trimEnd().split('\n').slice(0, Number(count)).map(line => {
  const { id, ...fields } = JSON.parse(line)
  return { _id: id, ...fields }
})
await new Server('tickets').bulkDocs(documents)

const app = express()
// No log, no interface, no authentication: what replication asks for and nothing else.
app.use('/', expressPouchDB(Server, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: '/dev/null' }))
const listening = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${listening.address().port}/tickets` }))
})
