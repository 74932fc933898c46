// Replicates a database into a new one on LevelDB. Prints {"documents":…,"ms":…}.

import PouchDB from 'pouchdb'

const [url, dir] = process.argv.slice(2)
// What was fastest here: the default of 100 documents makes more round trips, larger batches wait longer for each other.
const options = { batch_size: 500, batches_limit: 10 }
const local = new PouchDB(`${dir}/replica`)
const started = performance.now()
const { docs_written: documents } = await PouchDB.replicate(url, local, options)
const ms = performance.now() - started
await local.close()
console.log(JSON.stringify({ documents, ms }))
