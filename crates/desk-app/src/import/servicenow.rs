//! The audit log of a ServiceNow instance: CSV with one row per update of an incident, each row telling how the
//! incident stood after it.
//!
//! Rows of one incident are gathered while they come near one another; an incident whose rows lie far apart is told
//! in pieces, which the plan joins (see [`super::plan`]).

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    ops::ControlFlow,
};

use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};
use jiff::tz::TimeZone;

use super::{
    ImportError, ImportedTicket, Item, Options, Refused, Snapshot, Telling, dates,
    delimited::Rows,
    text::{UNKNOWN, body_problem, custom_problem, future_problem, name, person, title_and_description},
};

/// How the log writes that a value is absent.
const ABSENT: &str = "?";
/// How many incidents are gathered at once. Tests have fewer, so that pieces of one lie far apart in small files.
const OPEN_INCIDENTS: usize = if cfg!(test) { 50 } else { 500 };
/// How many bytes of rows are gathered at once.
const OPEN_BYTES: usize = 4 * 1024 * 1024;

/// What a column means; every other column becomes a custom field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Number,
    State,
    UpdatedAt,
    UpdatedBy,
    OpenedAt,
    OpenedBy,
    CreatedAt,
    CreatedBy,
    Title,
    Description,
    Caller,
    Category,
    Priority,
    Team,
    Assignee,
}

impl Meaning {
    /// The names a column of this meaning has in one copy of the log or another.
    const NAMES: [(Self, &'static [&'static str]); 15] = [
        (Self::Number, &["number"]),
        (Self::State, &["incident_state", "ident_state", "state"]),
        (Self::UpdatedAt, &["sys_updated_at", "sys_updated_on"]),
        (Self::UpdatedBy, &["sys_updated_by"]),
        (Self::OpenedAt, &["opened_at"]),
        (Self::OpenedBy, &["opened_by"]),
        (Self::CreatedAt, &["sys_created_at", "sys_created_on"]),
        (Self::CreatedBy, &["sys_created_by"]),
        (Self::Title, &["short_description"]),
        (Self::Description, &["description"]),
        (Self::Caller, &["caller_id", "caller"]),
        (Self::Category, &["category"]),
        (Self::Priority, &["priority"]),
        (Self::Team, &["assignment_group"]),
        (Self::Assignee, &["assigned_to"]),
    ];

    /// Without these a file is no such log.
    const REQUIRED: [Self; 4] = [Self::Number, Self::State, Self::UpdatedAt, Self::OpenedAt];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(meaning, _)| *meaning == self).map_or("", |(_, names)| names[0])
    }
}

/// Where the header says that things stand.
struct Header {
    columns: usize,
    meanings: BTreeMap<Meaning, usize>,
    /// Columns that become custom fields under their names.
    custom: Vec<(String, usize)>,
}

impl Header {
    fn read(fields: &[String]) -> Result<Self, ImportError> {
        let names: Vec<String> = fields.iter().map(|field| normal(field)).collect();
        let mut meanings = BTreeMap::new();
        for (meaning, aliases) in Meaning::NAMES {
            let found = aliases.iter().find_map(|alias| names.iter().position(|name| name == alias));
            if let Some(column) = found {
                meanings.insert(meaning, column);
            }
        }
        let missing: Vec<&str> = Meaning::REQUIRED
            .into_iter()
            .filter(|meaning| !meanings.contains_key(meaning))
            .map(Meaning::name)
            .collect();
        if !missing.is_empty() {
            return Err(ImportError::BadFile(format!(
                "this is no ServiceNow event log: its header lacks {}",
                missing.join(", ")
            )));
        }
        let mut custom: Vec<(String, usize)> = Vec::new();
        for (column, field) in names.iter().enumerate() {
            if meanings.values().any(|taken| *taken == column) {
                continue;
            }
            let Some(key) = name(field) else { continue };
            // Some copies head two columns `category`: the second is what others call `subcategory`.
            let doubled = if key == "category" && !names.iter().any(|name| name == "subcategory") {
                "subcategory".to_owned()
            } else {
                key
            };
            let mut key = doubled.clone();
            let mut n = 2;
            while custom.iter().any(|(taken, _)| *taken == key) || is_meaning(&key) {
                key = format!("{doubled}_{n}");
                n += 1;
            }
            custom.push((key, column));
        }
        // The words of the source behind the status, and what tells one update from the next.
        for meaning in [Meaning::State, Meaning::OpenedBy, Meaning::CreatedAt, Meaning::CreatedBy] {
            if let Some(column) = meanings.get(&meaning) {
                custom.push((meaning.name().to_owned(), *column));
            }
        }
        Ok(Self { columns: fields.len(), meanings, custom })
    }
}

/// A column's name as the list of meanings spells it.
fn normal(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c == '_').filter(|w| !w.is_empty()).collect();
    words.join("_").to_lowercase()
}

fn is_meaning(key: &str) -> bool {
    Meaning::NAMES.iter().any(|(_, names)| names.contains(&key))
}

/// One row, read.
struct Update {
    number: String,
    opened_at: UtcMillis,
    opened_by: String,
    fallback_title: String,
    snapshot: Snapshot,
}

/// The rows of an incident that are not told yet.
struct Gathered {
    ticket: ImportedTicket,
    bytes: usize,
    touched: u64,
}

/// Reads the log as a stream; see [`super::read`].
///
/// # Errors
/// [`ImportError::BadFile`] when it is no such log, [`ImportError::Read`] when reading fails.
pub fn read(
    options: &Options,
    input: impl Read,
    tell: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let mut rows = Rows::open(input)?;
    let first = rows.next_row()?.and_then(|row| row.fields.ok());
    let header = Header::read(&first.unwrap_or_default())?;
    let mut gathered = Gathering::default();
    while let Some(row) = rows.next_row()? {
        let update = row.fields.and_then(|fields| {
            if fields.len() == header.columns {
                update(&header, &fields, options).map(|update| (update, fields))
            } else {
                if row.multiline {
                    rows.reread_after_first_line();
                }
                Err(format!("the row has {} columns, the header {}", fields.len(), header.columns))
            }
        });
        let told = match update {
            Ok((update, fields)) => {
                gathered.add(update, row.line, fields.iter().map(String::len).sum());
                gathered.tell_surplus(tell)
            }
            Err(reason) => tell(Item::Refused(Refused { line: row.line, reason })),
        };
        if told.is_break() {
            return Ok(());
        }
    }
    let _ = gathered.tell_rest(tell);
    Ok(())
}

/// The incidents that are gathered at once, the one that was touched least recently to be told first.
#[derive(Default)]
struct Gathering {
    incidents: HashMap<String, Gathered>,
    by_touch: BTreeMap<u64, String>,
    touches: u64,
    bytes: usize,
}

impl Gathering {
    fn add(&mut self, update: Update, line: u64, bytes: usize) {
        self.touches += 1;
        self.bytes += bytes;
        let Update { number, opened_at, opened_by, fallback_title, snapshot } = update;
        if let Some(incident) = self.incidents.get_mut(&number) {
            self.by_touch.remove(&incident.touched);
            incident.touched = self.touches;
            incident.bytes += bytes;
            incident.ticket.history.push(snapshot);
        } else {
            let ticket = ImportedTicket {
                key: number.clone(),
                line,
                created_at: opened_at,
                created_by: opened_by,
                fallback_title,
                history: vec![snapshot],
                telling: Telling::Updates,
                comments: Vec::new(),
            };
            self.incidents.insert(number.clone(), Gathered { ticket, bytes, touched: self.touches });
        }
        self.by_touch.insert(self.touches, number);
    }

    fn tell_surplus(&mut self, tell: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        while self.incidents.len() > OPEN_INCIDENTS || self.bytes > OPEN_BYTES {
            self.tell_oldest(tell)?;
        }
        ControlFlow::Continue(())
    }

    fn tell_rest(&mut self, tell: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        while !self.incidents.is_empty() {
            self.tell_oldest(tell)?;
        }
        ControlFlow::Continue(())
    }

    fn tell_oldest(&mut self, tell: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        let Some((_, number)) = self.by_touch.pop_first() else {
            return ControlFlow::Continue(());
        };
        let Some(incident) = self.incidents.remove(&number) else {
            return ControlFlow::Continue(());
        };
        self.bytes -= incident.bytes;
        tell(Item::Ticket(incident.ticket))
    }
}

/// Reads a row, or says why it is refused.
fn update(header: &Header, fields: &[String], options: &Options) -> Result<Update, String> {
    let zone = &options.zone;
    let value = |meaning: Meaning| {
        let column = header.meanings.get(&meaning)?;
        let value = fields[*column].trim();
        (!value.is_empty() && value != ABSENT).then_some(value)
    };
    let told = |meaning: Meaning| header.meanings.contains_key(&meaning);
    let date = |meaning: Meaning| {
        value(meaning)
            .map(|text| dates::read(text, zone).map_err(|error| format!("{}: {error}", meaning.name())))
            .transpose()
    };
    let number = value(Meaning::Number).and_then(name).ok_or("the number is missing")?;
    let at = date(Meaning::UpdatedAt)?.ok_or("sys_updated_at is missing")?;
    let created_at = date(Meaning::CreatedAt)?;
    let opened_at = date(Meaning::OpenedAt)?.or(created_at).unwrap_or(at);
    let future = future_problem("sys_updated_at", at, options.now)
        .or_else(|| future_problem("opened_at", opened_at, options.now));
    if let Some(problem) = future {
        return Err(problem);
    }
    let state = value(Meaning::State).ok_or("the incident's state is missing")?;
    let status = status(state)?;
    let priority = value(Meaning::Priority).map(priority).transpose()?;

    let mut snapshot = Snapshot::new(at, signed(value(Meaning::UpdatedBy)), status);
    if told(Meaning::Priority) {
        snapshot.priority = Some(priority.map_or(Priority::Medium, |(priority, _)| priority));
        // Ours has no step below low; the word for it is kept.
        let planned = priority.and_then(|(_, planned)| planned).map(str::to_owned);
        snapshot.custom.insert("priority".to_owned(), planned);
    }
    let optional = |meaning: Meaning, read: fn(&str) -> Option<String>| {
        told(meaning).then(|| value(meaning).and_then(read))
    };
    snapshot.category = optional(Meaning::Category, name);
    snapshot.team = optional(Meaning::Team, name);
    snapshot.assignee = optional(Meaning::Assignee, person);
    snapshot.requester = optional(Meaning::Caller, person);
    for (key, column) in &header.custom {
        snapshot.custom.insert(key.clone(), custom(key, fields[*column].trim(), zone)?);
    }

    let fallback_title = fallback_title(&number, value(Meaning::Category), &snapshot.custom);
    if told(Meaning::Title) {
        let description = value(Meaning::Description).unwrap_or_default();
        let (title, description) =
            title_and_description(value(Meaning::Title).unwrap_or_default(), description, &fallback_title);
        snapshot.title = Some(title);
        snapshot.description = Some(description);
    } else if told(Meaning::Description) {
        snapshot.description = Some(value(Meaning::Description).unwrap_or_default().to_owned());
    }
    if let Some(problem) =
        snapshot.description.as_deref().and_then(|text| body_problem("the description", text))
    {
        return Err(problem);
    }
    let opened_by = value(Meaning::OpenedBy).or(value(Meaning::CreatedBy)).or(value(Meaning::Caller));
    Ok(Update { number, opened_at, opened_by: signed(opened_by), fallback_title, snapshot })
}

fn signed(by: Option<&str>) -> String {
    by.and_then(person).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Columns that hold dates and have no place of their own.
const DATES: [&str; 3] = ["sys_created_at", "resolved_at", "closed_at"];

/// The value of a column without a place of its own; dates are brought to UTC, since nothing beside them will tell
/// the zone.
fn custom(key: &str, value: &str, zone: &TimeZone) -> Result<Option<String>, String> {
    if value.is_empty() || value == ABSENT {
        return Ok(None);
    }
    if let Some(problem) = custom_problem(key, value) {
        return Err(problem);
    }
    if DATES.contains(&key) {
        let at = dates::read(value, zone).map_err(|error| format!("{key}: {error}"))?;
        return Ok(Some(at.to_string()));
    }
    Ok(Some(value.to_owned()))
}

/// The log tells no titles in most copies: the number and what kind of trouble it is.
fn fallback_title(number: &str, category: Option<&str>, custom: &BTreeMap<String, Option<String>>) -> String {
    let detail = |key: &str| custom.get(key).and_then(Option::as_deref);
    let kind: Vec<&str> = [category, detail("subcategory"), detail("u_symptom").or(detail("symptom"))]
        .into_iter()
        .flatten()
        .collect();
    if kind.is_empty() { number.to_owned() } else { format!("{number}: {}", kind.join(" / ")) }
}

/// The status behind a state of the log, told as a word or as ServiceNow's number.
fn status(state: &str) -> Result<Status, String> {
    match state.to_lowercase().as_str() {
        "new" | "1" => Ok(Status::Open),
        "active" | "in progress" | "work in progress" | "2" => Ok(Status::InProgress),
        "on hold" | "pending" | "3" => Ok(Status::Pending),
        awaiting if awaiting.starts_with("awaiting") => Ok(Status::Pending),
        "resolved" | "6" => Ok(Status::Resolved),
        "closed" | "7" => Ok(Status::Closed),
        "cancelled" | "canceled" | "8" => Ok(Status::Cancelled),
        _ => Err(format!("the state {:?} is not known", state.chars().take(64).collect::<String>())),
    }
}

/// The priority behind `3 - Moderate`, `3` or `Moderate`, and the source's word where ours says less.
fn priority(text: &str) -> Result<(Priority, Option<&str>), String> {
    let head = text.split_once('-').map_or(text, |(digit, _)| digit).trim();
    match head.to_lowercase().as_str() {
        "1" | "critical" => Ok((Priority::Critical, None)),
        "2" | "high" => Ok((Priority::High, None)),
        "3" | "moderate" | "medium" => Ok((Priority::Medium, None)),
        "4" | "low" => Ok((Priority::Low, None)),
        "5" | "planning" => Ok((Priority::Low, Some(text))),
        _ => Err(format!("the priority {:?} is not known", text.chars().take(64).collect::<String>())),
    }
}
