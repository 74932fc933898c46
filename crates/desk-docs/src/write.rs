//! Writes typed edits into a document. Nothing is written that is already so: an edit that changes nothing makes
//! no change. Limits are not checked here but on the finished change (`review`), as the server will.

use std::collections::HashMap;

use automerge::{
    AutoCommit, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value, hydrate,
    transaction::Transactable,
};
use desk_domain::{
    edit::{
        ArticleOp, Edit, IncidentOp, NewTicket, Ops, PersonalOp, Section, Stamped, TicketOp, WorkspaceOp,
    },
    ids::{DocId, DocKind, EntryId, Ids, incident_number, ticket_number},
    incident::{IncidentStatus, Milestone},
    personal::REOPENED,
    ticket::{AuthorSide, Visibility},
    time::UtcMillis,
};

use crate::{
    schema::{self, SCHEMA, Slot, kind_word},
    text,
};

type Done = Result<(), AutomergeError>;

/// Writes all steps of an edit.
pub(crate) fn write(doc: &mut AutoCommit, id: DocId, edit: &Edit, ids: &dyn Ids) -> Done {
    match &edit.ops {
        Ops::Ticket(steps) => steps.iter().try_for_each(|step| ticket(&mut Pen { doc, ids }, id, step)),
        Ops::Article(steps) => steps.iter().try_for_each(|step| article(&mut Pen { doc, ids }, id, step)),
        Ops::Incident(steps) => steps.iter().try_for_each(|step| incident(&mut Pen { doc, ids }, id, step)),
        Ops::Workspace(steps) => steps.iter().try_for_each(|step| workspace(&mut Pen { doc, ids }, id, step)),
        Ops::Personal(steps) => steps.iter().try_for_each(|step| personal(&mut Pen { doc, ids }, id, step)),
    }
}

/// Whether the sections that an edit of settings writes to are there, or made by it: those that came later may be missing.
pub(crate) fn has_sections(doc: &AutoCommit, ops: &Ops) -> Result<bool, AutomergeError> {
    let Ops::Workspace(steps) = ops else { return Ok(true) };
    for step in steps {
        match &step.op {
            WorkspaceOp::Create => return Ok(true),
            WorkspaceOp::Set { section, .. } if Section::LATER.contains(section) => {
                if doc.get(ROOT, section.as_str())?.is_none() {
                    return Ok(false);
                }
            }
            WorkspaceOp::Set { .. } => {}
        }
    }
    Ok(true)
}

/// The document being written, with where fresh entry ids come from.
struct Pen<'a> {
    doc: &'a mut AutoCommit,
    ids: &'a dyn Ids,
}

impl Pen<'_> {
    /// What stands behind a key, if it is a scalar.
    fn scalar(&self, obj: &ObjId, key: &str) -> Result<Option<ScalarValue>, AutomergeError> {
        Ok(match self.doc.get(obj, key)? {
            Some((Value::Scalar(value), _)) => Some(value.into_owned()),
            Some((Value::Object(_), _)) | None => None,
        })
    }

    /// What stands behind a key, if it is a text.
    fn string(&self, obj: &ObjId, key: &str) -> Result<Option<String>, AutomergeError> {
        Ok(self.scalar(obj, key)?.and_then(|value| value.as_str().map(str::to_owned)))
    }

    /// Writes a scalar unless it stands there already without a rival; says whether it wrote.
    fn put(&mut self, obj: &ObjId, key: &str, value: impl Into<ScalarValue>) -> Result<bool, AutomergeError> {
        let value = value.into();
        if let [(Value::Scalar(there), _)] = self.doc.get_all(obj, key)?.as_slice()
            && **there == value
        {
            return Ok(false);
        }
        self.doc.put(obj, key, value)?;
        Ok(true)
    }

    /// The map (or text) behind a key of the root. The skeleton has it; a document without it is malformed, and
    /// Automerge's own error says so.
    fn child(&self, key: &str) -> Result<ObjId, AutomergeError> {
        match self.doc.get(ROOT, key)? {
            Some((Value::Object(_), id)) => Ok(id),
            Some((Value::Scalar(_), _)) | None => Err(AutomergeError::InvalidObjId(key.to_owned())),
        }
    }

    /// Makes the maps and texts of a kind, and the facts that never change.
    fn skeleton(&mut self, kind: DocKind, id: DocId, created_at: Option<UtcMillis>) -> Done {
        self.doc.put(ROOT, "schema", i64::from(SCHEMA))?;
        self.doc.put(ROOT, "kind", kind_word(kind))?;
        self.doc.put(ROOT, "id", id.to_string())?;
        if let Some(at) = created_at {
            self.doc.put(ROOT, "created_at", instant(at))?;
        }
        for (key, slot) in schema::root(kind) {
            let object = match slot {
                Slot::Names(_) | Slot::Entries(_) => ObjType::Map,
                Slot::Text => ObjType::Text,
                Slot::Fixed(_)
                | Slot::Field(_)
                | Slot::TicketStatus
                | Slot::IncidentStatus
                | Slot::Deleted
                | Slot::FixedMap => continue,
            };
            self.doc.put_object(ROOT, *key, object)?;
        }
        Ok(())
    }

    /// Appends to a log or timeline.
    fn entry<Op>(
        &mut self,
        collection: &str,
        step: &Stamped<Op>,
        kind: &str,
        facts: &[(&str, ScalarValue)],
    ) -> Done {
        let id = step.entry.unwrap_or_else(|| EntryId(self.ids.fresh()));
        let told = [("kind", kind.into()), ("at", instant(step.at)), ("by", step.by.as_str().into())];
        let log = self.child(collection)?;
        self.map(&log, &id.to_string(), told.into_iter().chain(facts.iter().cloned()))
    }

    /// Appends to the timeline what happens once: with an entry id that stands there already it is the same step, and nothing
    /// is written.
    fn once(&mut self, step: &Stamped<IncidentOp>, kind: &str, facts: &[(&str, ScalarValue)]) -> Done {
        let timeline = self.child("timeline")?;
        match step.entry {
            Some(id) if self.doc.get(&timeline, id.to_string())?.is_some() => Ok(()),
            Some(_) | None => self.entry("timeline", step, kind, facts),
        }
    }

    /// Makes a map with its values behind a key, at once: one by one they cost several times as much.
    fn map<'a>(
        &mut self,
        obj: &ObjId,
        key: &str,
        values: impl Iterator<Item = (&'a str, ScalarValue)>,
    ) -> Done {
        self.doc.batch_create_object(obj, key, &map_of(values), false).map(drop)
    }

    /// Writes a field of the root and its log entry. `tell` is whether the entry repeats the texts.
    fn field<Op>(
        &mut self,
        collection: &str,
        step: &Stamped<Op>,
        field: &str,
        value: Option<&str>,
        tell: bool,
    ) -> Done {
        let from = self.string(&ROOT, field)?;
        if !self.put(&ROOT, field, optional(value))? {
            return Ok(());
        }
        self.field_entry(collection, step, field, from.as_deref().filter(|_| tell), value.filter(|_| tell))
    }

    fn field_entry<Op>(
        &mut self,
        collection: &str,
        step: &Stamped<Op>,
        field: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Done {
        let facts = [("field", field.into()), ("from", optional(from)), ("to", optional(to))];
        self.entry(collection, step, "field", &facts)
    }

    /// Writes a field with a closed vocabulary and its own kind of log entry.
    fn word<Op>(&mut self, collection: &str, step: &Stamped<Op>, field: &str, to: &str) -> Done {
        let from = self.string(&ROOT, field)?;
        if !self.put(&ROOT, field, to)? {
            return Ok(());
        }
        self.entry(collection, step, field, &[("from", optional(from.as_deref())), ("to", to.into())])
    }

    /// Puts a name into a map of flags or takes it out; says whether anything changed.
    fn flag(&mut self, map: &str, name: &str, on: bool) -> Result<bool, AutomergeError> {
        let map = self.child(map)?;
        if !on && self.scalar(&map, name)?.is_none() {
            return Ok(false);
        }
        self.put(&map, name, on)
    }

    /// Sets or takes off a tag and tells of it.
    fn tag<Op>(&mut self, step: &Stamped<Op>, tag: &str, on: bool) -> Done {
        if self.flag("tags", tag, on)? {
            self.entry("log", step, "tag", &[("tag", tag.into()), ("on", on.into())])?;
        }
        Ok(())
    }

    fn deleted<Op>(&mut self, collection: &str, step: &Stamped<Op>, deleted: bool) -> Done {
        if !self.put(&ROOT, "deleted", deleted)? {
            return Ok(());
        }
        self.entry(collection, step, "deleted", &[("deleted", deleted.into())])
    }

    /// Brings a co-edited text from `base` to `body`, keeping what others changed; says whether anything changed.
    fn co_edit(&mut self, key: &str, base: Option<&str>, body: &str) -> Result<bool, AutomergeError> {
        let object = self.child(key)?;
        let current = self.doc.text(&object)?;
        let splices = text::rebase(&current, base.unwrap_or(&current), body);
        for splice in &splices {
            let delete = isize::try_from(splice.delete).unwrap_or(isize::MAX);
            self.doc.splice_text(&object, splice.at, delete, &splice.insert)?;
        }
        Ok(!splices.is_empty())
    }
}

fn instant(at: UtcMillis) -> ScalarValue {
    ScalarValue::Timestamp(at.0)
}

fn optional(value: Option<&str>) -> ScalarValue {
    value.map_or(ScalarValue::Null, ScalarValue::from)
}

fn ticket(pen: &mut Pen<'_>, id: DocId, step: &Stamped<TicketOp>) -> Done {
    match &step.op {
        TicketOp::Create { ticket } => create_ticket(pen, id, step, ticket),
        TicketOp::SetTitle { title } => pen.field("log", step, "title", Some(title), true),
        TicketOp::SetDescription { description } => {
            pen.field("log", step, "description", Some(description), false)
        }
        TicketOp::SetStatus { status } => pen.word("log", step, "status", status.as_str()),
        TicketOp::SetPriority { priority } => pen.word("log", step, "priority", priority.as_str()),
        TicketOp::SetCategory { category } => pen.field("log", step, "category", category.as_deref(), true),
        TicketOp::SetAssignee { assignee } => pen.field("log", step, "assignee", assignee.as_deref(), true),
        TicketOp::SetTeam { team } => pen.field("log", step, "team", team.as_deref(), true),
        TicketOp::SetRequester { requester } => {
            pen.field("log", step, "requester", requester.as_deref(), true)
        }
        TicketOp::SetTag { tag, on } => pen.tag(step, tag, *on),
        TicketOp::SetCustom { key, value } => {
            let custom = pen.child("custom")?;
            let from = pen.string(&custom, key)?;
            if from.is_none() && value.is_none() {
                return Ok(());
            }
            if pen.put(&custom, key, optional(value.as_deref()))? {
                pen.field_entry("log", step, &format!("custom.{key}"), from.as_deref(), value.as_deref())?;
            }
            Ok(())
        }
        TicketOp::AddComment { id: comment, visibility, side, body } => {
            let key = comment.to_string();
            let comments = pen.child("comments")?;
            if pen.doc.get(&comments, key.as_str())?.is_some() {
                return Ok(());
            }
            let values = [
                ("author", step.by.as_str().into()),
                ("side", side.as_str().into()),
                ("visibility", visibility.as_str().into()),
                ("body", body.as_str().into()),
                ("created_at", instant(step.at)),
                ("deleted", false.into()),
            ];
            pen.map(&comments, &key, values.into_iter())?;
            reply_entry(pen, step, &key, *visibility, *side)
        }
        TicketOp::DeleteComment { id: comment } => {
            let key = comment.to_string();
            let comments = pen.child("comments")?;
            let Some((Value::Object(_), entry)) = pen.doc.get(&comments, key.as_str())? else {
                return Ok(());
            };
            if pen.put(&entry, "deleted", true)? {
                pen.entry("log", step, "comment_deleted", &[("comment", key.as_str().into())])?;
            }
            Ok(())
        }
        TicketOp::SetDeleted { deleted } => pen.deleted("log", step, *deleted),
    }
}

fn reply_entry(
    pen: &mut Pen<'_>,
    step: &Stamped<TicketOp>,
    comment: &str,
    visibility: Visibility,
    side: AuthorSide,
) -> Done {
    let facts = [
        ("comment", comment.into()),
        ("visibility", visibility.as_str().into()),
        ("side", side.as_str().into()),
    ];
    pen.entry("log", step, "reply", &facts)
}

fn create_ticket(pen: &mut Pen<'_>, id: DocId, step: &Stamped<TicketOp>, ticket: &NewTicket) -> Done {
    let scalars = [
        ("schema", i64::from(SCHEMA).into()),
        ("kind", kind_word(DocKind::Ticket).into()),
        ("id", id.to_string().into()),
        ("created_at", instant(step.at)),
        ("number", ticket_number(id).into()),
        ("title", ticket.title.as_str().into()),
        ("description", ticket.description.as_str().into()),
        ("status", ticket.status.as_str().into()),
        ("priority", ticket.priority.as_str().into()),
        ("category", optional(ticket.category.as_deref())),
        ("assignee", optional(ticket.assignee.as_deref())),
        ("team", optional(ticket.team.as_deref())),
        ("requester", optional(ticket.requester.as_deref())),
        ("deleted", false.into()),
    ];
    let mut root: HashMap<&str, hydrate::Value> =
        scalars.into_iter().map(|(key, value)| (key, hydrate::Value::Scalar(value))).collect();
    for (key, slot) in schema::root(DocKind::Ticket) {
        if matches!(slot, Slot::Names(_) | Slot::Entries(_)) {
            root.insert(key, hydrate::Value::Map(hydrate::Map::default()));
        }
    }
    root.insert("tags", map_of(ticket.tags.iter().map(|tag| (tag.as_str(), true.into()))));
    root.insert(
        "custom",
        map_of(ticket.custom.iter().map(|(key, value)| (key.as_str(), value.as_str().into()))),
    );
    if let Some(source) = &ticket.source {
        let facts = [("system", &source.system), ("key", &source.key), ("imported_by", &source.imported_by)];
        root.insert("source", map_of(facts.into_iter().map(|(key, value)| (key, value.as_str().into()))));
    }
    pen.doc.init_root_from_hydrate(&root.into())?;
    let facts = [("status", ticket.status.as_str().into()), ("priority", ticket.priority.as_str().into())];
    pen.entry("log", step, "created", &facts)
}

/// A map of scalars, to be written at once.
fn map_of<'a>(values: impl Iterator<Item = (&'a str, ScalarValue)>) -> hydrate::Value {
    let values: HashMap<&str, hydrate::Value> =
        values.map(|(key, value)| (key, hydrate::Value::Scalar(value))).collect();
    hydrate::Value::from(values)
}

fn article(pen: &mut Pen<'_>, id: DocId, step: &Stamped<ArticleOp>) -> Done {
    match &step.op {
        ArticleOp::Create { title, body, category, tags } => {
            pen.skeleton(DocKind::Article, id, Some(step.at))?;
            pen.doc.put(ROOT, "author", step.by.as_str())?;
            pen.doc.put(ROOT, "title", title.as_str())?;
            pen.doc.put(ROOT, "status", "draft")?;
            pen.doc.put(ROOT, "category", optional(category.as_deref()))?;
            pen.doc.put(ROOT, "deleted", false)?;
            let map = pen.child("tags")?;
            for tag in tags {
                pen.doc.put(&map, tag.as_str(), true)?;
            }
            let text = pen.child("body")?;
            pen.doc.splice_text(&text, 0, 0, body)?;
            pen.entry("log", step, "created", &[])
        }
        ArticleOp::SetTitle { title } => pen.field("log", step, "title", Some(title), true),
        ArticleOp::EditBody { base, body } => {
            if pen.co_edit("body", base.as_deref(), body)? {
                pen.field_entry("log", step, "body", None, None)?;
            }
            Ok(())
        }
        ArticleOp::SetCategory { category } => pen.field("log", step, "category", category.as_deref(), true),
        ArticleOp::SetTag { tag, on } => pen.tag(step, tag, *on),
        ArticleOp::SetStatus { status } => pen.field("log", step, "status", Some(status.as_str()), true),
        ArticleOp::SetDeleted { deleted } => pen.deleted("log", step, *deleted),
    }
}

fn incident(pen: &mut Pen<'_>, id: DocId, step: &Stamped<IncidentOp>) -> Done {
    match &step.op {
        IncidentOp::Create { .. } => create_incident(pen, id, step),
        IncidentOp::SetTitle { title } => pen.field("timeline", step, "title", Some(title), true),
        IncidentOp::SetSummary { summary } => pen.field("timeline", step, "summary", Some(summary), false),
        IncidentOp::SetSeverity { severity } => pen.word("timeline", step, "severity", severity.as_str()),
        IncidentOp::SetStatus { status } => move_incident(pen, step, *status),
        IncidentOp::SetService { service, on } => {
            if pen.flag("services", service, *on)? {
                pen.field_entry("timeline", step, &format!("services.{service}"), None, Some(on_off(*on)))?;
            }
            Ok(())
        }
        IncidentOp::SetRole { role, member } => {
            let roles = pen.child("roles")?;
            let from = pen.string(&roles, role.as_str())?;
            if from.is_none() && member.is_none() {
                return Ok(());
            }
            if pen.put(&roles, role.as_str(), optional(member.as_deref()))? {
                pen.field_entry(
                    "timeline",
                    step,
                    &format!("roles.{role}"),
                    from.as_deref(),
                    member.as_deref(),
                )?;
            }
            Ok(())
        }
        IncidentOp::LinkTicket { ticket, on } => {
            if pen.flag("tickets", &ticket.to_string(), *on)? {
                pen.field_entry("timeline", step, &format!("tickets.{ticket}"), None, Some(on_off(*on)))?;
            }
            Ok(())
        }
        IncidentOp::SetMilestone { milestone, reached_at } => {
            let map = pen.child("milestones")?;
            if pen.put(&map, milestone.as_str(), instant(*reached_at))? {
                let to = reached_at.to_string();
                pen.field_entry("timeline", step, &format!("milestones.{milestone}"), None, Some(&to))?;
            }
            Ok(())
        }
        IncidentOp::AddNote { text } => {
            pen.entry("timeline", step, "note", &[("text", text.as_str().into())])
        }
        IncidentOp::AddUpdate { visibility, text } => {
            let facts = [("visibility", visibility.as_str().into()), ("text", text.as_str().into())];
            pen.entry("timeline", step, "update", &facts)
        }
        IncidentOp::Propose { rule, severity, evidence } => {
            let facts = [
                ("rule", rule.as_str().into()),
                ("severity", severity.as_str().into()),
                ("evidence", evidence.as_str().into()),
            ];
            pen.entry("timeline", step, "proposed", &facts)
        }
        IncidentOp::Confirm => pen.entry("timeline", step, "confirmed", &[]),
        IncidentOp::Dismiss { text } => {
            pen.entry("timeline", step, "dismissed", &[("text", text.as_str().into())])
        }
        IncidentOp::StartEscalation { policy } => {
            pen.once(step, "escalation_started", &[("policy", json(policy).into())])
        }
        IncidentOp::Page { level, cycle, members, email } => {
            let facts = [
                ("level", i64::from(*level).into()),
                ("cycle", i64::from(*cycle).into()),
                ("members", json(members).into()),
                ("email", json(email).into()),
            ];
            pen.once(step, "paged", &facts)
        }
        IncidentOp::Acknowledge { until } => {
            pen.entry(
                "timeline",
                step,
                "acknowledged",
                &[("until", until.map_or(ScalarValue::Null, instant))],
            )?;
            reach(pen, step, Milestone::Acknowledged, false)
        }
        IncidentOp::ExpireAcknowledgement => pen.once(step, "acknowledgement_expired", &[]),
        IncidentOp::EndEscalation { reason } => {
            pen.once(step, "escalation_ended", &[("reason", reason.as_str().into())])
        }
        IncidentOp::EditPostmortem { base, body } => {
            if pen.co_edit("postmortem", base.as_deref(), body)? {
                pen.field_entry("timeline", step, "postmortem", None, None)?;
            }
            Ok(())
        }
        IncidentOp::SetDeleted { deleted } => pen.deleted("timeline", step, *deleted),
    }
}

/// Plain data with text keys: it always has a JSON form.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn create_incident(pen: &mut Pen<'_>, id: DocId, step: &Stamped<IncidentOp>) -> Done {
    let IncidentOp::Create { title, summary, severity, services, impact_at } = &step.op else {
        return Ok(());
    };
    pen.skeleton(DocKind::Incident, id, Some(step.at))?;
    pen.doc.put(ROOT, "number", incident_number(id))?;
    pen.doc.put(ROOT, "title", title.as_str())?;
    pen.doc.put(ROOT, "summary", summary.as_str())?;
    pen.doc.put(ROOT, "severity", severity.as_str())?;
    pen.doc.put(ROOT, "status", IncidentStatus::Open.as_str())?;
    pen.doc.put(ROOT, "deleted", false)?;
    let map = pen.child("services")?;
    for service in services {
        pen.doc.put(&map, service.as_str(), true)?;
    }
    let milestones = pen.child("milestones")?;
    if let Some(at) = impact_at {
        pen.doc.put(&milestones, Milestone::Impact.as_str(), instant(*at))?;
    }
    pen.doc.put(&milestones, Milestone::Detected.as_str(), instant(step.at))?;
    pen.entry("timeline", step, "created", &[("severity", severity.as_str().into())])
}

fn move_incident(pen: &mut Pen<'_>, step: &Stamped<IncidentOp>, status: IncidentStatus) -> Done {
    pen.word("timeline", step, "status", status.as_str())?;
    // Moving on means somebody took it; each instant is set once and can be corrected by hand.
    if status != IncidentStatus::Open {
        reach(pen, step, Milestone::Acknowledged, false)?;
    }
    match status {
        IncidentStatus::Monitoring => reach(pen, step, Milestone::Mitigated, false),
        IncidentStatus::Resolved | IncidentStatus::Closed => {
            reach(pen, step, Milestone::Mitigated, false)?;
            reach(pen, step, Milestone::Resolved, status == IncidentStatus::Resolved)
        }
        IncidentStatus::Open | IncidentStatus::Investigating | IncidentStatus::Identified => Ok(()),
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Sets a milestone to the step's instant unless it was reached before (`again` sets it anew).
fn reach(pen: &mut Pen<'_>, step: &Stamped<IncidentOp>, milestone: Milestone, again: bool) -> Done {
    let map = pen.child("milestones")?;
    if again || pen.scalar(&map, milestone.as_str())?.is_none() {
        pen.put(&map, milestone.as_str(), instant(step.at))?;
    }
    Ok(())
}

fn workspace(pen: &mut Pen<'_>, id: DocId, step: &Stamped<WorkspaceOp>) -> Done {
    match &step.op {
        WorkspaceOp::Create => pen.skeleton(DocKind::Workspace, id, None),
        WorkspaceOp::Set { section, key, value } => {
            let map = pen.child(section.as_str())?;
            pen.put(&map, key, optional(value.as_deref())).map(drop)
        }
    }
}

fn personal(pen: &mut Pen<'_>, id: DocId, step: &Stamped<PersonalOp>) -> Done {
    match &step.op {
        PersonalOp::Create => {
            pen.skeleton(DocKind::Personal, id, None)?;
            pen.doc.put(ROOT, "owner", step.by.as_str())
        }
        PersonalOp::SetPreference { name, value } => {
            let map = pen.child("preferences")?;
            pen.put(&map, name, value.as_str()).map(drop)
        }
        PersonalOp::Acknowledge { alert } => {
            // The first acknowledgement stands, unless one was ever taken back.
            let preferences = pen.child("preferences")?;
            let was_reopened = pen.scalar(&preferences, &format!("{REOPENED}{alert}"))?.is_some();
            let map = pen.child("acknowledged")?;
            if was_reopened || pen.scalar(&map, alert)?.is_none() {
                pen.put(&map, alert, instant(step.at))?;
            }
            Ok(())
        }
    }
}
