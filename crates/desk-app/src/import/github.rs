//! A repository's issues and pull requests, in the archive that `martinthomson/i-d-template` makes: one JSON object
//! with `magic`, `repo`, `labels`, `issues` and `pulls`.
//!
//! The file is read as a stream: one issue or pull request is in memory at a time.

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    fmt,
    io::{self, BufReader, Read},
    ops::ControlFlow,
    rc::Rc,
};

use desk_domain::{
    ticket::{AuthorSide, Status, Visibility},
    time::UtcMillis,
};
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    ImportError, ImportedComment, ImportedTicket, Item, Options, Refused, Snapshot, Telling,
    text::{UNKNOWN, body_problem, custom_problem, future_problem, name, person, title_and_description},
};

/// What the archive's `magic` says.
const MAGIC: &str = "E!vIA5L86J2I";
/// The longest issue or pull request with its comments.
const MAX_ELEMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Reads the archive as a stream; see [`super::read`]. With `reviews`, the reviews of pull requests and the comments
/// in them become comments too.
///
/// # Errors
/// [`ImportError::BadFile`] when it is no such archive, [`ImportError::Read`] when reading fails.
pub fn read(
    reviews: bool,
    options: &Options,
    input: impl Read,
    tell: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let place = Rc::new(Place::default());
    let reader = Lines { inner: BufReader::with_capacity(64 * 1024, input), place: Rc::clone(&place) };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut archive = Archive {
        place: Rc::clone(&place),
        reviews,
        now: options.now,
        tell,
        repo: None,
        met: BTreeSet::new(),
        stopped: false,
        told: false,
    };
    let outcome = deserializer.deserialize_map(&mut archive);
    if archive.stopped {
        return Ok(());
    }
    if let Err(error) = outcome {
        if error.is_io() {
            return Err(ImportError::Read(error.into()));
        }
        let reason = without_position(&error);
        if archive.told {
            // What was read is good; the rest of the file is one refused piece.
            let line = place.line.get();
            let _ = (archive.tell)(Item::Refused(Refused {
                line,
                reason: format!("from here on the file cannot be read: {reason}"),
            }));
            return Ok(());
        }
        return Err(ImportError::BadFile(format!(
            "this is no archive of issues: {reason} (line {})",
            place.line.get()
        )));
    }
    let missing: Vec<&str> =
        ["issues", "pulls"].into_iter().filter(|key| !archive.met.contains(*key)).collect();
    if missing.len() == 2 {
        return Err(ImportError::BadFile(format!(
            "this is no archive of issues: it lacks {}",
            missing.join(" and ")
        )));
    }
    deserializer.end().map_err(|_| {
        ImportError::BadFile(format!("something stands after the archive, at line {}", place.line.get()))
    })
}

/// What serde says of an error, without its own line, which counts from where the reader stood.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Where the reader stands, shared with the visitors.
struct Place {
    /// The physical line, from 1.
    line: Cell<u64>,
    /// Bytes since the element at hand began.
    element_bytes: Cell<u64>,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: Cell::new(1), element_bytes: Cell::new(0) }
    }
}

/// Counts lines as the bytes are taken, and holds back an element that is too long to keep. `serde_json` takes
/// single bytes from a reader, so the count is exact.
struct Lines<R> {
    inner: R,
    place: Rc<Place>,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let place = &self.place;
        place.line.set(place.line.get() + buffer[..read].iter().map(|b| u64::from(*b == b'\n')).sum::<u64>());
        place.element_bytes.set(place.element_bytes.get() + read as u64);
        if place.element_bytes.get() > MAX_ELEMENT_BYTES {
            let limit = MAX_ELEMENT_BYTES / 1_048_576;
            let line = place.line.get();
            return Err(io::Error::other(format!("a value longer than {limit} MiB ends after line {line}")));
        }
        Ok(read)
    }
}

/// The archive's outermost object.
struct Archive<'a> {
    place: Rc<Place>,
    reviews: bool,
    now: UtcMillis,
    tell: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    repo: Option<String>,
    met: BTreeSet<String>,
    stopped: bool,
    told: bool,
}

impl<'de> Visitor<'de> for &mut Archive<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with repo, issues and pulls")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.place.element_bytes.set(0);
            match key.as_str() {
                "magic" => {
                    let magic: String = map.next_value()?;
                    if magic != MAGIC {
                        return Err(A::Error::custom("its magic is another format's"));
                    }
                }
                "repo" => self.repo = Some(map.next_value()?),
                "issues" => map.next_value_seed(Elements { archive: self, kind: "issue" })?,
                "pulls" => map.next_value_seed(Elements { archive: self, kind: "pull_request" })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.met.insert(key);
        }
        Ok(())
    }
}

/// The array of issues or pull requests.
struct Elements<'a, 'b> {
    archive: &'a mut Archive<'b>,
    kind: &'static str,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of issues or pull requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            self.archive.place.element_bytes.set(0);
            let Some((line, element)) = seq.next_element_seed(Element { place: &self.archive.place })? else {
                return Ok(());
            };
            if self.archive.tell_element(line, self.kind, element).is_break() {
                self.archive.stopped = true;
                // There is no gentler way out of a visitor; `read` knows that it is no error.
                return Err(A::Error::custom("stopped"));
            }
        }
    }
}

/// One element, with the line on which it begins.
struct Element<'a> {
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // The reader stands at the element's first byte.
        let line = self.place.line.get();
        Ok((line, Value::deserialize(deserializer)?))
    }
}

/// An issue or a pull request. What it does not name is not needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    number: Number,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    url: Option<String>,
    state: String,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    assignees: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    created_at: UtcMillis,
    #[serde(default)]
    updated_at: Option<UtcMillis>,
    #[serde(default)]
    closed_at: Option<UtcMillis>,
    #[serde(default)]
    comments: Vec<Value>,
    #[serde(default)]
    base_ref_name: Option<String>,
    #[serde(default)]
    head_ref_name: Option<String>,
    #[serde(default)]
    merged_by: Option<String>,
    #[serde(default)]
    merge_commit: Option<Commit>,
    #[serde(default)]
    reviews: Vec<Value>,
}

/// Archives write the number both ways.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Text(String),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

#[derive(Deserialize)]
struct Commit {
    oid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Comment {
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    author_association: Option<String>,
    #[serde(default)]
    body: Option<String>,
    created_at: UtcMillis,
    #[serde(default)]
    updated_at: Option<UtcMillis>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    id: String,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    author_association: Option<String>,
    #[serde(default)]
    body: Option<String>,
    created_at: UtcMillis,
    #[serde(default)]
    updated_at: Option<UtcMillis>,
    #[serde(default)]
    comments: Vec<Value>,
}

impl Archive<'_> {
    fn tell_element(&mut self, line: u64, kind: &'static str, element: Value) -> ControlFlow<()> {
        self.told = true;
        let mut problems = Vec::new();
        let told = serde_json::from_value::<Thread>(element)
            .map_err(|error| error.to_string())
            .and_then(|thread| self.ticket(line, kind, thread, &mut problems));
        match told {
            Ok(ticket) => (self.tell)(Item::Ticket(ticket))?,
            Err(reason) => problems.push(format!("the {} is refused: {reason}", kind.replace('_', " "))),
        }
        for reason in problems {
            (self.tell)(Item::Refused(Refused { line, reason }))?;
        }
        ControlFlow::Continue(())
    }

    fn ticket(
        &self,
        line: u64,
        kind: &str,
        thread: Thread,
        problems: &mut Vec<String>,
    ) -> Result<ImportedTicket, String> {
        let repo = self
            .repo
            .as_deref()
            .or_else(|| thread.url.as_deref().and_then(repo_of_url))
            .ok_or("the archive does not say whose it is: repo has to stand before issues and pulls")?;
        let key = name(&format!("{repo}#{}", thread.number)).ok_or("it has no number")?;
        let author = thread.author.as_deref().and_then(person).unwrap_or_else(|| UNKNOWN.to_owned());
        let (title, description) = title_and_description(
            thread.title.as_deref().unwrap_or_default(),
            thread.body.as_deref().unwrap_or_default(),
            &key,
        );
        if let Some(problem) = body_problem("the body", &description) {
            return Err(problem);
        }
        let closed = match thread.state.as_str() {
            "OPEN" | "open" => false,
            "CLOSED" | "MERGED" | "closed" | "merged" => true,
            other => return Err(format!("the state {other:?} is not known")),
        };
        let updated_at = thread.updated_at.unwrap_or(thread.created_at);
        let instants = [
            ("createdAt", Some(thread.created_at)),
            ("updatedAt", Some(updated_at)),
            ("closedAt", thread.closed_at),
        ];
        if let Some(problem) = instants.into_iter().find_map(|(what, at)| future_problem(what, at?, self.now))
        {
            return Err(problem);
        }
        let mut comments = Comments {
            ticket: &key,
            author: &author,
            now: self.now,
            seen: HashMap::new(),
            problems,
            all: Vec::new(),
        };
        for (i, comment) in thread.comments.into_iter().enumerate() {
            comments.add(i, comment);
        }
        if self.reviews {
            for (i, review) in thread.reviews.into_iter().enumerate() {
                comments.add_review(i, review);
            }
        }
        let mut comments = comments.all;
        comments.sort_by_key(|comment| comment.at);

        let mut open = Snapshot::new(thread.created_at, author.clone(), Status::Open);
        open.title = Some(title);
        open.description = Some(description);
        open.requester = Some(Some(author.clone()));
        open.tags = Some(thread.labels.iter().filter_map(|label| name(label)).collect());
        let mut assignees = thread.assignees.iter().filter_map(|assignee| person(assignee));
        open.assignee = Some(assignees.next());
        let others: Vec<String> = assignees.collect();
        let custom = [
            ("kind", Some(kind.to_owned())),
            ("url", thread.url),
            ("base", thread.base_ref_name),
            ("head", thread.head_ref_name),
            ("merge_commit", thread.merge_commit.and_then(|commit| commit.oid)),
            ("assignees", (!others.is_empty()).then(|| others.join(", "))),
        ];
        open.custom = custom
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.filter(|v| !v.is_empty())))
            .collect();
        open.custom.insert("state".to_owned(), Some("OPEN".to_owned()));
        if let Some(problem) = open
            .custom
            .iter()
            .find_map(|(key, value)| value.as_deref().and_then(|value| custom_problem(key, value)))
        {
            return Err(problem);
        }
        let mut history = vec![open];
        if closed {
            let by = thread.merged_by.as_deref().and_then(person).unwrap_or_else(|| UNKNOWN.to_owned());
            let mut end = Snapshot { at: thread.closed_at.unwrap_or(updated_at), by, ..history[0].clone() };
            end.status = Status::Closed;
            end.custom.insert("state".to_owned(), Some(thread.state.to_uppercase()));
            history.push(end);
        }
        Ok(ImportedTicket {
            fallback_title: key.clone(),
            key,
            line,
            created_at: thread.created_at,
            created_by: author,
            history,
            telling: Telling::Present { changed_at: updated_at },
            comments,
        })
    }
}

/// `owner/name` of `https://github.com/owner/name/issues/5`.
fn repo_of_url(url: &str) -> Option<&str> {
    let path = url.split_once("://")?.1.split_once('/')?.1;
    let end = path.match_indices('/').nth(1)?.0;
    Some(&path[..end])
}

/// The comments of one ticket, as they are read.
struct Comments<'a> {
    ticket: &'a str,
    author: &'a str,
    now: UtcMillis,
    /// How many comments one person wrote at one instant: the archive gives comments no ids.
    seen: HashMap<(UtcMillis, String), u32>,
    problems: &'a mut Vec<String>,
    all: Vec<ImportedComment>,
}

impl Comments<'_> {
    fn add(&mut self, index: usize, comment: Value) {
        match serde_json::from_value::<Comment>(comment) {
            Ok(comment) => {
                let Comment { author, author_association, body, created_at, updated_at } = comment;
                let by = author.as_deref().and_then(person).unwrap_or_else(|| UNKNOWN.to_owned());
                let nth = self.seen.entry((created_at, by.clone())).or_insert(0);
                *nth += 1;
                let key = format!("comment\n{}\n{by}\n{nth}", created_at.0);
                self.push(key, by, author_association.as_deref(), body, created_at, updated_at);
            }
            Err(error) => {
                self.problems.push(format!("comment {} of {} is refused: {error}", index + 1, self.ticket));
            }
        }
    }

    fn add_review(&mut self, index: usize, review: Value) {
        match serde_json::from_value::<Review>(review) {
            Ok(Review { id, author, author_association, body, created_at, updated_at, comments }) => {
                let by = author.as_deref().and_then(person).unwrap_or_else(|| UNKNOWN.to_owned());
                let association = author_association.as_deref();
                for (i, inline) in comments.into_iter().enumerate() {
                    match serde_json::from_value::<Comment>(inline) {
                        Ok(inline) => self.push(
                            format!("review\n{id}\n{i}"),
                            by.clone(),
                            association,
                            inline.body,
                            inline.created_at,
                            inline.updated_at,
                        ),
                        Err(error) => self.problems.push(format!(
                            "comment {} of review {} of {} is refused: {error}",
                            i + 1,
                            index + 1,
                            self.ticket
                        )),
                    }
                }
                self.push(format!("review\n{id}"), by, association, body, created_at, updated_at);
            }
            Err(error) => {
                self.problems.push(format!("review {} of {} is refused: {error}", index + 1, self.ticket));
            }
        }
    }

    fn push(
        &mut self,
        key: String,
        by: String,
        association: Option<&str>,
        body: Option<String>,
        at: UtcMillis,
        edited_at: Option<UtcMillis>,
    ) {
        let Some(body) = body.filter(|body| !body.trim().is_empty()) else { return };
        let edited_at = edited_at.unwrap_or(at);
        let future = future_problem("its time", at.max(edited_at), self.now);
        if let Some(problem) = body_problem("its body", &body).or(future) {
            self.problems
                .push(format!("the comment by {by} of {at} on {} is refused: {problem}", self.ticket));
            return;
        }
        // Who asked is no agent on their own ticket, whatever they are elsewhere.
        let staff = by != self.author && matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR"));
        self.all.push(ImportedComment {
            key,
            at,
            edited_at,
            by,
            visibility: Visibility::Public,
            side: if staff { AuthorSide::Staff } else { AuthorSide::Requester },
            body,
        });
    }
}
