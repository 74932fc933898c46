//! The keys of every document and what may stand behind them. The one place that knows the layout; `write`
//! follows it, `read` reads it back, `review` holds changes against it.

use desk_domain::{
    article::ArticleStatus,
    edit::Section,
    ids::DocKind,
    incident::{IncidentRole, Milestone, Severity},
    ticket::{BODY_MAX_BYTES, CUSTOM_MAX_BYTES, NAME_MAX_CHARS, Priority, TITLE_MAX_CHARS},
};

/// The newest schema that this program writes and edits. Documents with a newer one are shown, not edited.
pub const SCHEMA: u32 = 1;

/// Most bytes that a JSON entry of the workspace's settings may have.
pub(crate) const SETTING_MAX_BYTES: usize = 262_144;

/// What stands behind a key at the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Written by the creating change and never again.
    Fixed(Scalar),
    /// A field that is edited; the last writer wins.
    Field(Scalar),
    /// The ticket's status: a field with a workflow.
    TicketStatus,
    /// The incident's status: a field with a workflow.
    IncidentStatus,
    /// The flag that stands for deletion.
    Deleted,
    /// A map from names to scalars: tags, custom fields, services…
    Names(Names),
    /// A map from ids to maps that are written once: comments, log entries, the timeline.
    Entries(Entries),
    /// Co-edited text.
    Text,
    /// A map that is written by the creating change and never again (`source`).
    FixedMap,
}

/// What a scalar must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Not blank, one line, at most `TITLE_MAX_CHARS`.
    Title,
    /// At most `BODY_MAX_BYTES`.
    Body,
    /// At most `NAME_MAX_CHARS`, or null.
    NameOrNull,
    /// At most `NAME_MAX_CHARS`.
    Name,
    /// At most `CUSTOM_MAX_BYTES`, or null.
    ShortOrNull,
    /// JSON of at most `SETTING_MAX_BYTES`, or null.
    JsonOrNull,
    /// A ticket's priority.
    Priority,
    /// An article's status.
    ArticleStatus,
    /// An incident's severity.
    Severity,
    /// An instant, UTC milliseconds.
    Instant,
    /// `true` or `false`.
    Flag,
    /// The schema number.
    Number,
}

/// A map from names to scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// What each value must be.
    pub(crate) value: Scalar,
    /// What each name must be.
    pub(crate) key: NameKey,
    /// Whose rule applies.
    pub(crate) rule: NamesRule,
}

/// What the names of a map must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKey {
    /// Any text of at most `NAME_MAX_CHARS`, not blank.
    Any,
    /// A duty of an incident.
    Role,
    /// An instant of an incident.
    Milestone,
    /// A document's id.
    Doc,
}

/// Which permission rule a map falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamesRule {
    /// An ordinary field, named `MAP.NAME`.
    Field,
    /// A section of the workspace's settings.
    Setting,
    /// A personal setting.
    Personal,
}

/// A map from ids to maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entries {
    /// A ticket's conversation.
    Comments,
    /// A ticket's or article's log.
    Log,
    /// An incident's timeline.
    Timeline,
    /// Files of a ticket. None are written yet: their map stands in the skeleton, since two devices must not both create it later.
    Attachments,
}

const TAGS: Slot = Slot::Names(Names { value: Scalar::Flag, key: NameKey::Any, rule: NamesRule::Field });
const SETTING: Slot =
    Slot::Names(Names { value: Scalar::JsonOrNull, key: NameKey::Any, rule: NamesRule::Setting });

const fn names(value: Scalar, key: NameKey) -> Slot {
    Slot::Names(Names { value, key, rule: NamesRule::Field })
}

const fn personal(value: Scalar) -> Slot {
    Slot::Names(Names { value, key: NameKey::Any, rule: NamesRule::Personal })
}

const TICKET: &[(&str, Slot)] = &[
    ("schema", Slot::Fixed(Scalar::Number)),
    ("kind", Slot::Fixed(Scalar::Name)),
    ("id", Slot::Fixed(Scalar::Name)),
    ("number", Slot::Fixed(Scalar::Name)),
    ("created_at", Slot::Fixed(Scalar::Instant)),
    ("title", Slot::Field(Scalar::Title)),
    ("description", Slot::Field(Scalar::Body)),
    ("status", Slot::TicketStatus),
    ("priority", Slot::Field(Scalar::Priority)),
    ("category", Slot::Field(Scalar::NameOrNull)),
    ("assignee", Slot::Field(Scalar::NameOrNull)),
    ("team", Slot::Field(Scalar::NameOrNull)),
    ("requester", Slot::Field(Scalar::NameOrNull)),
    ("deleted", Slot::Deleted),
    ("tags", TAGS),
    ("custom", names(Scalar::ShortOrNull, NameKey::Any)),
    ("comments", Slot::Entries(Entries::Comments)),
    ("log", Slot::Entries(Entries::Log)),
    ("attachments", Slot::Entries(Entries::Attachments)),
    ("source", Slot::FixedMap),
];

const ARTICLE: &[(&str, Slot)] = &[
    ("schema", Slot::Fixed(Scalar::Number)),
    ("kind", Slot::Fixed(Scalar::Name)),
    ("id", Slot::Fixed(Scalar::Name)),
    ("created_at", Slot::Fixed(Scalar::Instant)),
    ("author", Slot::Fixed(Scalar::Name)),
    ("title", Slot::Field(Scalar::Title)),
    ("body", Slot::Text),
    ("status", Slot::Field(Scalar::ArticleStatus)),
    ("category", Slot::Field(Scalar::NameOrNull)),
    ("deleted", Slot::Deleted),
    ("tags", TAGS),
    ("log", Slot::Entries(Entries::Log)),
];

const INCIDENT: &[(&str, Slot)] = &[
    ("schema", Slot::Fixed(Scalar::Number)),
    ("kind", Slot::Fixed(Scalar::Name)),
    ("id", Slot::Fixed(Scalar::Name)),
    ("number", Slot::Fixed(Scalar::Name)),
    ("created_at", Slot::Fixed(Scalar::Instant)),
    ("title", Slot::Field(Scalar::Title)),
    ("summary", Slot::Field(Scalar::Body)),
    ("severity", Slot::Field(Scalar::Severity)),
    ("status", Slot::IncidentStatus),
    ("deleted", Slot::Deleted),
    ("services", names(Scalar::Flag, NameKey::Any)),
    ("roles", names(Scalar::NameOrNull, NameKey::Role)),
    ("tickets", names(Scalar::Flag, NameKey::Doc)),
    ("milestones", names(Scalar::Instant, NameKey::Milestone)),
    ("timeline", Slot::Entries(Entries::Timeline)),
    ("postmortem", Slot::Text),
];

const WORKSPACE: &[(&str, Slot)] = &[
    ("schema", Slot::Fixed(Scalar::Number)),
    ("kind", Slot::Fixed(Scalar::Name)),
    ("id", Slot::Fixed(Scalar::Name)),
    ("general", SETTING),
    ("members", SETTING),
    ("teams", SETTING),
    ("categories", SETTING),
    ("calendars", SETTING),
    ("policies", SETTING),
    ("macros", SETTING),
    ("views", SETTING),
    ("flags", SETTING),
    // From here on `edit::Section::LATER`: older documents lack them until they are completed.
    ("escalations", SETTING),
    ("schedules", SETTING),
    ("services", SETTING),
    ("detection", SETTING),
];

const PERSONAL: &[(&str, Slot)] = &[
    ("schema", Slot::Fixed(Scalar::Number)),
    ("kind", Slot::Fixed(Scalar::Name)),
    ("id", Slot::Fixed(Scalar::Name)),
    ("owner", Slot::Fixed(Scalar::Name)),
    ("preferences", personal(Scalar::ShortOrNull)),
    ("acknowledged", personal(Scalar::Instant)),
];

/// The keys at the root of a document of `kind`.
pub(crate) fn root(kind: DocKind) -> &'static [(&'static str, Slot)] {
    match kind {
        DocKind::Ticket => TICKET,
        DocKind::Article => ARTICLE,
        DocKind::Incident => INCIDENT,
        DocKind::Workspace => WORKSPACE,
        DocKind::Personal => PERSONAL,
    }
}

/// What stands behind `key`.
pub(crate) fn slot(kind: DocKind, key: &str) -> Option<Slot> {
    root(kind).iter().find(|(name, _)| *name == key).map(|(_, slot)| *slot)
}

/// Whether documents that an older program made may lack what stands behind `key`.
pub(crate) fn is_later(kind: DocKind, key: &str) -> bool {
    kind == DocKind::Workspace && Section::LATER.iter().any(|section| section.as_str() == key)
}

/// The word that stands for a kind at a document's root.
pub(crate) fn kind_word(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Ticket => "ticket",
        DocKind::Article => "article",
        DocKind::Incident => "incident",
        DocKind::Workspace => "workspace",
        DocKind::Personal => "personal",
    }
}

/// What is wrong with a text, if anything.
pub(crate) enum Fault {
    /// Longer than allowed.
    TooLarge(String),
    /// Of the wrong form.
    Wrong(String),
}

fn limit_chars(text: &str, max: usize, what: &str) -> Result<(), Fault> {
    // Bytes first: counting the characters of ten megabytes to refuse them is work for nothing.
    if text.len() > max * 4 || text.chars().count() > max {
        return Err(Fault::TooLarge(format!("{what} is longer than {max} characters; shorten it")));
    }
    Ok(())
}

fn limit_bytes(text: &str, max: usize, what: &str) -> Result<(), Fault> {
    if text.len() > max {
        return Err(Fault::TooLarge(format!(
            "{what} has {} bytes, more than {max}; shorten it or attach it as a file",
            text.len()
        )));
    }
    Ok(())
}

fn one_of<T: std::str::FromStr>(text: &str) -> Result<(), Fault>
where
    T::Err: std::fmt::Display,
{
    text.parse::<T>().map(drop).map_err(|error| Fault::Wrong(error.to_string()))
}

/// Checks a text against what the scalar must be. `what` names the field for the reader.
pub(crate) fn check_text(scalar: Scalar, text: &str, what: &str) -> Result<(), Fault> {
    match scalar {
        Scalar::Title => {
            if text.trim().is_empty() {
                return Err(Fault::Wrong(format!(
                    "{what} is empty; write one line that says what it is about"
                )));
            }
            if text.contains('\n') {
                return Err(Fault::Wrong(format!("{what} has several lines; a title has one")));
            }
            limit_chars(text, TITLE_MAX_CHARS, what)
        }
        Scalar::Body => limit_bytes(text, BODY_MAX_BYTES, what),
        Scalar::NameOrNull | Scalar::Name => limit_chars(text, NAME_MAX_CHARS, what),
        Scalar::ShortOrNull => limit_bytes(text, CUSTOM_MAX_BYTES, what),
        Scalar::JsonOrNull => {
            limit_bytes(text, SETTING_MAX_BYTES, what)?;
            serde_json::from_str::<serde_json::Value>(text)
                .map(drop)
                .map_err(|error| Fault::Wrong(format!("{what} is no JSON: {error}")))
        }
        Scalar::Priority => one_of::<Priority>(text),
        Scalar::ArticleStatus => one_of::<ArticleStatus>(text),
        Scalar::Severity => one_of::<Severity>(text),
        Scalar::Instant | Scalar::Flag | Scalar::Number => Err(Fault::Wrong(format!("{what} is a text"))),
    }
}

/// Whether a scalar may be null.
pub(crate) fn nullable(scalar: Scalar) -> bool {
    match scalar {
        Scalar::NameOrNull | Scalar::ShortOrNull | Scalar::JsonOrNull => true,
        Scalar::Title
        | Scalar::Body
        | Scalar::Name
        | Scalar::Priority
        | Scalar::ArticleStatus
        | Scalar::Severity
        | Scalar::Instant
        | Scalar::Flag
        | Scalar::Number => false,
    }
}

/// Checks a name that stands as a key.
pub(crate) fn check_key(key: NameKey, name: &str, what: &str) -> Result<(), Fault> {
    match key {
        NameKey::Any => {
            if name.trim().is_empty() {
                return Err(Fault::Wrong(format!("a name in {what} is empty")));
            }
            limit_chars(name, NAME_MAX_CHARS, what)
        }
        NameKey::Role => one_of::<IncidentRole>(name),
        NameKey::Milestone => one_of::<Milestone>(name),
        NameKey::Doc => one_of::<desk_domain::ids::DocId>(name),
    }
}
