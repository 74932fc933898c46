//! What an import has to write: the steps that a ticket does not have yet.
//!
//! Pure. A new ticket gets its whole history. A ticket that is here is compared with what the source said of it
//! before, which its own log keeps: the log is append-only, and what came from a source is signed with a name that
//! is no member's. So an edit made here is no difference to the source, and stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use desk_domain::{
    edit::{NewTicket, Stamped, TicketOp},
    ids::{CommentId, EntryId, MemberId, uuid_v7},
    ticket::{LogEvent, Priority, Source, Status, Ticket},
    time::UtcMillis,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    ImportedComment, ImportedTicket, Snapshot, Telling,
    text::{UNKNOWN, title_and_description},
};

/// Where the tickets of one import come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The format's name.
    pub system: &'a str,
    /// The member who imports.
    pub imported_by: &'a str,
}

/// A field of a ticket that changes are told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Field {
    Title,
    Description,
    Priority,
    Category,
    Team,
    Assignee,
    Requester,
    Tag(String),
    Custom(String),
    // Last, so that a ticket is assigned before it is resolved where both happened at once.
    Status,
}

/// Fields with their values; a tag that is on has an empty one.
type Values = BTreeMap<Field, Option<String>>;

/// The steps that an imported ticket needs, in order: its whole history with `Create` first when it is new, otherwise
/// what `here` does not have; none when there is nothing new.
pub fn plan(origin: Origin<'_>, imported: &ImportedTicket, here: Option<&Ticket>) -> Vec<Stamped<TicketOp>> {
    let changes = match here {
        None => beginning(origin, imported),
        Some(ticket) => match imported.telling {
            Telling::Updates => further_updates(imported, ticket),
            Telling::Present { changed_at } => present_differences(imported, ticket, changed_at),
        },
    };
    named(merged(changes, new_comments(origin, imported, here)), &imported.key, here)
}

/// What an id keeps of its natural key: as many bits as a UUIDv7 has left beside the instant and the place.
type Fingerprint = [u8; 7];

/// An id that derives from what it names: a UUIDv7 of the event's instant, then its place among the events of that
/// instant (so that sorting by instant and id keeps the source's order), then a fingerprint of its natural key.
fn derived_id(at: UtcMillis, place: u32, fingerprint: Fingerprint) -> Uuid {
    let place = place.min(MAX_PLACE);
    let mut tail = [0; 10];
    // The version takes the first four bits, the variant the first two of the third byte.
    let [_, high, middle, low] = (place << 2).to_be_bytes();
    tail[0] = high & 0x0F;
    tail[1] = middle;
    tail[2] = low >> 2;
    tail[3..].copy_from_slice(&fingerprint);
    uuid_v7(at, tail)
}

/// The last place that an id can tell.
const MAX_PLACE: u32 = (1 << 18) - 1;

fn fingerprint(parts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut kept = [0; 7];
    kept.copy_from_slice(&hash.finalize()[..7]);
    kept
}

/// The place in an id. (In one that was not derived it is a random number, and so is what it keeps apart from.)
fn place_of(id: Uuid) -> u32 {
    let bytes = id.as_bytes();
    u32::from(bytes[6] & 0x0F) << 14 | u32::from(bytes[7]) << 6 | u32::from(bytes[8] & 0x3F)
}

/// The fingerprint in an id.
fn fingerprint_of(id: Uuid) -> Fingerprint {
    let mut kept = [0; 7];
    kept.copy_from_slice(&id.as_bytes()[9..]);
    kept
}

/// The comments that are not here. One that was edited at the source since is added as it reads now; how it read
/// before stays beside it.
fn new_comments(
    origin: Origin<'_>,
    imported: &ImportedTicket,
    here: Option<&Ticket>,
) -> Vec<Stamped<TicketOp>> {
    let known = here.map_or(&[][..], |ticket| &ticket.comments);
    let bodies: HashMap<(UtcMillis, Fingerprint), &str> = known
        .iter()
        .map(|comment| ((comment.created_at, fingerprint_of(comment.id.0)), comment.body.as_str()))
        .collect();
    let mut places = Places::after(known.iter().map(|comment| (comment.created_at, comment.id.0)));
    let mut new = Vec::new();
    for comment in &imported.comments {
        let mut natural = fingerprint(&[origin.system, &imported.key, &comment.key]);
        let mut at = comment.at.max(imported.created_at);
        if let Some(body) = bodies.get(&(at, natural)) {
            if *body == comment.body {
                continue;
            }
            at = comment.edited_at.max(at);
            let edited_at = comment.edited_at.to_string();
            natural = fingerprint(&[origin.system, &imported.key, &comment.key, &edited_at]);
            if bodies.contains_key(&(at, natural)) {
                continue;
            }
        }
        let id = CommentId(derived_id(at, places.next(at), natural));
        let ImportedComment { by, visibility, side, body, .. } = comment.clone();
        new.push(Stamped::new(at, by, TicketOp::AddComment { id, visibility, side, body }));
    }
    new.sort_by_key(|step| step.at);
    new
}

/// The next free place at each instant.
struct Places(HashMap<UtcMillis, u32>);

impl Places {
    /// The places after those of the ids that are taken.
    fn after(taken: impl Iterator<Item = (UtcMillis, Uuid)>) -> Self {
        let mut places = HashMap::new();
        for (at, id) in taken {
            let next = places.entry(at).or_insert(0);
            *next = (*next).max(place_of(id) + 1);
        }
        Self(places)
    }

    fn next(&mut self, at: UtcMillis) -> u32 {
        let next = self.0.entry(at).or_insert(0);
        *next += 1;
        *next - 1
    }
}

/// Gives every step the id of its log entry: the same on every device that brings the same new rows to a ticket.
fn named(mut steps: Vec<Stamped<TicketOp>>, key: &str, here: Option<&Ticket>) -> Vec<Stamped<TicketOp>> {
    let known = here.map_or(&[][..], |ticket| &ticket.log);
    let mut places = Places::after(known.iter().map(|entry| (entry.at, entry.id.0)));
    for step in &mut steps {
        let place = places.next(step.at);
        let natural = fingerprint(&[key, &step.by, &place.to_string()]);
        step.entry = Some(EntryId(derived_id(step.at, place, natural)));
    }
    steps
}

/// Two ordered sequences as one; a comment stands before a change of the same instant (`comment and close`), but
/// never before the creation.
fn merged(changes: Vec<Stamped<TicketOp>>, comments: Vec<Stamped<TicketOp>>) -> Vec<Stamped<TicketOp>> {
    let mut steps = Vec::with_capacity(changes.len() + comments.len());
    let mut comments = comments.into_iter().peekable();
    for change in changes {
        if !matches!(change.op, TicketOp::Create { .. }) {
            while let Some(comment) = comments.next_if(|comment| comment.at <= change.at) {
                steps.push(comment);
            }
        }
        steps.push(change);
    }
    steps.extend(comments);
    steps
}

/// The history of a new ticket.
fn beginning(origin: Origin<'_>, imported: &ImportedTicket) -> Vec<Stamped<TicketOp>> {
    let Some(first) = imported.history.first() else { return Vec::new() };
    let (title, _) =
        title_and_description(first.title.as_deref().unwrap_or_default(), "", &imported.fallback_title);
    let ticket = NewTicket {
        title,
        description: first.description.clone().unwrap_or_default(),
        // Every ticket begins open; where the first snapshot stands elsewhere, its own instant says since when.
        status: Status::Open,
        priority: first.priority.unwrap_or(Priority::Medium),
        category: first.category.clone().flatten(),
        assignee: first.assignee.clone().flatten(),
        team: first.team.clone().flatten(),
        requester: first.requester.clone().flatten(),
        tags: first.tags.clone().unwrap_or_default(),
        custom: first.custom.iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect(),
        source: Some(Source {
            system: origin.system.to_owned(),
            key: imported.key.clone(),
            imported_by: origin.imported_by.to_owned(),
        }),
    };
    let mut state = values(first);
    state.insert(Field::Status, Some(Status::Open.to_string()));
    let create = Stamped::new(imported.created_at, imported.created_by.clone(), TicketOp::Create { ticket });
    let mut steps = vec![create];
    steps.extend(told_changes(&imported.history, state, imported.created_at).into_iter().map(Change::step));
    steps
}

/// A change of one field.
#[derive(Clone, Debug)]
struct Change {
    at: UtcMillis,
    by: String,
    field: Field,
    to: Option<String>,
}

impl Change {
    /// As the ticket's log keeps it: of a description, only that it changed.
    fn logged(&self) -> Logged {
        let to = if self.field == Field::Description { None } else { self.to.clone() };
        (self.at, self.by.clone(), self.field.clone(), to)
    }

    fn step(self) -> Stamped<TicketOp> {
        let Self { at, by, field, to } = self;
        let op = match field {
            Field::Title => TicketOp::SetTitle { title: to.unwrap_or_default() },
            Field::Description => TicketOp::SetDescription { description: to.unwrap_or_default() },
            Field::Status => {
                TicketOp::SetStatus { status: to.and_then(|s| s.parse().ok()).unwrap_or(Status::Open) }
            }
            Field::Priority => TicketOp::SetPriority {
                priority: to.and_then(|p| p.parse().ok()).unwrap_or(Priority::Medium),
            },
            Field::Category => TicketOp::SetCategory { category: to },
            Field::Team => TicketOp::SetTeam { team: to },
            Field::Assignee => TicketOp::SetAssignee { assignee: to },
            Field::Requester => TicketOp::SetRequester { requester: to },
            Field::Tag(tag) => TicketOp::SetTag { tag, on: to.is_some() },
            Field::Custom(key) => TicketOp::SetCustom { key, value: to },
        };
        Stamped::new(at, by, op)
    }
}

/// What a snapshot tells.
fn values(snapshot: &Snapshot) -> Values {
    let mut values = Values::new();
    values.insert(Field::Status, Some(snapshot.status.to_string()));
    let plain = [
        (Field::Title, snapshot.title.clone().map(Some)),
        (Field::Description, snapshot.description.clone().map(Some)),
        (Field::Priority, snapshot.priority.map(|priority| Some(priority.to_string()))),
        (Field::Category, snapshot.category.clone()),
        (Field::Team, snapshot.team.clone()),
        (Field::Assignee, snapshot.assignee.clone()),
        (Field::Requester, snapshot.requester.clone()),
    ];
    values.extend(plain.into_iter().filter_map(|(field, value)| Some((field, value?))));
    let tags = snapshot.tags.iter().flatten();
    values.extend(tags.map(|tag| (Field::Tag(tag.clone()), Some(String::new()))));
    values.extend(snapshot.custom.iter().map(|(key, value)| (Field::Custom(key.clone()), value.clone())));
    values
}

/// The fields in which `snapshot` differs from `state`, which then becomes what it tells.
fn differences(state: &mut Values, snapshot: &Snapshot) -> Vec<(Field, Option<String>)> {
    let mut told = values(snapshot);
    if snapshot.tags.is_some() {
        // All tags are told, so one that is not told is off.
        let off: Vec<Field> = state
            .keys()
            .filter(|field| matches!(field, Field::Tag(_)) && !told.contains_key(*field))
            .cloned()
            .collect();
        told.extend(off.into_iter().map(|field| (field, None)));
    }
    let mut changed = Vec::new();
    for (field, value) in told {
        if state.get(&field).cloned().flatten() != value {
            state.insert(field.clone(), value.clone());
            changed.push((field, value));
        }
    }
    changed
}

/// Every change that the snapshots tell of, in their order, from `state` on. Nothing happens before the creation:
/// a source whose clock was set says so, and SLA clocks cannot begin before the ticket.
fn told_changes(history: &[Snapshot], mut state: Values, created_at: UtcMillis) -> Vec<Change> {
    let mut changes = Vec::new();
    for snapshot in history {
        for (field, to) in differences(&mut state, snapshot) {
            changes.push(Change { at: snapshot.at.max(created_at), by: snapshot.by.clone(), field, to });
        }
    }
    changes
}

/// The steps of a log of updates that the ticket's own log does not have.
fn further_updates(imported: &ImportedTicket, ticket: &Ticket) -> Vec<Stamped<TicketOp>> {
    let Some(first) = imported.history.first() else { return Vec::new() };
    let known = SourceView::of(ticket);
    let (changes, before) = match whole_history(imported, &known) {
        Some(changes) => (changes, Vec::new()),
        None => later_piece(imported, first, &known),
    };
    let mut had = known.had;
    // What came before the piece in its first instant is not the piece's own, however alike (a ticket that was sent to
    // and fro within a minute).
    for logged in before {
        if let Some(count) = had.get_mut(&logged) {
            *count = count.saturating_sub(1);
        }
    }
    let mut new_fields = BTreeSet::new();
    let mut steps = Vec::new();
    for change in changes {
        let held = had.get_mut(&change.logged()).is_some_and(|count| {
            let held = *count > 0;
            *count = count.saturating_sub(1);
            held
        });
        // After a change that was missing in the middle, the later ones have to be said again, or the ticket
        // would end with the older value.
        if !held || new_fields.contains(&change.field) {
            new_fields.insert(change.field.clone());
            steps.push(change);
        }
    }
    let mut again = newest_after(&known.changes, &steps);
    steps.append(&mut again);
    steps.into_iter().map(Change::step).collect()
}

/// The newest changes that the source told before, of the fields to which `steps` write something older: an older
/// piece that comes late takes its place in the log, not in the ticket.
fn newest_after(known: &[Entry], steps: &[Change]) -> Vec<Change> {
    let mut last: BTreeMap<&Field, UtcMillis> = BTreeMap::new();
    for step in steps {
        last.insert(&step.field, step.at);
    }
    last.into_iter()
        .filter_map(|(field, at)| {
            let newest = known.iter().rfind(|entry| entry.field == *field && !entry.by_member)?;
            let Entry { at: newest_at, by, to, .. } = newest;
            (*newest_at > at).then(|| Change {
                at: *newest_at,
                by: by.clone(),
                field: field.clone(),
                to: to.clone(),
            })
        })
        .collect()
}

/// The changes of a history that begins where the ticket began and tells all that its log has from the source;
/// `None` when it is a later piece. Only of such a piece is it asked what the source had said *before* its first
/// instant, since instants do not order every log (some rows bear an earlier one than the row before). A log that
/// both goes back in time and is told in pieces can therefore be written twice, once.
fn whole_history(imported: &ImportedTicket, known: &SourceView<'_>) -> Option<Vec<Change>> {
    let mut state = values(imported.history.first()?);
    let same_beginning = state.iter().all(|(field, value)| {
        matches!(field, Field::Status | Field::Description) || known.initial(field) == *value
    });
    if !same_beginning {
        return None;
    }
    state.insert(Field::Status, Some(Status::Open.to_string()));
    let changes = told_changes(&imported.history, state, known.ticket.created_at);
    let told: HashSet<Logged> = changes.iter().map(Change::logged).collect();
    known.had.keys().all(|logged| told.contains(logged)).then_some(changes)
}

/// The changes of a piece that begins later than the ticket: from what the source had said before its first row.
/// That is what the log says of earlier instants, and of the first row's own instant as many changes as make the
/// next ones the piece's own, if it was imported before; all of them if it is new. Gives those too.
fn later_piece(
    imported: &ImportedTicket,
    first: &Snapshot,
    known: &SourceView<'_>,
) -> (Vec<Change>, Vec<Logged>) {
    let created_at = known.ticket.created_at;
    let instant = first.at.max(created_at);
    let mut state = known.before(first, Some(instant));
    let at_once: Vec<&Entry> =
        known.changes.iter().filter(|entry| entry.at == instant && !entry.by_member).collect();
    let logged = |entries: &[&Entry]| entries.iter().map(|entry| entry.logged()).collect();
    for (i, entry) in at_once.iter().enumerate() {
        let (before, rest) = at_once.split_at(i);
        let retold = |changes: &[Change]| {
            let now = changes.iter().take_while(|change| change.at == instant);
            now.zip(rest).all(|(change, entry)| change.logged() == entry.logged())
        };
        // The first row alone mostly says no, and quickly.
        if retold(&told_changes(&imported.history[..1], state.clone(), created_at)) {
            let changes = told_changes(&imported.history, state.clone(), created_at);
            if retold(&changes) {
                return (changes, logged(before));
            }
        }
        state.insert(entry.field.clone(), entry.to.clone());
    }
    (told_changes(&imported.history, state, created_at), logged(&at_once))
}

/// The differences between how the source says that the ticket stands and what it said at the last import.
fn present_differences(
    imported: &ImportedTicket,
    ticket: &Ticket,
    changed_at: UtcMillis,
) -> Vec<Stamped<TicketOp>> {
    let (Some(first), Some(last)) = (imported.history.first(), imported.history.last()) else {
        return Vec::new();
    };
    let mut state = SourceView::of(ticket).before(last, None);
    // The last snapshot dates the end of a ticket and what came with it; of the rest, and of a ticket that was taken
    // up again, the source only says how things stand.
    let before = values(first);
    let dated = last.status.is_done() && last.at > ticket.created_at;
    let mut steps: Vec<Stamped<TicketOp>> = differences(&mut state, last)
        .into_iter()
        .map(|(field, to)| {
            let ended = dated && before.get(&field).cloned().flatten() != to;
            let (at, by) = if ended { (last.at, last.by.clone()) } else { (changed_at, UNKNOWN.to_owned()) };
            Change { at: at.max(ticket.created_at), by, field, to }.step()
        })
        .collect();
    steps.sort_by_key(|step| step.at);
    steps
}

/// A change as the log keeps it.
type Logged = (UtcMillis, String, Field, Option<String>);

/// A change of a field that the log tells of.
struct Entry {
    at: UtcMillis,
    by: String,
    /// Made here, not at the source.
    by_member: bool,
    field: Field,
    from: Option<String>,
    to: Option<String>,
}

impl Entry {
    fn logged(&self) -> Logged {
        (self.at, self.by.clone(), self.field.clone(), self.to.clone())
    }
}

/// What the source said of a ticket, read from the ticket's log.
struct SourceView<'a> {
    ticket: &'a Ticket,
    /// The log's changes of fields, oldest first.
    changes: Vec<Entry>,
    /// How often the log has each change that came from the source.
    had: HashMap<Logged, u32>,
}

impl<'a> SourceView<'a> {
    fn of(ticket: &'a Ticket) -> Self {
        let mut changes = Vec::new();
        let mut had = HashMap::new();
        for entry in &ticket.log {
            let Some((field, from, to)) = field_change(&entry.event) else { continue };
            let by_member = entry.by.parse::<MemberId>().is_ok();
            if !by_member {
                *had.entry((entry.at, entry.by.clone(), field.clone(), to.clone())).or_insert(0) += 1;
            }
            changes.push(Entry { at: entry.at, by: entry.by.clone(), by_member, field, from, to });
        }
        Self { ticket, changes, had }
    }

    /// What the source said of the fields that `snapshot` tells, before `instant` (`None`: at the last import).
    fn before(&self, snapshot: &Snapshot, instant: Option<UtcMillis>) -> Values {
        let mut fields: BTreeSet<Field> = values(snapshot).into_keys().collect();
        if snapshot.tags.is_some() {
            fields.extend(self.ticket.tags.iter().cloned().map(Field::Tag));
            let logged = self.changes.iter().map(|entry| &entry.field);
            fields.extend(logged.filter(|field| matches!(field, Field::Tag(_))).cloned());
        }
        fields.into_iter().map(|field| (field.clone(), self.value(&field, snapshot, instant))).collect()
    }

    fn value(&self, field: &Field, snapshot: &Snapshot, instant: Option<UtcMillis>) -> Option<String> {
        let of_field = || self.changes.iter().filter(|entry| entry.field == *field);
        if *field == Field::Description {
            // The log does not keep texts. One that a member changed is left alone.
            let current = Some(self.ticket.description.clone());
            let told = snapshot.description.clone();
            let untouched = instant.is_none() && !of_field().any(|entry| entry.by_member);
            return if untouched { current } else { told };
        }
        let said =
            of_field().rfind(|entry| !entry.by_member && instant.is_none_or(|instant| entry.at < instant));
        if let Some(entry) = said {
            return entry.to.clone();
        }
        self.initial(field)
    }

    /// How a field stood when the ticket was made: its changes lead from there to how it stands, so it is the value
    /// that was left once more than it was taken. (The oldest entry does not tell, since an import can add older
    /// ones later.)
    fn initial(&self, field: &Field) -> Option<String> {
        let mut left: Vec<(&Option<String>, i64)> = Vec::new();
        let mut count = |value, n| match left.iter_mut().find(|(known, _)| *known == value) {
            Some((_, times)) => *times += n,
            None => left.push((value, n)),
        };
        for entry in self.changes.iter().filter(|entry| entry.field == *field) {
            count(&entry.from, 1);
            count(&entry.to, -1);
        }
        match left.iter().find(|(_, times)| *times > 0) {
            Some((value, _)) => (*value).clone(),
            None => current(self.ticket, field),
        }
    }
}

/// The field that a log entry tells of, with its old and new value.
fn field_change(event: &LogEvent) -> Option<(Field, Option<String>, Option<String>)> {
    match event {
        LogEvent::Status { from, to } => Some((Field::Status, Some(from.to_string()), Some(to.to_string()))),
        LogEvent::Priority { from, to } => {
            Some((Field::Priority, Some(from.to_string()), Some(to.to_string())))
        }
        LogEvent::Field { field, from, to } => {
            let field = match field.as_str() {
                "title" => Field::Title,
                "description" => Field::Description,
                "category" => Field::Category,
                "team" => Field::Team,
                "assignee" => Field::Assignee,
                "requester" => Field::Requester,
                other => Field::Custom(other.strip_prefix("custom.")?.to_owned()),
            };
            Some((field, from.clone(), to.clone()))
        }
        LogEvent::Tag { tag, on } => {
            let value = |on: bool| on.then(String::new);
            Some((Field::Tag(tag.clone()), value(!on), value(*on)))
        }
        LogEvent::Created { .. }
        | LogEvent::Reply { .. }
        | LogEvent::CommentDeleted { .. }
        | LogEvent::Deleted { .. } => None,
    }
}

/// How a field stands now.
fn current(ticket: &Ticket, field: &Field) -> Option<String> {
    match field {
        Field::Title => Some(ticket.title.clone()),
        Field::Description => Some(ticket.description.clone()),
        Field::Status => Some(ticket.status.to_string()),
        Field::Priority => Some(ticket.priority.to_string()),
        Field::Category => ticket.category.clone(),
        Field::Team => ticket.team.clone(),
        Field::Assignee => ticket.assignee.clone(),
        Field::Requester => ticket.requester.clone(),
        Field::Tag(tag) => ticket.tags.contains(tag).then(String::new),
        Field::Custom(key) => ticket.custom.get(key).cloned(),
    }
}
