// `node check.mjs EXPORT_DIR`: every exported document loads in the JavaScript Automerge and reads as its JSON line says.
// Prints one JSON value with the counts. Exit status 0, 1 (something differs; the first differences are told) or 2 (usage).

import { compare, listDocuments, readLines } from "./compare.mjs";

/** How many differences are told. */
const TOLD = 20;

const [dir, ...more] = process.argv.slice(2);
if (dir === undefined || more.length > 0) {
  console.error("usage: node check.mjs EXPORT_DIR");
  process.exit(2);
}

const ids = listDocuments(dir);
const { counts, differences } = compare(dir, ids, await readLines(dir));
for (const difference of differences.slice(0, TOLD)) {
  console.error(difference);
}
if (differences.length > TOLD) {
  console.error(`… and ${differences.length - TOLD} more`);
}
console.log(JSON.stringify({ documents: ids.length, ...counts, differences: differences.length }));
process.exitCode = differences.length === 0 && ids.length > 0 ? 0 : 1;
