// That the comparison sees what it is for: `EXPORT_DIR=… node --test`. Each case spoils one thing of a real export, in memory
// or in a copy of a few files, and expects to be told of just that.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { compare, listDocuments, readLines } from "./compare.mjs";

const EXPORT = process.env.EXPORT_DIR;
const settings = { ids: [], lines: new Map(), dir: undefined };

/** One document of each kind that has something in every collection, and the workspace. */
before(async () => {
  assert.ok(EXPORT, "EXPORT_DIR names the export to spoil");
  const lines = await readLines(EXPORT);
  const rich = (kind, ...fields) => {
    const found = [...lines].find(([, entry]) => entry.kind === kind && fields.every((field) => Object.keys(entry.line[field]).length > 0));
    assert.ok(found, `the export holds no ${kind} with ${fields.join(", ")}`);
    return found[0];
  };
  settings.ticket = rich("ticket", "tags", "custom", "comments", "log");
  settings.article = rich("article", "tags", "body");
  settings.incident = rich("incident", "services", "roles", "timeline", "milestones");
  const workspace = listDocuments(EXPORT).find((id) => !lines.has(id));
  const chosen = [settings.ticket, settings.article, settings.incident];
  settings.ids = [...chosen, workspace];
  settings.lines = new Map(chosen.map((id) => [id, lines.get(id)]));
  settings.dir = mkdtempSync(join(tmpdir(), "desk-exports-"));
  mkdirSync(join(settings.dir, "documents"));
  for (const id of settings.ids) {
    copyFileSync(join(EXPORT, "documents", `${id}.automerge`), file(id));
  }
});

after(() => settings.dir && rmSync(settings.dir, { recursive: true }));

function file(id) {
  return join(settings.dir, "documents", `${id}.automerge`);
}

function told(ids, lines) {
  return compare(settings.dir, ids, lines).differences;
}

test("unspoilt nothing differs", () => {
  assert.deepEqual(told(settings.ids, settings.lines), []);
});

for (const kind of ["ticket", "article", "incident"]) {
  test(`another value in any field of the line of one ${kind} is told`, () => {
    const id = settings[kind];
    const { line } = settings.lines.get(id);
    const computed = ["sla", "escalates_at", "assignee_name", "requester_name", "author_name"];
    const fields = Object.keys(line).filter((field) => !computed.includes(field) && field !== "id");
    assert.ok(fields.length >= 10, `only ${fields}`);
    for (const field of fields) {
      const lines = new Map(settings.lines).set(id, { kind, line: { ...line, [field]: spoilt(field, line[field]) } });
      assert.match(told(settings.ids, lines).join("\n"), new RegExp(`^${id}: ${field} is [^\n]*$`));
    }
  });
}

test("another value in any field of a comment, a log entry and a timeline entry is told", () => {
  for (const [kind, collection] of [
    ["ticket", "comments"],
    ["ticket", "log"],
    ["incident", "timeline"],
  ]) {
    const id = settings[kind];
    const { line } = settings.lines.get(id);
    const [first, ...rest] = line[collection];
    for (const field of Object.keys(first).filter((name) => !["author_name", "by_name"].includes(name))) {
      const entries = [{ ...first, [field]: spoilt(field, first[field]) }, ...rest];
      const lines = new Map(settings.lines).set(id, { kind, line: { ...line, [collection]: entries } });
      assert.match(told(settings.ids, lines).join("\n"), new RegExp(`^${id}: ${collection} is [^\n]*$`), field);
    }
    const shorter = new Map(settings.lines).set(id, { kind, line: { ...line, [collection]: rest } });
    assert.equal(told(settings.ids, shorter).length, 1, `${collection} without its first`);
  }
});

test("a missing document and a missing line are told", () => {
  const { ids, lines, article } = settings;
  assert.match(told(ids.filter((id) => id !== article), lines).join(), /has no document/);
  assert.match(told(ids, new Map([...lines].filter(([id]) => id !== article))).join(), /has no line/);
  assert.match(told(ids.slice(0, -1), lines).join(), /0 workspace documents/);
});

test("a truncated, an altered and an exchanged file are told", () => {
  const { ids, lines, ticket, article } = settings;
  const whole = readFileSync(file(ticket));
  const altered = Buffer.from(whole);
  altered[altered.length >> 1] ^= 1;
  for (const bytes of [whole.subarray(0, whole.length - 7), altered, readFileSync(file(article)), Buffer.alloc(0)]) {
    writeFileSync(file(ticket), bytes);
    assert.notDeepEqual(told(ids, lines), []);
  }
  writeFileSync(file(ticket), whole);
  assert.deepEqual(told(ids, lines), []);
});

/** A value of the same kind that is another. */
function spoilt(field, value) {
  if (field === "conflicts") {
    return [...value, { field: "spoilt", values: [{ value: "a" }, { value: "b" }] }];
  }
  if (Array.isArray(value)) {
    return [...value, typeof value[0] === "object" ? value[0] : "x"];
  }
  if (value === null || value === undefined) {
    return "x";
  }
  if (typeof value === "boolean") {
    return !value;
  }
  if (typeof value === "object") {
    return { ...value, spoilt: "2026-11-21T09:05:00Z" };
  }
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? new Date(Date.parse(value) + 1000).toISOString() : `${value}x`;
}
