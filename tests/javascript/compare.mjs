// Compares the two halves of an export: `documents/ID.automerge` and the JSON Lines.

import { createReadStream, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

import { read } from "./read.mjs";

const FILES = { ticket: "tickets.jsonl", article: "articles.jsonl", incident: "incidents.jsonl" };
const SUFFIX = ".automerge";

/** All lines of an export by document id, each with its kind. A line is checked for nothing but being JSON with an id. */
export async function readLines(dir) {
  const lines = new Map();
  for (const [kind, file] of Object.entries(FILES)) {
    let number = 0;
    for await (const text of createInterface({ input: createReadStream(join(dir, file)), crlfDelay: Infinity })) {
      number += 1;
      const line = JSON.parse(text);
      if (typeof line.id !== "string" || lines.has(line.id)) {
        throw new Error(`${file} line ${number}: the id ${JSON.stringify(line.id)} is missing or was there before`);
      }
      lines.set(line.id, { kind, line });
    }
  }
  return lines;
}

/** The ids of all document files, sorted. */
export function listDocuments(dir) {
  const files = readdirSync(join(dir, "documents")).sort();
  const strange = files.filter((file) => !file.endsWith(SUFFIX));
  if (strange.length > 0) {
    throw new Error(`documents/ holds something else: ${strange.join(", ")}`);
  }
  return files.map((file) => file.slice(0, -SUFFIX.length));
}

/** Loads the documents and compares each with its line. Returns counts by kind and what differs, in words. */
export function compare(dir, ids, lines) {
  const counts = { ticket: 0, article: 0, incident: 0, workspace: 0 };
  const differences = [];
  for (const id of ids) {
    let found;
    try {
      found = read(readFileSync(join(dir, "documents", id + SUFFIX)));
    } catch (error) {
      differences.push(`${id}: does not load or read: ${error.message ?? error}`);
      continue;
    }
    const { kind, value } = found;
    counts[kind] += 1;
    if (value.id !== id) {
      differences.push(`${id}: the document calls itself ${value.id}`);
    }
    const entry = lines.get(id);
    if (kind === "workspace") {
      if (entry !== undefined) {
        differences.push(`${id}: settings of a workspace have a line in ${FILES[entry.kind]}`);
      }
    } else if (entry === undefined) {
      differences.push(`${id}: the ${kind} has no line`);
    } else if (entry.kind !== kind) {
      differences.push(`${id}: the ${kind} has its line in ${FILES[entry.kind]}`);
    } else {
      differences.push(...differing(id, value, comparable(kind, entry.line)));
    }
  }
  const present = new Set(ids);
  for (const [id, { kind }] of lines) {
    if (!present.has(id)) {
      differences.push(`${id}: the line in ${FILES[kind]} has no document`);
    }
  }
  if (counts.workspace !== 1) {
    differences.push(`there are ${counts.workspace} workspace documents`);
  }
  return { counts, differences };
}

/** What of a JSON line stands in the document too: without computed clocks and looked-up names, instants as numbers. */
function comparable(kind, line) {
  const { sla, escalates_at, assignee_name, requester_name, author_name, ...value } = line;
  value.created_at = Date.parse(line.created_at);
  value.updated_at = Date.parse(line.updated_at);
  value.conflicts = conflicts(line.conflicts);
  if (kind === "incident") {
    value.services = [...line.services].sort();
    value.tickets = [...line.tickets].sort();
    value.timeline = line.timeline.map(event);
    const reached = Object.entries(line.milestones).map(([name, at]) => [name, Date.parse(at)]);
    value.milestones = Object.fromEntries(reached);
  } else {
    value.tags = [...line.tags].sort();
  }
  if (kind === "ticket") {
    value.comments = line.comments.map(({ author_name, ...rest }) => ({ ...rest, created_at: Date.parse(rest.created_at) }));
    value.log = line.log.map(event);
  }
  return value;
}

/** What is null in an entry is as good as absent. */
function event({ by_name, ...entry }) {
  const told = Object.entries(entry).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(told), at: Date.parse(entry.at) };
}

/** By field, the values alone: who wrote them when is told by the log, which is compared itself. */
function conflicts(list) {
  return Object.fromEntries(list.map(({ field, values }) => [field, values.map(({ value }) => value).sort()]));
}

/** Every field that differs, in words. A field that only one side has differs, too. */
function differing(id, document, line) {
  const fields = [...new Set([...Object.keys(document), ...Object.keys(line)])].sort();
  return fields
    .filter((field) => !isDeepStrictEqual(document[field], line[field]))
    .map((field) => `${id}: ${field} is ${brief(document[field])} in the document and ${brief(line[field])} in the line`);
}

function brief(value) {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text;
}
