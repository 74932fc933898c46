// Reads an exported document into the shape of its JSON line.
//
// Everything here comes from the Automerge document alone and by the names that stand at its root, as any program would
// read it. A field that is not of the kind that the schema promises (plain text, co-edited text, instant…) is an error.

import * as Automerge from "@automerge/automerge";

/** A document that is not what the schema promises. */
export class Malformed extends Error {}

/** Loads a file and reads it. `kind` is the word at the root; `value` is comparable with a JSON line. */
export function read(bytes) {
  const doc = Automerge.load(bytes);
  const kind = plain(doc, "kind");
  if (doc.schema !== 1) {
    throw new Malformed(`schema is ${doc.schema}, and this check knows schema 1`);
  }
  const shape = { ticket, article, incident, workspace }[kind];
  if (shape === undefined) {
    throw new Malformed(`kind is ${JSON.stringify(kind)}`);
  }
  return { kind, value: shape(doc) };
}

function ticket(doc) {
  const log = entries(doc, "log", event);
  const created_at = instant(doc, "created_at");
  return {
    id: plain(doc, "id"),
    number: plain(doc, "number"),
    title: plain(doc, "title"),
    description: plain(doc, "description"),
    status: plain(doc, "status"),
    priority: plain(doc, "priority"),
    category: optional(doc, "category"),
    assignee: optional(doc, "assignee"),
    team: optional(doc, "team"),
    requester: optional(doc, "requester"),
    tags: flags(doc, "tags"),
    custom: texts(doc, "custom"),
    comments: entries(doc, "comments", comment, "created_at").filter((one) => one !== null),
    log,
    source: source(doc),
    conflicts: conflicts(doc, ["title", "description", "status", "priority", "category", "assignee", "team", "requester", "deleted"]),
    created_at,
    updated_at: newest(created_at, log),
    deleted: flag(doc, "deleted"),
  };
}

function article(doc) {
  const log = entries(doc, "log", event);
  const created_at = instant(doc, "created_at");
  return {
    id: plain(doc, "id"),
    title: plain(doc, "title"),
    body: coEdited(doc, "body"),
    status: plain(doc, "status"),
    category: optional(doc, "category"),
    tags: flags(doc, "tags"),
    author: plain(doc, "author"),
    conflicts: conflicts(doc, ["title", "status", "category", "deleted"]),
    created_at,
    updated_at: newest(created_at, log),
    deleted: flag(doc, "deleted"),
  };
}

function incident(doc) {
  const timeline = entries(doc, "timeline", event);
  const created_at = instant(doc, "created_at");
  return {
    id: plain(doc, "id"),
    number: plain(doc, "number"),
    title: plain(doc, "title"),
    summary: plain(doc, "summary"),
    severity: plain(doc, "severity"),
    status: plain(doc, "status"),
    services: flags(doc, "services"),
    roles: texts(doc, "roles"),
    tickets: flags(doc, "tickets"),
    milestones: instants(doc, "milestones"),
    timeline: timeline.map(asTold),
    ...proposal(timeline.map(asTold)),
    postmortem: coEdited(doc, "postmortem"),
    conflicts: conflicts(doc, ["title", "summary", "severity", "status", "deleted"]),
    created_at,
    updated_at: newest(created_at, timeline),
    deleted: flag(doc, "deleted"),
  };
}

/** Where the proposal of a rule stands; nothing when a person declared the incident. A confirmation wins. */
function proposal(timeline) {
  const has = (kind) => timeline.some((entry) => entry.kind === kind);
  if (!has("proposed")) {
    return {};
  }
  return { proposal: has("confirmed") ? "confirmed" : has("dismissed") ? "dismissed" : "waiting" };
}

function workspace(doc) {
  // It has no line; that its sections read is what there is to see.
  for (const section of ["general", "members", "teams", "categories", "calendars", "policies"]) {
    for (const json of Object.values(texts(doc, section))) {
      JSON.parse(json);
    }
  }
  return { id: plain(doc, "id"), name: JSON.parse(texts(doc, "general").name) };
}

function comment(fields, id) {
  if (flag(fields, "deleted")) {
    return null;
  }
  return {
    id,
    author: plain(fields, "author"),
    visibility: plain(fields, "visibility"),
    body: plain(fields, "body"),
    created_at: instant(fields, "created_at"),
  };
}

/** An entry of a log or a timeline: its own fields, whatever they are. What is null there is as good as absent. */
function event(fields, id) {
  const told = { id, at: instant(fields, "at") };
  for (const key of Object.keys(fields)) {
    if (key !== "at" && fields[key] !== null) {
      told[key] = typeof fields[key] === "boolean" ? fields[key] : plain(fields, key);
    }
  }
  return told;
}

/** A timeline's JSON tells a deletion as a change of the field `deleted`. */
function asTold(entry) {
  if (entry.kind !== "deleted") {
    return entry;
  }
  const { deleted, ...rest } = entry;
  return { ...rest, kind: "field", field: "deleted", to: String(deleted) };
}

function source(doc) {
  if (doc.source === undefined) {
    return null;
  }
  const [system, key, imported_by] = ["system", "key", "imported_by"].map((name) => plain(doc.source, name));
  return { system, key, imported_by };
}

/** Fields with values that were written concurrently and differ: `{field: [values, sorted]}`. */
function conflicts(doc, fields) {
  const found = {};
  const look = (map, key, name) => {
    const all = Automerge.getConflicts(map, key) ?? {};
    const values = new Set(Object.values(all).map((value) => (value === null ? null : String(value))));
    if (values.size > 1) {
      found[name] = [...values].sort();
    }
  };
  for (const field of fields) {
    look(doc, field, field);
  }
  for (const key of Object.keys(doc.custom ?? {})) {
    look(doc.custom, key, `custom.${key}`);
  }
  return found;
}

function newest(created_at, log) {
  return log.reduce((latest, entry) => Math.max(latest, entry.at), created_at);
}

/** A plain string: a scalar, which this library wraps so that it is not taken for co-edited text. */
function plain(map, key) {
  const value = map[key];
  if (!Automerge.isImmutableString(value)) {
    throw new Malformed(`${key} is no plain string but ${describe(value)}`);
  }
  return value.toString();
}

function optional(map, key) {
  return map[key] === null || map[key] === undefined ? null : plain(map, key);
}

/** Automerge `Text`, which this library gives as a string. */
function coEdited(map, key) {
  if (typeof map[key] !== "string") {
    throw new Malformed(`${key} is no co-edited text but ${describe(map[key])}`);
  }
  return map[key];
}

/** UTC milliseconds. */
function instant(map, key) {
  if (!(map[key] instanceof Date)) {
    throw new Malformed(`${key} is no instant but ${describe(map[key])}`);
  }
  return map[key].getTime();
}

function flag(map, key) {
  if (typeof map[key] !== "boolean") {
    throw new Malformed(`${key} is no flag but ${describe(map[key])}`);
  }
  return map[key];
}

function child(doc, key) {
  const value = doc[key];
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Malformed(`${key} is no map but ${describe(value)}`);
  }
  return value;
}

/** The names that are on, sorted. */
function flags(doc, key) {
  const map = child(doc, key);
  return Object.keys(map)
    .filter((name) => flag(map, name))
    .sort();
}

/** The texts by name, without the emptied ones. */
function texts(doc, key) {
  const map = child(doc, key);
  const names = Object.keys(map).filter((name) => map[name] !== null);
  return Object.fromEntries(names.map((name) => [name, plain(map, name)]));
}

function instants(doc, key) {
  const map = child(doc, key);
  return Object.fromEntries(Object.keys(map).map((name) => [name, instant(map, name)]));
}

/** The entries of a map by id, oldest first. */
function entries(doc, key, shape, order = "at") {
  const map = child(doc, key);
  const age = (id) => instant(map[id], order);
  return Object.keys(map)
    .sort((a, b) => age(a) - age(b) || (a < b ? -1 : 1))
    .map((id) => shape(map[id], id));
}

function describe(value) {
  return value === undefined ? "absent" : `${value?.constructor?.name ?? typeof value} ${JSON.stringify(value)}`;
}
