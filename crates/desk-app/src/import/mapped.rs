//! Any CSV file: a map says which column is what. One row is one ticket as it stands now.

use std::{collections::BTreeMap, io::Read, ops::ControlFlow};

use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};
use jiff::{fmt::strtime::BrokenDownTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    ImportError, ImportedTicket, Item, Options, Refused, Snapshot, Telling, dates,
    delimited::Rows,
    text::{UNKNOWN, body_problem, custom_problem, future_problem, name, person, title_and_description},
};

/// Which column of a CSV file is what. Columns are named as in the file's header; upper and lower case are one.
/// Only `key` and `title` have to be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvMap {
    /// The column that tells one ticket from another; a repeated import finds its tickets by it.
    pub key: Column,
    /// Put in front of the keys, so that two files with like keys do not meet.
    #[serde(default)]
    pub origin: Option<String>,
    /// The column of the title.
    pub title: Column,
    /// The column of the description.
    #[serde(default)]
    pub description: Option<Column>,
    /// The column of the status, with what its words mean. Without one every ticket is open.
    #[serde(default)]
    pub status: Option<Words<Status>>,
    /// The column of the priority, with what its words mean.
    #[serde(default)]
    pub priority: Option<Words<Priority>>,
    /// The column of the category.
    #[serde(default)]
    pub category: Option<Column>,
    /// The column of who asks.
    #[serde(default)]
    pub requester: Option<Column>,
    /// The column of who works on it.
    #[serde(default)]
    pub assignee: Option<Column>,
    /// The column of the team.
    #[serde(default)]
    pub team: Option<Column>,
    /// The column of the labels.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// The column of the creation's date. Without one tickets are created at the import.
    #[serde(default)]
    pub created_at: Option<Date>,
    /// The column of the last change's date.
    #[serde(default)]
    pub updated_at: Option<Date>,
    /// The column of the date on which a finished ticket was finished.
    #[serde(default)]
    pub closed_at: Option<Date>,
    /// Custom fields by name, with their columns.
    #[serde(default)]
    pub custom: BTreeMap<String, Column>,
}

/// A column: `"Subject"`, or `{"column": "Subject"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// Its name.
    Name(String),
    /// Its name, written out.
    Object {
        /// Its name.
        column: String,
    },
}

/// A column of words: `"State"` where they are ours already, or with `values` that say what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words<T> {
    /// The column's name.
    Name(String),
    /// With what the words mean.
    Object {
        /// The column's name.
        column: String,
        /// What each word means.
        #[serde(default = "BTreeMap::new")]
        values: BTreeMap<String, T>,
        /// What any other word, and none, means; without it a row with another word is refused.
        #[serde(default = "none")]
        default: Option<T>,
    },
}

fn none<T>() -> Option<T> {
    None
}

/// A column of labels: `"Labels"` where commas separate them, or with another `separator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// The column's name.
    Name(String),
    /// With what separates them.
    Object {
        /// The column's name.
        column: String,
        /// What stands between two labels.
        separator: String,
    },
}

/// A column of dates: `"Created"` where they are RFC 3339, `D.M.YYYY HH:MM` or `YYYY-MM-DD HH:MM`, or with a `format`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Date {
    /// The column's name.
    Name(String),
    /// With how they are written.
    Object {
        /// The column's name.
        column: String,
        /// As in `strftime`: `%d.%m.%Y %H:%M`.
        format: String,
    },
}

impl CsvMap {
    /// Reads a map from JSON.
    ///
    /// # Errors
    /// [`ImportError::BadMap`] says what is wrong with it.
    pub fn from_json(json: &str) -> Result<Self, ImportError> {
        serde_json::from_str(json).map_err(|error| ImportError::BadMap(error.to_string()))
    }
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Object { column: name } => name,
        }
    }
}

/// The map with the header's places in the names' stead.
struct Places<'a> {
    map: &'a CsvMap,
    header: Vec<String>,
}

impl<'a> Places<'a> {
    fn new(map: &'a CsvMap, header: &[String]) -> Result<Self, ImportError> {
        let header = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let places = Self { map, header };
        let missing: Vec<&str> =
            map.columns().into_iter().filter(|column| places.place(column).is_none()).collect();
        if missing.is_empty() {
            Ok(places)
        } else {
            Err(ImportError::BadFile(format!("the header lacks what the map names: {}", missing.join(", "))))
        }
    }

    fn place(&self, column: &str) -> Option<usize> {
        let wanted = column.trim().to_lowercase();
        self.header.iter().position(|name| *name == wanted)
    }

    fn value<'f>(&self, fields: &'f [String], column: &str) -> Option<&'f str> {
        let value = fields.get(self.place(column)?)?.trim();
        (!value.is_empty()).then_some(value)
    }
}

impl CsvMap {
    /// Every column that it names.
    fn columns(&self) -> Vec<&str> {
        let plain = [&self.description, &self.category, &self.requester, &self.assignee, &self.team];
        let dates = [&self.created_at, &self.updated_at, &self.closed_at];
        let mut columns = vec![self.key.name(), self.title.name()];
        columns.extend(plain.into_iter().flatten().map(Column::name));
        columns.extend(self.custom.values().map(Column::name));
        columns.extend(dates.into_iter().flatten().map(|date| match date {
            Date::Name(column) | Date::Object { column, .. } => column.as_str(),
        }));
        columns.extend(self.status.iter().map(Words::column));
        columns.extend(self.priority.iter().map(Words::column));
        columns.extend(self.tags.iter().map(|tags| match tags {
            Tags::Name(column) | Tags::Object { column, .. } => column.as_str(),
        }));
        columns
    }
}

impl<T> Words<T> {
    fn column(&self) -> &str {
        match self {
            Self::Name(column) | Self::Object { column, .. } => column,
        }
    }
}

impl<T: Copy + std::str::FromStr> Words<T> {
    fn read(&self, what: &str, value: Option<&str>) -> Result<Option<T>, String> {
        let (known, default) = match self {
            Self::Name(_) => (None, None),
            Self::Object { values, default, .. } => {
                (value.and_then(|value| values.get(value)).copied(), *default)
            }
        };
        let Some(value) = value else { return Ok(default) };
        known.or_else(|| value.parse().ok()).or(default).map(Some).ok_or_else(|| {
            format!("the {what} {:?} has no meaning in the map", value.chars().take(64).collect::<String>())
        })
    }
}

/// Reads the file as a stream; see [`super::read`].
///
/// # Errors
/// [`ImportError::BadFile`] when it is no CSV file or lacks a column, [`ImportError::Read`] when reading fails.
pub fn read(
    map: &CsvMap,
    options: &Options,
    input: impl Read,
    tell: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let mut rows = Rows::open(input)?;
    let header = rows.next_row()?.and_then(|row| row.fields.ok()).unwrap_or_default();
    let places = Places::new(map, &header)?;
    while let Some(row) = rows.next_row()? {
        let line = row.line;
        let told = row.fields.and_then(|fields| {
            if fields.len() == header.len() {
                ticket(&places, &fields, options, line)
            } else {
                if row.multiline {
                    rows.reread_after_first_line();
                }
                Err(format!("the row has {} columns, the header {}", fields.len(), header.len()))
            }
        });
        let item = match told {
            Ok(ticket) => Item::Ticket(ticket),
            Err(reason) => Item::Refused(Refused { line, reason }),
        };
        if tell(item).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a row, or says why it is refused.
fn ticket(
    places: &Places<'_>,
    fields: &[String],
    options: &Options,
    line: u64,
) -> Result<ImportedTicket, String> {
    let map = places.map;
    let value = |column: &Column| places.value(fields, column.name());
    let number = value(&map.key).ok_or_else(|| format!("{} is missing", map.key.name()))?;
    let key = map.origin.as_ref().map_or_else(|| number.to_owned(), |origin| format!("{origin}:{number}"));
    let key = name(&key).ok_or_else(|| format!("{} is missing", map.key.name()))?;
    let date_of =
        |date: Option<&Date>| date.map_or(Ok(None), |date| date.read(places, fields, &options.zone));
    let created_at = date_of(map.created_at.as_ref())?.unwrap_or(options.now);
    let changed_at = date_of(map.updated_at.as_ref())?;
    let closed_at = date_of(map.closed_at.as_ref())?;

    let future = [("created_at", Some(created_at)), ("updated_at", changed_at), ("closed_at", closed_at)]
        .into_iter()
        .find_map(|(what, at)| future_problem(what, at?, options.now));
    if let Some(problem) = future {
        return Err(problem);
    }

    let words = |column: &str| places.value(fields, column);
    let status =
        map.status.as_ref().map_or(Ok(None), |status| status.read("status", words(status.column())))?;
    let status = status.unwrap_or(Status::Open);
    let priority = map
        .priority
        .as_ref()
        .map_or(Ok(None), |priority| priority.read("priority", words(priority.column())))?;
    let requester = map.requester.as_ref().map(|column| value(column).and_then(person));
    let author = requester.clone().flatten().unwrap_or_else(|| UNKNOWN.to_owned());

    let (title, description) = title_and_description(
        value(&map.title).unwrap_or_default(),
        map.description.as_ref().and_then(value).unwrap_or_default(),
        &key,
    );
    if let Some(problem) = body_problem("the description", &description) {
        return Err(problem);
    }
    let mut snapshot = Snapshot::new(created_at, author.clone(), Status::Open);
    snapshot.title = Some(title);
    snapshot.description = Some(description);
    snapshot.priority = map.priority.as_ref().map(|_| priority.unwrap_or(Priority::Medium));
    snapshot.category = map.category.as_ref().map(|column| value(column).and_then(name));
    snapshot.assignee = map.assignee.as_ref().map(|column| value(column).and_then(person));
    snapshot.team = map.team.as_ref().map(|column| value(column).and_then(name));
    snapshot.requester = requester;
    snapshot.tags = map.tags.as_ref().map(|tags| {
        let (column, separator) = match tags {
            Tags::Name(column) => (column, ","),
            Tags::Object { column, separator } => (column, separator.as_str()),
        };
        let text = places.value(fields, column).unwrap_or_default();
        let separated: Vec<&str> =
            if separator.is_empty() { vec![text] } else { text.split(separator).collect() };
        separated.into_iter().filter_map(name).collect()
    });
    for (key, column) in &map.custom {
        let Some(key) = name(key) else { continue };
        let text = value(column);
        if let Some(problem) = text.and_then(|text| custom_problem(&key, text)) {
            return Err(problem);
        }
        snapshot.custom.insert(key, text.map(str::to_owned));
    }
    let mut history = vec![snapshot];
    if status != Status::Open {
        let since = if status.is_done() { closed_at } else { None };
        let at = since.or(changed_at).unwrap_or(created_at);
        history.push(Snapshot { at, by: UNKNOWN.to_owned(), status, ..history[0].clone() });
    }
    Ok(ImportedTicket {
        fallback_title: key.clone(),
        key,
        line,
        created_at,
        created_by: author,
        history,
        telling: Telling::Present { changed_at: changed_at.unwrap_or(options.now) },
        comments: Vec::new(),
    })
}

impl Date {
    fn read(
        &self,
        places: &Places<'_>,
        fields: &[String],
        zone: &TimeZone,
    ) -> Result<Option<UtcMillis>, String> {
        let (column, format) = match self {
            Self::Name(column) => (column, None),
            Self::Object { column, format } => (column, Some(format)),
        };
        let Some(text) = places.value(fields, column) else { return Ok(None) };
        let found = match format {
            Some(format) => formatted(text, format, zone),
            None => text
                .parse::<UtcMillis>()
                .map_err(|_| ())
                .or_else(|()| dates::read(text, zone).map_err(|error| error.to_string())),
        };
        found.map(Some).map_err(|problem| format!("{column}: {problem}"))
    }
}

/// Reads a date as `format` says; without an offset in it, in `zone`; without a time, at midnight.
fn formatted(text: &str, format: &str, zone: &TimeZone) -> Result<UtcMillis, String> {
    let shown: String = text.chars().take(64).collect();
    let parts =
        BrokenDownTime::parse(format, text).map_err(|_| format!("{shown:?} is not of the form {format}"))?;
    if parts.offset().is_some() {
        return parts
            .to_timestamp()
            .map(UtcMillis::from_jiff)
            .map_err(|_| format!("{shown:?} is out of range: there is no such day or time"));
    }
    let civil = parts.to_datetime().or_else(|_| parts.to_date().map(|date| date.at(0, 0, 0, 0)));
    civil
        .ok()
        .and_then(|civil| dates::instant(civil, zone))
        .ok_or_else(|| format!("{shown:?} is out of range: there is no such day or time"))
}
