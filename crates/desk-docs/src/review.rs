//! What a change touches, read from its operations: the schema and the limits are checked here, and what is left
//! for the permissions comes out as `Touch`es. Nothing that this program does not write passes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use automerge::{
    AutoCommit, ObjId, ObjType, Prop, ROOT, ReadDoc, ScalarValue, Value,
    legacy::{Key, ObjectId, Op, OpId, OpType},
};
use desk_domain::{
    detection,
    edit::Section,
    escalation,
    ids::{CommentId, DocKind, EntryId, MemberId},
    incident::IncidentStatus,
    permissions::Touch,
    sla::{Calendar, Policy},
    ticket::{AuthorSide, BODY_MAX_BYTES, NAME_MAX_CHARS, Priority, Status, Visibility},
    time::UtcMillis,
    workspace::Service,
};
use serde::de::DeserializeOwned;

use crate::{
    change::{self, VerifiedChange},
    document::Document,
    schema::{
        self, Entries, Fault, Names, NamesRule, SCHEMA, Scalar, Slot, check_key, check_text, kind_word,
        nullable,
    },
};

/// Most operations that one change may have. An imported ticket with thousands of updates stays far below.
const MAX_OPS: usize = 2_000_000;

/// The change is not of the form that documents have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It writes what the schema does not have, or of a wrong type, or leaves out what must be there.
    #[error("{message}")]
    Schema {
        /// Where.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A text is longer than its limit.
    #[error("{message}")]
    TooLarge {
        /// Where.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
}

/// What a change touches.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// What the permissions are asked for.
    pub touches: Vec<Touch>,
    /// The latest instant that it writes, or says in its message, as having happened.
    pub newest_at: UtcMillis,
}

fn wrong(field: impl Into<String>, message: impl Into<String>) -> Invalid {
    Invalid::Schema { field: field.into(), message: message.into() }
}

fn fault(field: &str, fault: Fault) -> Invalid {
    match fault {
        Fault::TooLarge(message) => Invalid::TooLarge { field: field.to_owned(), message },
        Fault::Wrong(message) => Invalid::Schema { field: field.to_owned(), message },
    }
}

/// Where an object stands in the document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Root,
    /// A map or text of the skeleton, by its key.
    Child(String),
    /// An entry of a map of entries: collection and id. `fresh` when this very change makes it.
    Entry {
        collection: String,
        id: String,
        fresh: bool,
    },
}

/// A map of entries as it grows in the change.
#[derive(Default)]
struct Entry {
    facts: BTreeMap<String, ScalarValue>,
}

impl Entry {
    fn fact(&self, collection: &str, key: &str) -> Result<&ScalarValue, Invalid> {
        let fact = self.facts.get(key);
        fact.ok_or_else(|| wrong(collection, format!("an entry of {collection} needs {key}")))
    }

    fn text(&self, collection: &str, key: &str) -> Result<String, Invalid> {
        let text = self.fact(collection, key)?.as_str();
        text.map(str::to_owned).ok_or_else(|| wrong(collection, format!("{key} of an entry is no text")))
    }
}

struct Reading<'a> {
    doc: &'a AutoCommit,
    change: &'a VerifiedChange,
    kind: DocKind,
    creates: bool,
    places: HashMap<OpId, Place>,
    /// Last value written to each field, by field name as logs spell it.
    written: BTreeMap<String, ScalarValue>,
    fresh: BTreeMap<(String, String), Entry>,
    made: BTreeSet<String>,
    source: BTreeMap<String, ScalarValue>,
    imported: bool,
    inserted: BTreeMap<String, usize>,
    touches: Vec<Touch>,
    newest_at: UtcMillis,
}

/// Reads what a change touches. `document` may stand before or after the change: only what the change builds on counts.
///
/// # Errors
/// When the change is not of the form that documents have.
pub fn review(document: &Document, change: &VerifiedChange) -> Result<Review, Invalid> {
    // Automerge's decoder panics on unknown actions; a hostile change must not take the server down.
    let expanded = catch_unwind(AssertUnwindSafe(|| change.inner().decode()))
        .map_err(|_| wrong("change", "the change has operations that this program does not know"))?;
    if expanded.operations.len() > MAX_OPS {
        return Err(Invalid::TooLarge {
            field: "change".to_owned(),
            message: format!("the change has more than {MAX_OPS} operations; split it"),
        });
    }
    let offline_since = change::message(change.inner())
        .map_err(|()| wrong("message", "the change's message is not one that this program writes"))?;
    let doc = document.automerge();
    let creates = change.inner().deps().is_empty();
    let imported = !creates && matches!(doc.get(ROOT, "source"), Ok(Some((Value::Object(_), _))));
    let mut reading = Reading {
        doc,
        change,
        kind: document.kind(),
        creates,
        places: HashMap::new(),
        written: BTreeMap::new(),
        fresh: BTreeMap::new(),
        made: BTreeSet::new(),
        source: BTreeMap::new(),
        imported,
        inserted: BTreeMap::new(),
        touches: Vec::new(),
        newest_at: offline_since.unwrap_or(UtcMillis(0)),
    };
    for (counter, op) in (expanded.start_op.get()..).zip(&expanded.operations) {
        reading.op(&OpId::new(counter, &expanded.actor_id), op)?;
    }
    if creates {
        reading.created(document)?;
    }
    reading.entries()?;
    reading.texts()?;
    reading.settings()?;
    Ok(Review { touches: reading.touches, newest_at: reading.newest_at })
}

impl Reading<'_> {
    fn place(&mut self, obj: &ObjectId) -> Result<Place, Invalid> {
        let ObjectId::Id(id) = obj else { return Ok(Place::Root) };
        if let Some(place) = self.places.get(id) {
            return Ok(place.clone());
        }
        let unknown = || wrong("change", "the change writes into an object that the document does not have");
        let exid = self.doc.import_obj(&id.to_string()).map_err(|_| unknown())?;
        let mut path = Vec::new();
        for parent in self.doc.parents(&exid).map_err(|_| unknown())? {
            match parent.prop {
                Prop::Map(key) => path.push(key),
                Prop::Seq(_) => return Err(unknown()),
            }
        }
        path.reverse();
        let place = match path.as_slice() {
            [] => Place::Root,
            [child] => Place::Child(child.clone()),
            [collection, entry] => {
                Place::Entry { collection: collection.clone(), id: entry.clone(), fresh: false }
            }
            _ => return Err(unknown()),
        };
        self.places.insert(id.clone(), place.clone());
        Ok(place)
    }

    fn op(&mut self, id: &OpId, op: &Op) -> Result<(), Invalid> {
        let place = self.place(&op.obj)?;
        match place {
            Place::Root => self.root(id, op),
            Place::Child(child) => self.child(id, &child, op),
            Place::Entry { collection, id: entry, fresh } => self.entry(&collection, &entry, fresh, op),
        }
    }

    fn root(&mut self, id: &OpId, op: &Op) -> Result<(), Invalid> {
        let key = map_key(op)?;
        let slot = schema::slot(self.kind, &key)
            .ok_or_else(|| wrong(&key, format!("a {} has no field {key}", kind_word(self.kind))))?;
        let skeleton = |kind: ObjType| match (&op.action, self.creates) {
            (OpType::Make(made), true) if *made == kind => Ok(()),
            (OpType::Make(made), false) if *made == kind && self.completes(op, &key) => Ok(()),
            (OpType::Make(_), false) => {
                Err(wrong(&key, format!("{key} is made with the document, never again")))
            }
            _ => Err(wrong(&key, format!("{key} cannot be replaced or removed"))),
        };
        match slot {
            Slot::Fixed(scalar) => {
                if !self.creates {
                    return Err(wrong(&key, format!("{key} never changes")));
                }
                let value = put(op, &key)?;
                check_scalar(scalar, value, &key)?;
                self.written.insert(key, value.clone());
            }
            Slot::Field(scalar) => {
                let value = self.choice(None, op, &key, &key)?;
                check_scalar(scalar, &value, &key)?;
                self.written.insert(key.clone(), value);
                if !self.creates {
                    self.touches.push(Touch::Field { field: key });
                }
            }
            Slot::TicketStatus => {
                let value = self.choice(None, op, &key, &key)?;
                let to: Status = word(&value, &key)?;
                if !self.creates {
                    self.touches.push(Touch::Status { from: self.before(&key), to });
                }
                self.written.insert(key, value);
            }
            Slot::IncidentStatus => {
                let value = self.choice(None, op, &key, &key)?;
                let to: IncidentStatus = word(&value, &key)?;
                if !self.creates {
                    self.touches.push(Touch::IncidentStatus { from: self.before(&key), to });
                }
                self.written.insert(key, value);
            }
            Slot::Deleted => {
                let value = self.choice(None, op, &key, &key)?;
                check_scalar(Scalar::Flag, &value, &key)?;
                self.written.insert(key, value);
                if !self.creates {
                    self.touches.push(Touch::Deleted);
                }
            }
            Slot::Names(_) | Slot::Entries(_) => {
                skeleton(ObjType::Map)?;
                if !self.creates {
                    self.touches.push(Touch::Completed);
                }
                self.made(id, key)?;
            }
            Slot::Text => {
                skeleton(ObjType::Text)?;
                self.made(id, key)?;
            }
            Slot::FixedMap => {
                skeleton(ObjType::Map)?;
                self.imported = true;
                self.made(id, key)?;
            }
        }
        Ok(())
    }

    /// It makes a section that older programs did not make, in a document that lacks it.
    fn completes(&self, op: &Op, key: &str) -> bool {
        let there = self.doc.get_at(ROOT, key, self.change.inner().deps());
        schema::is_later(self.kind, key) && op.pred.is_empty() && matches!(there, Ok(None))
    }

    fn made(&mut self, id: &OpId, key: String) -> Result<(), Invalid> {
        if !self.made.insert(key.clone()) {
            return Err(wrong(&key, format!("{key} is made twice")));
        }
        self.places.insert(id.clone(), Place::Child(key));
        Ok(())
    }

    fn child(&mut self, id: &OpId, child: &str, op: &Op) -> Result<(), Invalid> {
        match schema::slot(self.kind, child) {
            Some(Slot::Names(names)) => self.name(child, names, op),
            Some(Slot::Entries(Entries::Attachments)) => {
                Err(wrong(child, "attachments need a newer version of the program"))
            }
            Some(Slot::Entries(_)) => {
                let key = map_key(op)?;
                if op.action != OpType::Make(ObjType::Map) {
                    return Err(wrong(
                        child,
                        format!("an entry of {child} is written once and never replaced"),
                    ));
                }
                if !op.pred.is_empty() {
                    return Err(wrong(child, format!("an entry of {child} with this id exists already")));
                }
                let fresh = (child.to_owned(), key.clone());
                if self.fresh.insert(fresh, Entry::default()).is_some() {
                    return Err(wrong(child, format!("an entry of {child} is made twice")));
                }
                let place = Place::Entry { collection: child.to_owned(), id: key, fresh: true };
                self.places.insert(id.clone(), place);
                Ok(())
            }
            Some(Slot::Text) => self.text(child, op),
            Some(Slot::FixedMap) if self.creates => {
                let key = map_key(op)?;
                let value = put(op, &key)?;
                check_scalar(Scalar::Name, value, &key)?;
                self.source.insert(key, value.clone());
                Ok(())
            }
            Some(
                Slot::FixedMap
                | Slot::Fixed(_)
                | Slot::Field(_)
                | Slot::TicketStatus
                | Slot::IncidentStatus
                | Slot::Deleted,
            )
            | None => Err(wrong(child, format!("{child} never changes"))),
        }
    }

    fn name(&mut self, map: &str, names: Names, op: &Op) -> Result<(), Invalid> {
        let key = map_key(op)?;
        let field = format!("{map}.{key}");
        check_key(names.key, &key, map).map_err(|found| fault(map, found))?;
        let value = self.choice(Some(map), op, &key, &field)?;
        check_scalar(names.value, &value, &field)?;
        self.written.insert(field.clone(), value.clone());
        match names.rule {
            NamesRule::Field if self.creates => {}
            NamesRule::Field => self.touches.push(Touch::Field { field }),
            NamesRule::Setting => {
                check_setting(map, &key, &value)?;
                self.touches.push(Touch::Setting { section: map.to_owned() });
            }
            NamesRule::Personal => {
                let owner = match self.doc.get(ROOT, "owner") {
                    Ok(Some((Value::Scalar(value), _))) => value.as_str().unwrap_or_default().to_owned(),
                    Ok(_) | Err(_) => {
                        self.written.get("owner").and_then(ScalarValue::as_str).unwrap_or_default().to_owned()
                    }
                };
                self.touches.push(Touch::Personal { owner });
            }
        }
        Ok(())
    }

    fn text(&mut self, key: &str, op: &Op) -> Result<(), Invalid> {
        match (&op.action, &op.key) {
            (OpType::Put(ScalarValue::Str(text)), Key::Seq(_)) if op.insert => {
                *self.inserted.entry(key.to_owned()).or_default() += text.len();
            }
            (OpType::Delete, Key::Seq(_)) => {
                self.inserted.entry(key.to_owned()).or_default();
            }
            _ => return Err(wrong(key, format!("{key} holds plain text and nothing else"))),
        }
        Ok(())
    }

    fn entry(&mut self, collection: &str, id: &str, fresh: bool, op: &Op) -> Result<(), Invalid> {
        let key = map_key(op)?;
        let value = put(op, &key)?;
        if fresh {
            let entry = self.fresh.entry((collection.to_owned(), id.to_owned())).or_default();
            // A history retold in one change may tell of a comment and of its withdrawal.
            if entry.facts.insert(key.clone(), value.clone()).is_some() && key != "deleted" {
                return Err(wrong(collection, format!("{key} of an entry is written twice")));
            }
            return Ok(());
        }
        // Of what exists only a comment's flag may change.
        if collection != "comments" || key != "deleted" {
            return Err(wrong(collection, format!("an entry of {collection} never changes")));
        }
        check_scalar(Scalar::Flag, value, "comments")?;
        self.touches.push(Touch::CommentDeleted { author: self.comment_author(id) });
        self.written.insert(format!("comments.{id}.deleted"), value.clone());
        Ok(())
    }

    fn comment_author(&self, id: &str) -> String {
        let found = || {
            let (_, comments) = self.doc.get(ROOT, "comments").ok()??;
            let (_, comment) = self.doc.get(&comments, id).ok()??;
            let (author, _) = self.doc.get(&comment, "author").ok()??;
            author.as_str().map(str::to_owned)
        };
        found().unwrap_or_default()
    }

    /// The value that an operation leaves behind a key. Writing the winner of a conflict once more comes from
    /// Automerge as the removal of the losers: that is a choice, as long as a value remains.
    fn choice(&self, map: Option<&str>, op: &Op, key: &str, field: &str) -> Result<ScalarValue, Invalid> {
        if op.action != OpType::Delete {
            return put(op, field).cloned();
        }
        let object = match map {
            None => ROOT,
            Some(map) => match self.doc.get(ROOT, map) {
                Ok(Some((_, object))) => object,
                Ok(None) | Err(_) => return put(op, field).cloned(),
            },
        };
        let all = self.doc.get_all_at(&object, key, self.change.inner().deps()).unwrap_or_default();
        let gone = |id: &ObjId| match id {
            ObjId::Id(counter, actor, _) => op.pred.iter().any(|pred| pred.0 == *counter && pred.1 == *actor),
            ObjId::Root => false,
        };
        match all.into_iter().rfind(|(_, id)| !gone(id)) {
            Some((Value::Scalar(value), _)) => Ok(value.into_owned()),
            Some((Value::Object(_), _)) | None => put(op, field).cloned(),
        }
    }

    /// What the author saw in a field of the root before this change.
    fn before<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        if let Some(value) = self.written.get(key) {
            return value.as_str().and_then(|text| text.parse().ok());
        }
        match self.doc.get_at(ROOT, key, self.change.inner().deps()) {
            Ok(Some((Value::Scalar(value), _))) => value.as_str().and_then(|text| text.parse().ok()),
            Ok(_) | Err(_) => None,
        }
    }

    /// The creating change has the whole skeleton and says what it is.
    fn created(&mut self, document: &Document) -> Result<(), Invalid> {
        for (key, slot) in schema::root(self.kind) {
            let there = match slot {
                Slot::Names(_) | Slot::Entries(_) | Slot::Text => self.made.contains(*key),
                Slot::FixedMap => true,
                Slot::Fixed(_)
                | Slot::Field(_)
                | Slot::TicketStatus
                | Slot::IncidentStatus
                | Slot::Deleted => self.written.contains_key(*key),
            };
            if !there {
                return Err(wrong(*key, format!("a new document must have {key}")));
            }
        }
        let says = |key: &str, expected: &str| {
            if self.written.get(key).and_then(ScalarValue::as_str) == Some(expected) {
                Ok(())
            } else {
                Err(wrong(key, format!("the document's {key} is not its own")))
            }
        };
        says("kind", kind_word(self.kind))?;
        says("id", &document.id().to_string())?;
        match self.kind {
            DocKind::Ticket => says("number", &desk_domain::ids::ticket_number(document.id()))?,
            DocKind::Incident => says("number", &desk_domain::ids::incident_number(document.id()))?,
            DocKind::Article | DocKind::Workspace | DocKind::Personal => {}
        }
        let schema = self.written.get("schema").and_then(ScalarValue::as_i64);
        if schema != Some(i64::from(SCHEMA)) {
            return Err(wrong("schema", format!("this program writes schema {SCHEMA}")));
        }
        if self.imported {
            for key in ["system", "key", "imported_by"] {
                if !self.source.contains_key(key) {
                    return Err(wrong("source", format!("an imported document's source must have {key}")));
                }
            }
            if let Some(by) = self.source.get("imported_by").and_then(ScalarValue::as_str) {
                let by = by.to_owned();
                self.touches.push(Touch::Signed { collection: "source".to_owned(), by, imported: false });
            }
        }
        if let Some(author) = self.written.get("author").and_then(ScalarValue::as_str) {
            let by = author.to_owned();
            self.touches.push(Touch::Signed { collection: "author".to_owned(), by, imported: false });
        }
        match self.kind {
            DocKind::Ticket | DocKind::Article | DocKind::Incident => self.touches.push(Touch::Created),
            DocKind::Workspace => self.touches.push(Touch::Setting { section: "workspace".to_owned() }),
            DocKind::Personal => {
                let owner = self.written.get("owner").and_then(ScalarValue::as_str).unwrap_or_default();
                self.touches.push(Touch::Personal { owner: owner.to_owned() });
            }
        }
        if let Some(ScalarValue::Timestamp(ms)) = self.written.get("created_at") {
            self.newest_at = self.newest_at.max(UtcMillis(*ms));
        }
        Ok(())
    }

    /// Every fresh entry is whole, and every change of a field is told of: SLA clocks and people read the log.
    fn entries(&mut self) -> Result<(), Invalid> {
        let mut told: BTreeSet<String> = BTreeSet::new();
        let mut logs = false;
        let fresh = std::mem::take(&mut self.fresh);
        for ((collection, id), entry) in &fresh {
            let by = if collection == "comments" {
                id.parse::<CommentId>().map_err(|error| wrong(collection, error.to_string()))?;
                self.comment(entry)?
            } else {
                id.parse::<EntryId>().map_err(|error| wrong(collection, error.to_string()))?;
                logs = true;
                self.told(collection, entry, &fresh, &mut told)?
            };
            self.touches.push(Touch::Signed { collection: collection.clone(), by, imported: self.imported });
        }
        if self.creates && logs && !told.contains("created") {
            return Err(wrong("log", "a new document's log must begin with its creation"));
        }
        if !self.creates {
            self.all_told(&told)?;
        }
        for (collection, id) in fresh.keys() {
            if collection == "comments" && !told.contains(&format!("comments.{id}")) {
                return Err(wrong("log", "the log does not tell of a comment"));
            }
        }
        Ok(())
    }

    fn comment(&mut self, entry: &Entry) -> Result<String, Invalid> {
        let keys = ["author", "side", "visibility", "body", "created_at", "deleted"];
        if entry.facts.len() != keys.len() || !keys.iter().all(|key| entry.facts.contains_key(*key)) {
            return Err(wrong(
                "comments",
                "a comment has author, side, visibility, body, created_at and deleted",
            ));
        }
        for (key, scalar) in
            [("body", Scalar::Body), ("created_at", Scalar::Instant), ("deleted", Scalar::Flag)]
        {
            check_scalar(scalar, &entry.facts[key], if key == "body" { "comment" } else { key })?;
        }
        word::<AuthorSide>(&entry.facts["side"], "side")?;
        word::<Visibility>(&entry.facts["visibility"], "visibility")?;
        if entry.facts["body"].as_str().is_none_or(|body| body.trim().is_empty()) {
            return Err(wrong("comment", "the comment is empty; write something first"));
        }
        self.happened(&entry.facts["created_at"], "comments")?;
        name_of(&entry.facts["author"], "comments")
    }

    fn happened(&mut self, value: &ScalarValue, collection: &str) -> Result<(), Invalid> {
        let ScalarValue::Timestamp(ms) = value else {
            return Err(wrong(collection, "an entry's time is not an instant"));
        };
        self.newest_at = self.newest_at.max(UtcMillis(*ms));
        Ok(())
    }

    /// Checks one log or timeline entry and notes what it tells of.
    fn told(
        &mut self,
        collection: &str,
        entry: &Entry,
        fresh: &BTreeMap<(String, String), Entry>,
        told: &mut BTreeSet<String>,
    ) -> Result<String, Invalid> {
        let fact = |key: &str| entry.fact(collection, key);
        let text = |key: &str| entry.text(collection, key);
        readable(collection, entry)?;
        self.happened(fact("at")?, collection)?;
        let by = name_of(fact("by")?, collection)?;
        let incident = collection == "timeline";
        match text("kind")?.as_str() {
            "created" => {
                if !self.creates {
                    return Err(wrong(collection, "a document is created once"));
                }
                match self.kind {
                    DocKind::Ticket => {
                        word::<Status>(fact("status")?, collection)?;
                        word::<Priority>(fact("priority")?, collection)?;
                    }
                    DocKind::Incident => {
                        word::<desk_domain::incident::Severity>(fact("severity")?, collection)?;
                    }
                    DocKind::Article | DocKind::Workspace | DocKind::Personal => {}
                }
                told.insert("created".to_owned());
            }
            "status" if incident => self.told_word::<IncidentStatus>(collection, "status", entry, told)?,
            "status" => self.told_word::<Status>(collection, "status", entry, told)?,
            "priority" => self.told_word::<Priority>(collection, "priority", entry, told)?,
            "severity" if incident => {
                self.told_word::<desk_domain::incident::Severity>(collection, "severity", entry, told)?;
            }
            "field" => {
                let field = text("field")?;
                // What has its own kind of entry must use it: clocks and histories listen to that.
                let own_kind = match self.kind {
                    DocKind::Ticket => {
                        matches!(field.as_str(), "status" | "priority" | "deleted")
                            || field.starts_with("tags.")
                            || field.starts_with("comments.")
                    }
                    DocKind::Article => field == "deleted" || field.starts_with("tags."),
                    DocKind::Incident => matches!(field.as_str(), "status" | "severity" | "deleted"),
                    DocKind::Workspace | DocKind::Personal => false,
                };
                if own_kind {
                    return Err(wrong(
                        collection,
                        format!("a change of {field} is told by an entry of its own kind"),
                    ));
                }
                told.insert(field);
            }
            "tag" => {
                check_scalar(Scalar::Flag, fact("on")?, collection)?;
                told.insert(format!("tags.{}", text("tag")?));
            }
            "reply" => {
                let comment = text("comment")?;
                told_as_written(collection, entry, fresh.get(&("comments".to_owned(), comment.clone())))?;
                told.insert(format!("comments.{comment}"));
            }
            "comment_deleted" => {
                let comment = text("comment")?;
                if comment.parse::<CommentId>().is_err() {
                    return Err(wrong(collection, "the log tells of a comment that is none"));
                }
                told.insert(format!("comments.{comment}.deleted"));
            }
            "deleted" => {
                check_scalar(Scalar::Flag, fact("deleted")?, collection)?;
                told.insert("deleted".to_owned());
            }
            "note" if incident => {
                if text("text")?.trim().is_empty() {
                    return Err(wrong("note", "the note is empty; write something first"));
                }
            }
            kind if incident => self.told_of_response(collection, kind, entry)?,
            other => {
                return Err(wrong(
                    collection,
                    format!("an entry of {collection} has the unknown kind {other}"),
                ));
            }
        }
        Ok(by)
    }

    /// Checks an entry of an incident's timeline that tells of no field.
    fn told_of_response(&mut self, collection: &str, kind: &str, entry: &Entry) -> Result<(), Invalid> {
        let fact = |key: &str| entry.fact(collection, key);
        let text = |key: &str| entry.text(collection, key);
        match kind {
            "update" => {
                word::<Visibility>(fact("visibility")?, collection)?;
                if text("text")?.trim().is_empty() {
                    return Err(wrong("update", "the update is empty; write something first"));
                }
            }
            "proposed" => {
                if !self.creates {
                    return Err(wrong(collection, "an incident is proposed when it is made"));
                }
                word::<desk_domain::incident::Severity>(fact("severity")?, collection)?;
                text("rule")?;
                json::<serde_json::Value>(collection, "evidence", &text("evidence")?)?;
            }
            "confirmed" => {}
            "dismissed" => drop(text("text")?),
            "acknowledged" => {
                if let (ScalarValue::Timestamp(until), ScalarValue::Timestamp(at)) =
                    (fact("until")?, fact("at")?)
                    && until <= at
                {
                    return Err(wrong(
                        "acknowledgement",
                        "the acknowledgement ends before it begins; choose a later end",
                    ));
                }
            }
            "escalation_started" => {
                let policy = json::<escalation::Policy>(collection, "policy", &text("policy")?)?;
                policy.check().map_err(|error| wrong("policy", error.to_string()))?;
                self.touches.push(Touch::Escalation);
            }
            "paged" => {
                for key in ["level", "cycle"] {
                    if fact(key)?.as_i64().is_none_or(|number| !(1..=255).contains(&number)) {
                        return Err(wrong(collection, format!("{key} of a page is no number from 1")));
                    }
                }
                for key in ["members", "email"] {
                    json::<Vec<MemberId>>(collection, key, &text(key)?)?;
                }
                self.touches.push(Touch::Escalation);
            }
            "acknowledgement_expired" => self.touches.push(Touch::Escalation),
            "escalation_ended" => {
                word::<escalation::EndReason>(fact("reason")?, collection)?;
                self.touches.push(Touch::Escalation);
            }
            other => {
                return Err(wrong(
                    collection,
                    format!("an entry of {collection} has the unknown kind {other}"),
                ));
            }
        }
        Ok(())
    }

    fn told_word<T: std::str::FromStr>(
        &self,
        collection: &str,
        field: &str,
        entry: &Entry,
        told: &mut BTreeSet<String>,
    ) -> Result<(), Invalid>
    where
        T::Err: std::fmt::Display,
    {
        for key in ["from", "to"] {
            let value = entry
                .facts
                .get(key)
                .ok_or_else(|| wrong(collection, format!("an entry of {collection} needs {key}")))?;
            word::<T>(value, collection)?;
        }
        // A history retold (an import, a demo, a workspace that joins a server) has several moves in one change; only then may an entry tell of a value that did not stay.
        if !self.imported && !self.creates && self.written.get(field) != entry.facts.get("to") {
            return Err(wrong(collection, format!("the log tells another {field} than the change writes")));
        }
        told.insert(field.to_owned());
        Ok(())
    }

    /// What was written stands in the log, and what the log tells of was written.
    fn all_told(&self, told: &BTreeSet<String>) -> Result<(), Invalid> {
        let logged = match self.kind {
            DocKind::Ticket | DocKind::Article => "log",
            DocKind::Incident => "timeline",
            DocKind::Workspace | DocKind::Personal => return Ok(()),
        };
        let silent = |field: &str| field.starts_with("milestones.");
        for field in self.written.keys().map(String::as_str).chain(self.inserted.keys().map(String::as_str)) {
            if !told.contains(field) && !silent(field) {
                return Err(wrong(field, format!("the {logged} does not tell that {field} changed")));
            }
        }
        for field in told {
            let there = self.written.contains_key(field)
                || self.inserted.contains_key(field)
                || field.starts_with("comments.");
            if !there && !self.imported {
                return Err(wrong(field, format!("the {logged} tells that {field} changed, but it did not")));
            }
        }
        Ok(())
    }

    /// Every policy that the change writes counts by a calendar that is there, and none loses the one that it counts by.
    fn settings(&self) -> Result<(), Invalid> {
        let (policies, calendars) = (Section::Policies.as_str(), Section::Calendars.as_str());
        let counts_by = |json: &str| serde_json::from_str::<Policy>(json).ok().map(|policy| policy.calendar);
        for (field, value) in &self.written {
            let Some((section, key)) = field.split_once('.') else { continue };
            if section == policies
                && let Some(calendar) = value.as_str().and_then(counts_by)
                && self.setting(calendars, &calendar).is_none()
            {
                let message =
                    format!("the policy {key} counts by the calendar {calendar}, which is not there");
                return Err(wrong(policies, format!("{message}; name another one, or make it first")));
            }
            if section == calendars && value.is_null() {
                let using = self.setting_keys(policies).into_iter().find(|policy| {
                    let json = self.setting(policies, policy);
                    json.and_then(|json| counts_by(&json)).is_some_and(|calendar| calendar == key)
                });
                if let Some(policy) = using {
                    let message = format!("the policy {policy} counts by the calendar {key}");
                    return Err(wrong(calendars, format!("{message}; give it another one first")));
                }
            }
        }
        Ok(())
    }

    /// An entry of the settings as the change leaves it.
    fn setting(&self, section: &str, key: &str) -> Option<String> {
        if let Some(value) = self.written.get(&format!("{section}.{key}")) {
            return value.as_str().map(str::to_owned);
        }
        let (_, map) = self.doc.get(ROOT, section).ok()??;
        let (value, _) = self.doc.get_at(&map, key, self.change.inner().deps()).ok()??;
        value.as_str().map(str::to_owned)
    }

    /// The keys of a section, those that the change adds included.
    fn setting_keys(&self, section: &str) -> BTreeSet<String> {
        let added = self.written.keys().filter_map(|field| field.strip_prefix(section)?.strip_prefix('.'));
        let mut keys: BTreeSet<String> = added.map(str::to_owned).collect();
        if let Ok(Some((_, map))) = self.doc.get(ROOT, section) {
            keys.extend(self.doc.keys_at(&map, self.change.inner().deps()));
        }
        keys
    }

    /// Co-edited texts stay within their limit.
    fn texts(&mut self) -> Result<(), Invalid> {
        for (key, bytes) in &self.inserted {
            let before = match self.doc.get(ROOT, key.as_str()) {
                Ok(Some((Value::Object(_), object))) => self.doc.length(&object),
                Ok(_) | Err(_) => 0,
            };
            if before + bytes > 2 * BODY_MAX_BYTES || *bytes > BODY_MAX_BYTES {
                return Err(Invalid::TooLarge {
                    field: key.clone(),
                    message: format!("{key} is longer than {BODY_MAX_BYTES} bytes; split it into several"),
                });
            }
            if !self.creates {
                self.touches.push(Touch::Field { field: key.clone() });
            }
        }
        Ok(())
    }
}

fn map_key(op: &Op) -> Result<String, Invalid> {
    match &op.key {
        Key::Map(key) if key.chars().count() <= NAME_MAX_CHARS => Ok(key.to_string()),
        Key::Map(_) => Err(Invalid::TooLarge {
            field: "name".to_owned(),
            message: format!("a name is longer than {NAME_MAX_CHARS} characters; shorten it"),
        }),
        Key::Seq(_) => Err(wrong("change", "the change writes a list where there is none")),
    }
}

/// The name that an entry is signed with.
fn name_of(value: &ScalarValue, collection: &str) -> Result<String, Invalid> {
    check_scalar(Scalar::Name, value, collection)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// The value that an operation on a freshly made or never rivalled key writes.
fn put<'a>(op: &'a Op, field: &str) -> Result<&'a ScalarValue, Invalid> {
    match &op.action {
        OpType::Put(value) if !op.insert => Ok(value),
        OpType::Delete => Err(wrong(field, format!("{field} cannot be removed, only changed"))),
        OpType::Put(_)
        | OpType::Make(_)
        | OpType::Increment(_)
        | OpType::MarkBegin(_)
        | OpType::MarkEnd(_) => Err(wrong(field, format!("{field} holds one plain value"))),
    }
}

fn word<T: std::str::FromStr>(value: &ScalarValue, field: &str) -> Result<T, Invalid>
where
    T::Err: std::fmt::Display,
{
    value
        .as_str()
        .ok_or_else(|| wrong(field, format!("{field} is no text")))?
        .parse()
        .map_err(|error: T::Err| wrong(field, error.to_string()))
}

fn check_scalar(scalar: Scalar, value: &ScalarValue, field: &str) -> Result<(), Invalid> {
    match (scalar, value) {
        (Scalar::Instant, ScalarValue::Timestamp(_))
        | (Scalar::Flag, ScalarValue::Boolean(_))
        | (Scalar::Number, ScalarValue::Int(_)) => Ok(()),
        (_, ScalarValue::Null) if nullable(scalar) => Ok(()),
        (_, ScalarValue::Str(text)) => check_text(scalar, text, field).map_err(|found| fault(field, found)),
        _ => Err(wrong(field, format!("{field} is of a wrong type"))),
    }
}

/// An entry of the workspace's settings parses as what its section holds, and is of use.
fn check_setting(section: &str, key: &str, value: &ScalarValue) -> Result<(), Invalid> {
    let Some(json) = value.as_str() else {
        // Without its entry a private team's tickets would be everybody's.
        let stays = section == Section::Teams.as_str();
        return if stays { Err(wrong(section, format!("the team {key} is never removed"))) } else { Ok(()) };
    };
    let parsed = match Section::ALL.into_iter().find(|known| known.as_str() == section) {
        Some(Section::Members) => serde_json::from_str::<desk_domain::people::Member>(json).map(drop),
        Some(Section::Teams) => match serde_json::from_str::<desk_domain::people::Team>(json) {
            Ok(team) if team.key != key => {
                return Err(wrong(section, format!("the entry {key} is of the team {}", team.key)));
            }
            parsed => parsed.map(drop),
        },
        Some(Section::Categories) => serde_json::from_str::<String>(json).map(drop),
        Some(Section::Calendars) => match serde_json::from_str::<Calendar>(json) {
            Ok(calendar) => {
                let of = |problem| wrong(section, format!("the calendar {key} cannot be used: {problem}"));
                return calendar.check().map_err(of);
            }
            Err(error) => Err(error),
        },
        Some(Section::Policies) => match serde_json::from_str::<Policy>(json) {
            Ok(policy) if policy.key != key => {
                return Err(wrong(section, format!("the entry {key} is of the policy {}", policy.key)));
            }
            Ok(policy) => {
                let of = |problem| wrong(section, format!("the policy {key} cannot be used: {problem}"));
                return policy.check().map_err(of);
            }
            Err(error) => Err(error),
        },
        Some(Section::General) if key == "workflow" => {
            serde_json::from_str::<desk_domain::workspace::Workflow>(json).map(drop)
        }
        Some(Section::Escalations) => {
            return checked(section, key, json, |policy: escalation::Policy| policy.check());
        }
        Some(Section::Schedules) => {
            return checked(section, key, json, |schedule: escalation::Schedule| schedule.check());
        }
        Some(Section::Services) => {
            return checked(section, key, json, |service: Service| service.check());
        }
        Some(Section::Detection) => {
            return checked(section, key, json, |rule: detection::Rule| {
                if rule.key == key {
                    rule.check().map_err(|problem| problem.to_string())
                } else {
                    Err(format!("the entry is of the rule {}", rule.key))
                }
            });
        }
        Some(Section::General | Section::Macros | Section::Views | Section::Flags) | None => return Ok(()),
    };
    parsed.map_err(|error| wrong(section, format!("{section}.{key} is not what it should be: {error}")))
}

/// An entry of the settings parses, and what it holds can be used.
fn checked<T: DeserializeOwned, E: std::fmt::Display>(
    section: &str,
    key: &str,
    json: &str,
    check: impl Fn(T) -> Result<(), E>,
) -> Result<(), Invalid> {
    let parsed = serde_json::from_str(json)
        .map_err(|error| wrong(section, format!("{section}.{key} is not what it should be: {error}")))?;
    check(parsed).map_err(|error| wrong(section, format!("{section}.{key}: {error}")))
}

/// What stands as JSON in an entry parses.
fn json<T: DeserializeOwned>(collection: &str, key: &str, text: &str) -> Result<T, Invalid> {
    serde_json::from_str(text)
        .map_err(|error| wrong(collection, format!("{key} of an entry is not what it should be: {error}")))
}

/// Every fact of a log entry is one that a reader can read, also what its kind has no use for: what cannot be read hides the
/// whole document.
fn readable(collection: &str, entry: &Entry) -> Result<(), Invalid> {
    for (key, value) in &entry.facts {
        match (key.as_str(), value) {
            (_, ScalarValue::Str(long)) => check_text(Scalar::Body, long, &format!("{collection}.{key}"))
                .map_err(|found| fault(collection, found))?,
            ("at" | "until", ScalarValue::Timestamp(_))
            | ("on" | "deleted", ScalarValue::Boolean(_))
            | ("level" | "cycle", ScalarValue::Int(_))
            | (_, ScalarValue::Null) => {}
            (_, _) => return Err(wrong(collection, format!("{key} of an entry is no text"))),
        }
    }
    Ok(())
}

/// The log tells of a comment of the same change, and as it is.
fn told_as_written(collection: &str, entry: &Entry, written: Option<&Entry>) -> Result<(), Invalid> {
    let Some(written) = written else {
        return Err(wrong(collection, "the log tells of a comment that is not in the change"));
    };
    for key in ["visibility", "side"] {
        if written.facts.get(key) != entry.facts.get(key) {
            return Err(wrong(collection, "the log tells something else of a comment than it says"));
        }
    }
    Ok(())
}
