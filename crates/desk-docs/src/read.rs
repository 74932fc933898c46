//! Reads a document into the domain.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{AutoCommit, ObjId, ROOT, ReadDoc, ScalarValue, ScalarValueRef, Value};
use desk_domain::{
    article::{Article, ArticleStatus},
    edit::Section,
    ids::{CommentId, DocId, DocKind, EntryId},
    incident::{Incident, IncidentStatus, Severity, TimelineEntry, TimelineEvent},
    people::Member,
    personal::Personal,
    sla::{Calendar, Policy},
    state::State,
    ticket::{Comment, Conflict, ConflictValue, LogEntry, LogEvent, Priority, Source, Status, Ticket},
    time::UtcMillis,
    workspace::{Workflow, Workspace},
};

use serde::de::DeserializeOwned;

use crate::{
    change, history,
    schema::{self, SCHEMA, Slot},
    tree::{Found, Map, Tree},
};

/// A document does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A newer program wrote it. It is kept and synced untouched.
    #[error("the document has schema {found}, this program reads up to {SCHEMA}: update it")]
    NewerSchema {
        /// Its schema number.
        found: u32,
    },
    /// Something stands in it that no version of this program writes.
    #[error("the document's field {field} is not what it should be")]
    Malformed {
        /// Where.
        field: String,
    },
}

fn malformed(field: impl Into<String>) -> ReadError {
    ReadError::Malformed { field: field.into() }
}

/// The schema number that a document bears.
pub(crate) fn schema(doc: &AutoCommit) -> Result<u32, ReadError> {
    match doc.get(ROOT, "schema") {
        Ok(Some((Value::Scalar(value), _))) => {
            value.as_i64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| malformed("schema"))
        }
        Ok(_) | Err(_) => Err(malformed("schema")),
    }
}

/// A plain text at the root; `None` when nothing or something else stands there.
pub(crate) fn text_at_root(doc: &AutoCommit, field: &str) -> Option<String> {
    match doc.get(ROOT, field) {
        Ok(Some((Value::Scalar(value), _))) => value.as_str().map(str::to_owned),
        Ok(_) | Err(_) => None,
    }
}

/// An instant at the root, without reading anything else.
pub(crate) fn instant_at_root(doc: &AutoCommit, field: &str) -> Option<UtcMillis> {
    match doc.get(ROOT, field) {
        Ok(Some((Value::Scalar(value), _))) => match value.as_ref() {
            ScalarValue::Timestamp(ms) => Some(UtcMillis(*ms)),
            _ => None,
        },
        Ok(_) | Err(_) => None,
    }
}

/// Reads a document of `kind`.
pub(crate) fn read(doc: &AutoCommit, id: DocId, kind: DocKind) -> Result<State, ReadError> {
    let found = schema(doc)?;
    if found > SCHEMA {
        return Err(ReadError::NewerSchema { found });
    }
    let tree = Tree::of(doc);
    let root = Fields(tree.root());
    Ok(match kind {
        DocKind::Ticket => State::Ticket(Box::new(ticket(doc, &root, id, found)?)),
        DocKind::Article => State::Article(Box::new(article(doc, &root, id, found)?)),
        DocKind::Incident => State::Incident(Box::new(incident(doc, &root, id, found)?)),
        DocKind::Workspace => State::Workspace(Box::new(workspace(&root, id, found)?)),
        DocKind::Personal => State::Personal(Box::new(personal(&root, id, found)?)),
    })
}

/// What can be read of a ticket, article or incident that a newer program wrote, for showing it; what is not as this
/// program writes it is left out. `None` for a document that this program reads whole, or not at all.
pub(crate) fn readable(doc: &AutoCommit, id: DocId, kind: DocKind) -> Option<State> {
    let found = schema(doc).ok().filter(|found| *found > SCHEMA)?;
    let tree = Tree::of(doc);
    let root = Fields(tree.root());
    let title = root.string("title").unwrap_or_default();
    // The id of a document tells when it was made.
    let made_ms = i64::try_from(id.0.as_u128() >> 80).unwrap_or_default();
    let created_at = root.instant("created_at").unwrap_or(UtcMillis(made_ms));
    let tags = root.flags("tags").unwrap_or_default();
    let category = root.optional("category").unwrap_or_default();
    let deleted = root.flag("deleted").unwrap_or_default();
    Some(match kind {
        DocKind::Ticket => {
            let log = log(&root).unwrap_or_default();
            State::Ticket(Box::new(Ticket {
                id,
                title,
                description: root.string("description").unwrap_or_default(),
                status: root.word("status").unwrap_or(Status::Open),
                priority: root.word("priority").unwrap_or(Priority::Medium),
                category,
                assignee: root.optional("assignee").unwrap_or_default(),
                team: root.optional("team").unwrap_or_default(),
                requester: root.optional("requester").unwrap_or_default(),
                tags,
                custom: root.texts("custom").unwrap_or_default(),
                comments: comments(&root).unwrap_or_default(),
                updated_at: log.iter().map(|entry| entry.at).max().unwrap_or(created_at).max(created_at),
                log,
                source: None,
                created_at,
                deleted,
                conflicts: Vec::new(),
                schema: found,
            }))
        }
        DocKind::Article => State::Article(Box::new(Article {
            id,
            title,
            body: root.text("body").unwrap_or_default(),
            category,
            tags,
            status: root.word("status").unwrap_or(ArticleStatus::Draft),
            author: root.string("author").unwrap_or_default(),
            created_at,
            updated_at: created_at,
            deleted,
            conflicts: Vec::new(),
            schema: found,
        })),
        DocKind::Incident => State::Incident(Box::new(Incident {
            id,
            title,
            summary: root.string("summary").unwrap_or_default(),
            severity: root.word("severity").unwrap_or(Severity::P4),
            status: root.word("status").unwrap_or(IncidentStatus::Open),
            services: root.flags("services").unwrap_or_default(),
            roles: BTreeMap::new(),
            tickets: BTreeSet::new(),
            timeline: Vec::new(),
            updated_at: created_at,
            milestones: BTreeMap::new(),
            postmortem: root.text("postmortem").unwrap_or_default(),
            created_at,
            deleted,
            conflicts: Vec::new(),
            schema: found,
        })),
        DocKind::Workspace | DocKind::Personal => return None,
    })
}

/// A map of a document, read by key.
struct Fields<'a>(Map<'a>);

impl<'a> Fields<'a> {
    fn scalar(&self, key: &str) -> Option<&'a ScalarValueRef<'a>> {
        match self.0.get(key) {
            Some(Found::Scalar(value)) => Some(value),
            Some(Found::Map(_) | Found::Text(_) | Found::List) | None => None,
        }
    }

    fn str(&self, key: &str) -> Result<&'a str, ReadError> {
        match self.scalar(key) {
            Some(ScalarValueRef::Str(text)) => Ok(text),
            Some(_) | None => Err(malformed(key)),
        }
    }

    fn string(&self, key: &str) -> Result<String, ReadError> {
        self.str(key).map(str::to_owned)
    }

    fn optional(&self, key: &str) -> Result<Option<String>, ReadError> {
        match self.scalar(key) {
            Some(ScalarValueRef::Str(text)) => Ok(Some(text.to_string())),
            Some(ScalarValueRef::Null) | None => Ok(None),
            Some(_) => Err(malformed(key)),
        }
    }

    fn word<T: std::str::FromStr>(&self, key: &str) -> Result<T, ReadError> {
        self.str(key)?.parse().map_err(|_| malformed(key))
    }

    /// A number from 0 to 255.
    fn small(&self, key: &str) -> Result<u8, ReadError> {
        match self.scalar(key) {
            Some(ScalarValueRef::Int(number)) => u8::try_from(*number).map_err(|_| malformed(key)),
            Some(_) | None => Err(malformed(key)),
        }
    }

    /// A value that stands as JSON.
    fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T, ReadError> {
        serde_json::from_str(self.str(key)?).map_err(|_| malformed(key))
    }

    fn instant(&self, key: &str) -> Result<UtcMillis, ReadError> {
        match self.scalar(key) {
            Some(ScalarValueRef::Timestamp(ms)) => Ok(UtcMillis(*ms)),
            Some(_) | None => Err(malformed(key)),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, ReadError> {
        match self.scalar(key) {
            Some(ScalarValueRef::Boolean(value)) => Ok(*value),
            Some(_) | None => Err(malformed(key)),
        }
    }

    fn map(&self, key: &str) -> Result<Map<'a>, ReadError> {
        match self.0.get(key) {
            Some(Found::Map(map)) => Ok(map),
            Some(Found::Scalar(_) | Found::Text(_) | Found::List) | None => Err(malformed(key)),
        }
    }

    /// The names of a map of flags that are on.
    fn flags(&self, key: &str) -> Result<BTreeSet<String>, ReadError> {
        let on = self.map(key)?.iter().filter_map(|(name, value)| match value {
            Found::Scalar(ScalarValueRef::Boolean(true)) => Some(name.to_owned()),
            Found::Scalar(_) | Found::Map(_) | Found::Text(_) | Found::List => None,
        });
        Ok(on.collect())
    }

    /// The texts of a map of names, without the emptied ones.
    fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, ReadError> {
        let texts = self.map(key)?.iter().filter_map(|(name, value)| match value {
            Found::Scalar(ScalarValueRef::Str(text)) => Some((name.to_owned(), text.to_string())),
            Found::Scalar(_) | Found::Map(_) | Found::Text(_) | Found::List => None,
        });
        Ok(texts.collect())
    }

    /// The instants of a map of names.
    fn instants(&self, key: &str) -> Result<Vec<(&'a str, UtcMillis)>, ReadError> {
        let instants = self.map(key)?.iter().filter_map(|(name, value)| match value {
            Found::Scalar(ScalarValueRef::Timestamp(ms)) => Some((name, UtcMillis(*ms))),
            Found::Scalar(_) | Found::Map(_) | Found::Text(_) | Found::List => None,
        });
        Ok(instants.collect())
    }

    /// The maps of a map of entries.
    fn entries(&self, key: &str) -> Result<Vec<(&'a str, Fields<'a>)>, ReadError> {
        let entries = self.map(key)?.iter().map(|(name, value)| match value {
            Found::Map(fields) => Ok((name, Fields(fields))),
            Found::Scalar(_) | Found::Text(_) | Found::List => Err(malformed(format!("{key}.{name}"))),
        });
        entries.collect()
    }

    fn text(&self, key: &str) -> Result<String, ReadError> {
        match self.0.get(key) {
            Some(Found::Text(text)) => Ok(text.to_owned()),
            Some(Found::Scalar(_) | Found::Map(_) | Found::List) | None => Err(malformed(key)),
        }
    }
}

fn ticket(doc: &AutoCommit, root: &Fields<'_>, id: DocId, schema: u32) -> Result<Ticket, ReadError> {
    let log = log(root)?;
    let created_at = root.instant("created_at")?;
    let source = match root.0.get("source") {
        Some(Found::Map(map)) => {
            let fields = Fields(map);
            Some(Source {
                system: fields.string("system")?,
                key: fields.string("key")?,
                imported_by: fields.string("imported_by")?,
            })
        }
        Some(Found::Scalar(_) | Found::Text(_) | Found::List) | None => None,
    };
    Ok(Ticket {
        id,
        title: root.string("title")?,
        description: root.string("description")?,
        status: root.word("status")?,
        priority: root.word("priority")?,
        category: root.optional("category")?,
        assignee: root.optional("assignee")?,
        team: root.optional("team")?,
        requester: root.optional("requester")?,
        tags: root.flags("tags")?,
        custom: root.texts("custom")?,
        comments: comments(root)?,
        updated_at: log.iter().map(|entry| entry.at).max().unwrap_or(created_at).max(created_at),
        conflicts: conflicts(doc, root, DocKind::Ticket, || ticket_signatures(&log)),
        log,
        source,
        created_at,
        deleted: root.flag("deleted")?,
        schema,
    })
}

fn comments(root: &Fields<'_>) -> Result<Vec<Comment>, ReadError> {
    let mut comments = root
        .entries("comments")?
        .into_iter()
        .map(|(key, fields)| {
            Ok(Comment {
                id: key.parse::<CommentId>().map_err(|_| malformed(format!("comments.{key}")))?,
                author: fields.string("author")?,
                side: fields.word("side")?,
                visibility: fields.word("visibility")?,
                body: fields.string("body")?,
                created_at: fields.instant("created_at")?,
                deleted: fields.flag("deleted")?,
            })
        })
        .collect::<Result<Vec<_>, ReadError>>()?;
    comments.sort_by_key(|comment| (comment.created_at, comment.id));
    Ok(comments)
}

fn log(root: &Fields<'_>) -> Result<Vec<LogEntry>, ReadError> {
    let mut log = root
        .entries("log")?
        .into_iter()
        .map(|(key, fields)| {
            Ok(LogEntry {
                id: key.parse::<EntryId>().map_err(|_| malformed(format!("log.{key}")))?,
                at: fields.instant("at")?,
                by: fields.string("by")?,
                event: log_event(&fields)?,
            })
        })
        .collect::<Result<Vec<_>, ReadError>>()?;
    log.sort_by_key(|entry| (entry.at, entry.id));
    Ok(log)
}

fn log_event(fields: &Fields<'_>) -> Result<LogEvent, ReadError> {
    let comment = || fields.str("comment")?.parse().map_err(|_| malformed("log.comment"));
    Ok(match fields.str("kind")? {
        "created" => LogEvent::Created { status: fields.word("status")?, priority: fields.word("priority")? },
        "status" => LogEvent::Status { from: fields.word("from")?, to: fields.word("to")? },
        "priority" => LogEvent::Priority { from: fields.word("from")?, to: fields.word("to")? },
        "field" => LogEvent::Field {
            field: fields.string("field")?,
            from: fields.optional("from")?,
            to: fields.optional("to")?,
        },
        "tag" => LogEvent::Tag { tag: fields.string("tag")?, on: fields.flag("on")? },
        "reply" => LogEvent::Reply {
            comment: comment()?,
            visibility: fields.word("visibility")?,
            side: fields.word("side")?,
        },
        "comment_deleted" => LogEvent::CommentDeleted { comment: comment()? },
        "deleted" => LogEvent::Deleted { deleted: fields.flag("deleted")? },
        other => return Err(malformed(format!("log.kind {other}"))),
    })
}

fn article(doc: &AutoCommit, root: &Fields<'_>, id: DocId, schema: u32) -> Result<Article, ReadError> {
    let created_at = root.instant("created_at")?;
    // An article's log has no life of its own in the domain: it tells when and by whom, nothing counts by it.
    let entries = root.entries("log")?;
    let mut updated_at = created_at;
    let mut signatures = Vec::new();
    for (key, fields) in &entries {
        let at = fields.instant("at")?;
        updated_at = updated_at.max(at);
        if let Some(field) = fields.optional("field")? {
            let (to, by) = (fields.optional("to")?, fields.string("by")?);
            signatures.push(Signature { entry: (*key).to_owned(), field, to, by, at });
        }
    }
    Ok(Article {
        id,
        title: root.string("title")?,
        body: root.text("body")?,
        category: root.optional("category")?,
        tags: root.flags("tags")?,
        status: root.word::<ArticleStatus>("status")?,
        author: root.string("author")?,
        created_at,
        updated_at,
        deleted: root.flag("deleted")?,
        conflicts: conflicts(doc, root, DocKind::Article, || signatures),
        schema,
    })
}

fn incident(doc: &AutoCommit, root: &Fields<'_>, id: DocId, schema: u32) -> Result<Incident, ReadError> {
    let created_at = root.instant("created_at")?;
    let mut timeline = root
        .entries("timeline")?
        .into_iter()
        .map(|(key, fields)| {
            Ok(TimelineEntry {
                id: key.parse::<EntryId>().map_err(|_| malformed(format!("timeline.{key}")))?,
                at: fields.instant("at")?,
                by: fields.string("by")?,
                event: timeline_event(&fields)?,
            })
        })
        .collect::<Result<Vec<_>, ReadError>>()?;
    timeline.sort_by_key(|entry| (entry.at, entry.id));
    Ok(Incident {
        id,
        title: root.string("title")?,
        summary: root.string("summary")?,
        severity: root.word("severity")?,
        status: root.word("status")?,
        services: root.flags("services")?,
        roles: root
            .texts("roles")?
            .into_iter()
            .filter_map(|(role, member)| Some((role.parse().ok()?, member)))
            .collect(),
        tickets: root.flags("tickets")?.iter().filter_map(|id| id.parse().ok()).collect(),
        updated_at: timeline.iter().map(|entry| entry.at).max().unwrap_or(created_at).max(created_at),
        conflicts: conflicts(doc, root, DocKind::Incident, || incident_signatures(&timeline)),
        timeline,
        milestones: root
            .instants("milestones")?
            .into_iter()
            .filter_map(|(name, at)| Some((name.parse().ok()?, at)))
            .collect(),
        postmortem: root.text("postmortem")?,
        created_at,
        deleted: root.flag("deleted")?,
        schema,
    })
}

fn timeline_event(fields: &Fields<'_>) -> Result<TimelineEvent, ReadError> {
    Ok(match fields.str("kind")? {
        "created" => TimelineEvent::Created { severity: fields.word("severity")? },
        "status" => TimelineEvent::Status { from: fields.word("from")?, to: fields.word("to")? },
        "severity" => TimelineEvent::Severity { from: fields.word("from")?, to: fields.word("to")? },
        "note" => TimelineEvent::Note { text: fields.string("text")? },
        "deleted" => TimelineEvent::Field {
            field: "deleted".to_owned(),
            from: None,
            to: Some(fields.flag("deleted")?.to_string()),
        },
        "field" => TimelineEvent::Field {
            field: fields.string("field")?,
            from: fields.optional("from")?,
            to: fields.optional("to")?,
        },
        "update" => {
            TimelineEvent::Update { visibility: fields.word("visibility")?, text: fields.string("text")? }
        }
        "proposed" => TimelineEvent::Proposed {
            rule: fields.string("rule")?,
            severity: fields.word("severity")?,
            evidence: fields.string("evidence")?,
        },
        "confirmed" => TimelineEvent::Confirmed,
        "dismissed" => TimelineEvent::Dismissed { text: fields.string("text")? },
        "escalation_started" => TimelineEvent::EscalationStarted { policy: fields.json("policy")? },
        "paged" => TimelineEvent::Paged {
            level: fields.small("level")?,
            cycle: fields.small("cycle")?,
            members: fields.json("members")?,
            email: fields.json("email")?,
        },
        "acknowledged" => TimelineEvent::Acknowledged {
            until: match fields.scalar("until") {
                Some(ScalarValueRef::Null) | None => None,
                Some(_) => Some(fields.instant("until")?),
            },
        },
        "acknowledgement_expired" => TimelineEvent::AcknowledgementExpired,
        "escalation_ended" => TimelineEvent::EscalationEnded { reason: fields.word("reason")? },
        other => return Err(malformed(format!("timeline.kind {other}"))),
    })
}

/// The entries of a section. One broken entry must not hide the whole workspace: it is left out, as if it were retired.
fn entries<K: Ord, V: DeserializeOwned>(
    root: &Fields<'_>,
    section: Section,
    key: impl Fn(&str) -> Option<K>,
) -> Result<BTreeMap<K, V>, ReadError> {
    if Section::LATER.contains(&section) && root.0.get(section.as_str()).is_none() {
        return Ok(BTreeMap::new());
    }
    let texts = root.texts(section.as_str())?;
    Ok(texts.iter().filter_map(|(name, json)| Some((key(name)?, serde_json::from_str(json).ok()?))).collect())
}

/// One entry of the general section.
fn one<T: DeserializeOwned>(general: &BTreeMap<String, String>, key: &str) -> Option<T> {
    general.get(key).and_then(|json| serde_json::from_str(json).ok())
}

fn workspace(root: &Fields<'_>, id: DocId, schema: u32) -> Result<Workspace, ReadError> {
    let general = root.texts(Section::General.as_str())?;
    let named = |name: &str| Some(name.to_owned());
    Ok(Workspace {
        id,
        name: one(&general, "name").unwrap_or_default(),
        zone: one(&general, "zone").unwrap_or_else(|| "UTC".to_owned()),
        members: entries::<_, Member>(root, Section::Members, |name| name.parse().ok())?,
        teams: entries(root, Section::Teams, named)?,
        categories: entries(root, Section::Categories, named)?,
        workflow: one::<Workflow>(&general, "workflow").unwrap_or_default(),
        calendars: entries::<_, Calendar>(root, Section::Calendars, named)?,
        policies: entries::<_, Policy>(root, Section::Policies, named)?,
        escalations: entries(root, Section::Escalations, named)?,
        schedules: entries(root, Section::Schedules, named)?,
        services: entries(root, Section::Services, named)?,
        detection: entries(root, Section::Detection, named)?,
        schema,
    })
}

fn personal(root: &Fields<'_>, id: DocId, schema: u32) -> Result<Personal, ReadError> {
    Ok(Personal {
        id,
        preferences: root.texts("preferences")?,
        acknowledged: root
            .instants("acknowledged")?
            .into_iter()
            .map(|(key, at)| (key.to_owned(), at))
            .collect(),
        schema,
    })
}

/// Who set a field when, as a log tells it.
struct Signature {
    /// The entry's key in the log.
    entry: String,
    field: String,
    to: Option<String>,
    by: String,
    at: UtcMillis,
}

fn ticket_signatures(log: &[LogEntry]) -> Vec<Signature> {
    log.iter()
        .filter_map(|entry| {
            let (field, to) = match &entry.event {
                LogEvent::Status { to, .. } => ("status", Some(to.to_string())),
                LogEvent::Priority { to, .. } => ("priority", Some(to.to_string())),
                LogEvent::Deleted { deleted } => ("deleted", Some(deleted.to_string())),
                LogEvent::Field { field, to, .. } => (field.as_str(), to.clone()),
                LogEvent::Created { .. }
                | LogEvent::Tag { .. }
                | LogEvent::Reply { .. }
                | LogEvent::CommentDeleted { .. } => return None,
            };
            let (id, by) = (entry.id.to_string(), entry.by.clone());
            Some(Signature { entry: id, field: field.to_owned(), to, by, at: entry.at })
        })
        .collect()
}

fn incident_signatures(timeline: &[TimelineEntry]) -> Vec<Signature> {
    timeline
        .iter()
        .filter_map(|entry| {
            let (field, to) = match &entry.event {
                TimelineEvent::Status { to, .. } => ("status", Some(to.to_string())),
                TimelineEvent::Severity { to, .. } => ("severity", Some(to.to_string())),
                TimelineEvent::Field { field, to, .. } => (field.as_str(), to.clone()),
                TimelineEvent::Created { .. }
                | TimelineEvent::Note { .. }
                | TimelineEvent::Update { .. }
                | TimelineEvent::Proposed { .. }
                | TimelineEvent::Confirmed
                | TimelineEvent::Dismissed { .. }
                | TimelineEvent::EscalationStarted { .. }
                | TimelineEvent::Paged { .. }
                | TimelineEvent::Acknowledged { .. }
                | TimelineEvent::AcknowledgementExpired
                | TimelineEvent::EscalationEnded { .. } => return None,
            };
            let (id, by) = (entry.id.to_string(), entry.by.clone());
            Some(Signature { entry: id, field: field.to_owned(), to, by, at: entry.at })
        })
        .collect()
}

/// The fields with concurrent values that differ (two equal ones are no conflict), the winner first. Hardly ever are there
/// any: who signed what is asked only then.
fn conflicts(
    doc: &AutoCommit,
    root: &Fields<'_>,
    kind: DocKind,
    signatures: impl FnOnce() -> Vec<Signature>,
) -> Vec<Conflict> {
    let is_shown = |key: &&str| match schema::slot(kind, key) {
        Some(Slot::Field(_) | Slot::TicketStatus | Slot::IncidentStatus | Slot::Deleted) => true,
        Some(Slot::Fixed(_) | Slot::Names(_) | Slot::Entries(_) | Slot::Text | Slot::FixedMap) | None => {
            false
        }
    };
    let fields: Vec<&str> = root.0.conflicted().filter(is_shown).collect();
    let custom: Vec<&str> =
        root.map("custom").map_or_else(|_| Vec::new(), |custom| custom.conflicted().collect());
    if fields.is_empty() && custom.is_empty() {
        return Vec::new();
    }
    let object = |key| match doc.get(ROOT, key) {
        Ok(Some((Value::Object(_), object))) => Some(object),
        Ok(Some((Value::Scalar(_), _)) | None) | Err(_) => None,
    };
    let signed = Signed { doc, log: history::log_key(kind).and_then(object), signatures: signatures() };
    let mut conflicts: Vec<Conflict> =
        fields.into_iter().filter_map(|key| signed.conflict(&ROOT, key, key)).collect();
    if let Some(object) = object("custom") {
        let conflict = |key: &str| signed.conflict(&object, key, &format!("custom.{key}"));
        conflicts.extend(custom.into_iter().filter_map(conflict));
    }
    conflicts.sort_by(|a, b| a.field.cmp(&b.field));
    conflicts
}

/// A document with what its log tells of who wrote its fields.
struct Signed<'a> {
    doc: &'a AutoCommit,
    log: Option<ObjId>,
    signatures: Vec<Signature>,
}

impl Signed<'_> {
    fn conflict(&self, obj: &ObjId, key: &str, field: &str) -> Option<Conflict> {
        let mut all = self.doc.get_all(obj, key).ok()?;
        // Automerge gives the winner last.
        all.reverse();
        let mut values: Vec<ConflictValue> = Vec::new();
        for (value, op) in all {
            let Value::Scalar(scalar) = value else { continue };
            let text = match scalar.as_ref() {
                ScalarValue::Null => None,
                ScalarValue::Str(text) => Some(text.to_string()),
                other => Some(other.to_string()),
            };
            if values.iter().any(|known| known.value == text) {
                continue;
            }
            values.push(self.value(&op, field, text));
        }
        (values.len() > 1).then(|| Conflict { field: field.to_owned(), values })
    }

    /// A value with who wrote it, when, and in which circumstances: by the log entry of its field in the very change that
    /// wrote it (the one that tells of its value if there are several), or else by the change and its device alone.
    fn value(&self, op: &ObjId, field: &str, value: Option<String>) -> ConflictValue {
        let hash = self.doc.hash_for_opid(op);
        let change = hash.and_then(|hash| self.doc.get_change_by_hash(&hash));
        let mut entries = self
            .signatures
            .iter()
            .filter(|signature| signature.field == field)
            .filter(|signature| {
                let made =
                    self.log.as_ref().and_then(|log| history::made_by(self.doc, log, &signature.entry));
                made.is_some_and(|(made, _)| Some(made) == hash)
            })
            .peekable();
        let first = entries.peek().copied();
        let (by, at) = match (entries.find(|entry| entry.to == value).or(first), op) {
            (Some(entry), _) => (entry.by.clone(), entry.at),
            (None, ObjId::Id(_, actor, _)) => (actor.to_hex_string(), made_at(change.as_ref())),
            (None, ObjId::Root) => (String::new(), made_at(change.as_ref())),
        };
        ConflictValue { value, by, at, offline_since: change.as_ref().and_then(change::offline_since) }
    }
}

/// When a change says that it was made, to the second.
fn made_at(change: Option<&automerge::Change>) -> UtcMillis {
    UtcMillis(change.map_or(0, |change| change.timestamp().saturating_mul(1000)))
}
