//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use desk_domain::{
    article::ArticleStatus,
    incident::Severity,
    ticket::{Priority, Status},
    time::UtcMillis,
};

use crate::assignment::{ArticleAssignment, IncidentAssignment, TicketAssignment};

/// WorkerNet Desk without a window.
#[derive(Debug, Parser)]
#[command(name = "desk", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Where everything is kept; the platform's place for application data if it is not named.
    #[arg(long, global = true, env = "DESK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print one JSON value.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a workspace on this device alone; it can join a server later.
    Init {
        /// What to call the workspace.
        #[arg(long, value_name = "NAME")]
        workspace: String,
        /// Your address.
        #[arg(long, value_name = "E")]
        email: String,
    },
    /// Sign this device in to a server. A workspace on this device alone joins the server's.
    Login(Login),
    /// Send and fetch until nothing is left.
    Sync {
        /// Stay, and sync whenever there is something to do, until Ctrl+C.
        #[arg(long)]
        watch: bool,
    },
    /// Make tickets from another system's file. A repeated import changes nothing.
    Import(Import),
    /// Write every document and JSON Lines of them into a directory.
    Export {
        /// A directory that does not exist or is empty.
        dir: PathBuf,
        /// Replace the directory, whatever is in it.
        #[arg(long)]
        force: bool,
    },
    /// Tickets.
    #[command(subcommand)]
    Ticket(Ticket),
    /// Knowledge articles.
    #[command(subcommand)]
    Article(Article),
    /// Incidents.
    #[command(subcommand)]
    Incident(Incident),
    /// Find tickets, articles and incidents.
    Search {
        /// Words, the beginning of a word, or a number.
        #[arg(required = true)]
        query: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
    /// Service levels.
    #[command(subcommand)]
    Sla(Sla),
    /// Who is on call, by which schedule.
    Oncall {
        /// At that instant, instead of now; like 2026-11-21T09:05:00Z.
        #[arg(long, value_name = "INSTANT")]
        at: Option<UtcMillis>,
        /// By this schedule alone: its key or name.
        #[arg(long, value_name = "SCHEDULE")]
        schedule: Option<String>,
    },
    /// What incidents affect.
    #[command(subcommand)]
    Service(Service),
    /// Rules that propose incidents.
    #[command(subcommand)]
    Detection(Detection),
    /// What a person must know.
    #[command(args_conflicts_with_subcommands = true)]
    Alerts {
        /// By then, instead of now; like 2026-11-21T09:05:00Z.
        #[arg(long, value_name = "INSTANT")]
        at: Option<UtcMillis>,
        /// What to do about them.
        #[command(subcommand)]
        command: Option<Alerts>,
    },
    /// Edits that the server refused.
    #[command(subcommand)]
    Rejected(Rejected),
    /// One number over all documents: equal on every store that has converged.
    Digest,
    /// Look whether everything is as it should be.
    Doctor {
        /// Mend what can be mended: rows and the index are derived anew from the documents.
        #[arg(long)]
        repair: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Login {
    /// The server's address, like <https://desk.example.org>.
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The workspace's short name.
    #[arg(long, value_name = "SLUG")]
    pub(crate) workspace: String,
    /// Your address.
    #[arg(long, value_name = "E")]
    pub(crate) email: String,
    /// Read the password from standard input (a command line is seen by others).
    #[arg(long, required = true)]
    pub(crate) password_stdin: bool,
}

const IMPORT_HELP: &str = r#"Formats:
  servicenow-csv  the audit log of a ServiceNow instance: a row per update of an incident
  github-archive  a repository's issues and pull requests, {"magic", "repo", "labels", "issues", "pulls"}
  csv             any CSV file; --map names a JSON file that says which column is what

A map, in which only key and title have to be there:
  {
    "key": "Id",                         what tells one ticket from another
    "origin": "old-desk",                put in front of the keys
    "title": "Subject",
    "description": "Body",
    "status": {"column": "State", "values": {"New": "open", "Done": "resolved"}, "default": "open"},
    "priority": {"column": "Prio", "values": {"A": "critical"}},
    "category": "Area", "requester": "From", "assignee": "Agent", "team": "Group",
    "tags": {"column": "Labels", "separator": ";"},
    "created_at": {"column": "Created", "format": "%d.%m.%Y %H:%M"},
    "updated_at": "Changed", "closed_at": "Closed",
    "custom": {"room": "Room"}
  }
Dates without a format are RFC 3339, D.M.YYYY HH:MM, D-M-YYYY HH:MM, D/M/YYYY HH:MM or YYYY-MM-DD HH:MM.
The delimiter (comma, semicolon, tab, bar) is found in the header."#;

#[derive(Debug, ClapArgs)]
#[command(after_help = IMPORT_HELP)]
pub(crate) struct Import {
    /// What kind of file it is.
    pub(crate) format: ImportFormat,
    /// The file.
    pub(crate) file: PathBuf,
    /// The time zone of dates that say none, like Europe/Moscow; the workspace's if it is not named.
    #[arg(long)]
    pub(crate) zone: Option<String>,
    /// Which column is what (for csv).
    #[arg(long, required_if_eq("format", "csv"), value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Take the reviews of pull requests as comments too (for github-archive).
    #[arg(long)]
    pub(crate) reviews: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    ServicenowCsv,
    GithubArchive,
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ticket {
    /// Make a ticket.
    New {
        /// One line that says what it is about.
        #[arg(long)]
        title: String,
        /// The whole request.
        #[arg(long)]
        description: Option<String>,
        /// low, medium, high, urgent or critical.
        #[arg(long)]
        priority: Option<Priority>,
        /// A category.
        #[arg(long)]
        category: Option<String>,
        /// A label; may be given several times.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// Who works on it: address, name or id.
        #[arg(long)]
        assignee: Option<String>,
        /// The team's key or name.
        #[arg(long)]
        team: Option<String>,
        /// Who asks.
        #[arg(long)]
        requester: Option<String>,
    },
    /// List tickets.
    List {
        /// Only of this status; may be given several times.
        #[arg(long = "status")]
        statuses: Vec<Status>,
        /// Only of this priority; may be given several times.
        #[arg(long = "priority")]
        priorities: Vec<Priority>,
        /// Only this person's: address, name or id; `none` for nobody's.
        #[arg(long)]
        assignee: Option<String>,
        /// Only this team's.
        #[arg(long)]
        team: Option<String>,
        /// Only with this tag.
        #[arg(long)]
        tag: Option<String>,
        /// Only in this category.
        #[arg(long)]
        category: Option<String>,
        /// Only such as hold these words.
        #[arg(long)]
        text: Option<String>,
        /// Only such as are past their target.
        #[arg(long)]
        breached: bool,
        /// Only such as are due within this time (2h, 90m, 1d), or past it.
        #[arg(long, value_name = "TIME", value_parser = due_within)]
        due_within: Option<u32>,
        /// What comes first.
        #[arg(long, value_enum, default_value_t = Sort::Updated)]
        sort: Sort,
        /// At most so many.
        #[arg(long)]
        limit: Option<u32>,
        /// Leave out so many from the top.
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a ticket whole.
    Show {
        /// TK-XXXXXXXX, or its id.
        number: String,
    },
    /// Change a ticket.
    #[command(
        after_help = "Fields: title, description, status, priority, category, assignee (address, name, id or \
nothing), team, requester, tags=A,B, tag+=TAG, tag-=TAG, custom.KEY. An empty value empties the field."
    )]
    Set {
        /// TK-XXXXXXXX, or its id.
        number: String,
        /// What becomes what; several are one change.
        #[arg(required = true, value_name = "FIELD=VALUE")]
        assignments: Vec<TicketAssignment>,
    },
    /// Answer the requester, or write a note.
    Comment {
        /// TK-XXXXXXXX, or its id.
        number: String,
        /// The text; `-` reads it from standard input.
        text: String,
        /// For staff alone.
        #[arg(long)]
        internal: bool,
    },
    /// Who changed what, and when.
    History {
        /// TK-XXXXXXXX, or its id.
        number: String,
        /// Show the ticket as the author of this change saw it: the change's name, or as much of it as is unique.
        #[arg(long, value_name = "CHANGE")]
        at: Option<String>,
    },
}

/// Whole minutes, a begun one as a whole one.
fn due_within(text: &str) -> Result<u32, String> {
    let ms = desk_domain::duration::parse(text).map_err(|problem| problem.to_string())?;
    u32::try_from((ms + 59_999) / 60_000).map_err(|problem| problem.to_string())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// The newest change first.
    Updated,
    /// The newest first.
    Created,
    /// The most hasty first.
    Priority,
    /// What runs out first.
    Due,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Article {
    /// List articles, the newest change first.
    List {
        /// Only such as hold these words.
        #[arg(long)]
        text: Option<String>,
        /// Only of this status.
        #[arg(long)]
        status: Option<ArticleStatus>,
    },
    /// Show an article whole.
    Show {
        /// Its id.
        id: String,
    },
    /// Write a new article, as a draft.
    New {
        /// Its headline.
        #[arg(long)]
        title: String,
        /// Markdown; `-` reads it from standard input.
        #[arg(long, default_value = "")]
        body: String,
        /// A category.
        #[arg(long)]
        category: Option<String>,
        /// A label; may be given several times.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Change an article's headline, status, category or tags.
    #[command(
        after_help = "Fields: title, status (draft, published, archived), category, tag+=TAG, tag-=TAG."
    )]
    Set {
        /// Its id.
        id: String,
        /// What becomes what; several are one change.
        #[arg(required = true, value_name = "FIELD=VALUE")]
        assignments: Vec<ArticleAssignment>,
    },
    /// Change an article's body; only the difference is written.
    Edit {
        /// Its id.
        id: String,
        /// The whole new body, Markdown; `-` reads it from standard input.
        #[arg(long)]
        body: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Incident {
    /// List incidents: running ones first, then the newest.
    List,
    /// Show an incident whole.
    Show {
        /// INC-XXXXXXXX, or its id.
        number: String,
    },
    /// Declare an incident.
    New {
        /// One line that says what is wrong.
        #[arg(long)]
        title: String,
        /// P1 (the worst) to P4.
        #[arg(long)]
        severity: Severity,
        /// What is known.
        #[arg(long, default_value = "")]
        summary: String,
        /// What is affected; may be given several times.
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// When users began to feel it.
        #[arg(long, value_name = "INSTANT")]
        impact_at: Option<UtcMillis>,
    },
    /// Change an incident.
    #[command(
        after_help = "Fields: title, summary, severity, status, service+=S, service-=S, ticket+=TK-…, \
ticket-=TK-…, commander, communications, scribe (address, name, id or nothing), and the instants impact, detected, \
acknowledged, mitigated, resolved."
    )]
    Set {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// What becomes what; several are one change.
        #[arg(required = true, value_name = "FIELD=VALUE")]
        assignments: Vec<IncidentAssignment>,
    },
    /// Write into an incident's timeline.
    Note {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// Markdown; `-` reads it from standard input.
        text: String,
    },
    /// Declare an incident from a ticket: its title and description unless others are given, the ticket linked.
    FromTicket {
        /// TK-XXXXXXXX, or its id.
        ticket: String,
        /// P1 (the worst) to P4.
        #[arg(long)]
        severity: Severity,
        /// One line that says what is wrong; the ticket's title otherwise.
        #[arg(long)]
        title: Option<String>,
        /// What is known; the ticket's description otherwise. `-` reads it from standard input.
        #[arg(long)]
        summary: Option<String>,
        /// What is affected; may be given several times.
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// When users began to feel it; when the ticket came otherwise.
        #[arg(long, value_name = "INSTANT")]
        impact_at: Option<UtcMillis>,
    },
    /// Link tickets to an incident, or take them off it.
    Link {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// TK-XXXXXXXX, or their ids.
        #[arg(required = true)]
        tickets: Vec<String>,
        /// Take them off.
        #[arg(long)]
        off: bool,
    },
    /// Tell how an incident stands: an update for the team, or for everybody who is affected.
    Update {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// Markdown; `-` reads it from standard input.
        text: String,
        /// For everybody who is affected, not the team alone.
        #[arg(long)]
        public: bool,
    },
    /// Confirm an incident that detection proposed: it is one, whoever dismissed it.
    Confirm {
        /// INC-XXXXXXXX, or its id.
        number: String,
    },
    /// Dismiss an incident that detection proposed: it is none.
    Dismiss {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// Why not.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Response times of the incidents that were declared in a period: mean, median, p90 (nearest rank) and n, by severity
    /// and service. Incidents that lack an instant, or have them out of order, are left out and counted.
    #[command(
        after_help = "MTTD: from impact to detected. MTTA: from detected to acknowledged. MTTR: from impact to resolved."
    )]
    Metrics {
        /// The period's first instant; 30 days before its end otherwise.
        #[arg(long, value_name = "INSTANT")]
        from: Option<UtcMillis>,
        /// The first instant after the period; now otherwise.
        #[arg(long, value_name = "INSTANT")]
        to: Option<UtcMillis>,
        /// The incidents of one service alone.
        #[arg(long)]
        service: Option<String>,
    },
    /// Show or write an incident's post-mortem and its action items.
    #[command(
        after_help = "An action item is a line like `- [ ] Alert at 85 % @anna by 2026-12-01` of the text. Without options the post-mortem is shown."
    )]
    Postmortem {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// Fill it with the template, if it is empty.
        #[arg(long, conflicts_with_all = ["text", "done", "undone"])]
        template: bool,
        /// The whole text as it shall be; `-` reads it from standard input. What others wrote meanwhile stays.
        #[arg(long, value_name = "MARKDOWN", conflicts_with_all = ["done", "undone"])]
        text: Option<String>,
        /// Tick an action item off, by its number from 1.
        #[arg(long, value_name = "N")]
        done: Option<usize>,
        /// Take the tick off again.
        #[arg(long, value_name = "N", conflicts_with = "done")]
        undone: Option<usize>,
    },
    /// Acknowledge an incident: you take it, and nobody else is told.
    Ack {
        /// INC-XXXXXXXX, or its id.
        number: String,
        /// For so long; then it escalates on. Like 30m, 2h or 1h30m.
        #[arg(long = "for", value_name = "DURATION")]
        length: Option<jiff::SignedDuration>,
    },
}

const RULES_HELP: &str = r#"A file of rules is what `desk --json sla rules` prints: policies in the order in which they are tried, and calendars.
  {
    "policies": [
      {
        "key": "gold", "name": "Золото", "calendar": "office",
        "when": {"priorities": [], "categories": [], "teams": [], "requesters": ["@partner.example"], "tags": ["vip"]},
        "targets": {"high": {"first_response_min": 30, "next_response_min": 60, "resolution_min": 240}},
        "pause_statuses": ["pending"],
        "warn_percent": [75, 90]
      }
    ],
    "calendars": {
      "office": {
        "zone": "Europe/Moscow",
        "hours": {"mon": [["09:00", "13:00"], ["14:00", "18:00"]]},
        "holiday_sets": ["ru"], "holidays": ["2026-12-30"]
      },
      "always": {"zone": "UTC", "always_open": true}
    }
  }
Conditions that are empty or left out hold for every ticket. Targets are in minutes."#;

#[derive(Debug, Subcommand)]
pub(crate) enum Sla {
    /// Run a file of worked cases; needs no workspace.
    Simulate {
        /// The file; see vectors/README.md.
        file: PathBuf,
    },
    /// Say why a ticket's due times are what they are: what counted, pauses, closed hours, holidays.
    Explain {
        /// TK-XXXXXXXX, or its id.
        number: String,
    },
    /// The workspace's policies and calendars.
    #[command(after_help = RULES_HELP)]
    Rules,
    /// Say what other rules would have meant for tickets that were: breaches now and then, and which tickets change.
    #[command(after_help = RULES_HELP)]
    Preview {
        /// The file of rules.
        file: PathBuf,
        /// From this day on, like 2026-10-01, in the workspace's zone; the month before this one if neither is named.
        #[arg(long, value_name = "DAY", requires = "to")]
        from: Option<String>,
        /// Up to the beginning of this day.
        #[arg(long, value_name = "DAY", requires = "from")]
        to: Option<String>,
    },
    /// Make the workspace's policies and calendars those of a file, and no others; for managers.
    #[command(after_help = RULES_HELP)]
    Apply {
        /// The file of rules.
        file: PathBuf,
    },
    /// Set our verdicts on resolutions beside those of the system that tickets were imported from, and say why they differ.
    ///
    /// For each priority: on how many tickets both say the same, and for the others what would turn our verdict if it alone were
    /// counted otherwise: paused time, business hours, the instant of closing, the instant that the other system states,
    /// reopening, the first terms. Where nothing does, the target must have been another one. A second table says which single
    /// target fits the other system's verdicts best, and how well, by each way of counting.
    #[command(after_help = RULES_HELP)]
    Report {
        /// The file of rules; the workspace's if none is named.
        file: Option<PathBuf>,
        /// The custom field with the other system's verdict: true or false.
        #[arg(long, default_value = desk_domain::sla::report::MADE_SLA)]
        field: String,
    },
}

/// `desk service …`
#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// The workspace's services, with what is wrong with them.
    List,
    /// Add a service, or change one; what is not named stays. For managers.
    Set {
        /// Its short stable name: letters, digits and hyphens.
        key: String,
        /// What to call it; a new one needs it.
        #[arg(long)]
        name: Option<String>,
        /// The key of the team that runs it; "" for none.
        #[arg(long)]
        team: Option<String>,
        /// The key of the escalation policy that its incidents get; "" for none.
        #[arg(long, value_name = "POLICY")]
        escalation: Option<String>,
    },
    /// Retire a service; incidents that name it go on naming it. For managers.
    Remove {
        /// Its key.
        key: String,
    },
}

const DETECTION_HELP: &str = r#"A file of rules is what `desk --json detection list` prints, or one rule of it:
  [
    {"key": "tills", "name": "Кассы", "severity": "P2", "services": ["Кассы"], "quiet_min": 60,
     "watch": "burst", "categories": ["hardware"], "window_min": 30, "min_tickets": 5},
    {"key": "backup", "name": "Резервное копирование", "severity": "P3",
     "watch": "heartbeat", "heartbeat": "backup.night", "every_s": 86400, "grace_s": 3600},
    {"key": "queue", "name": "Очередь писем", "severity": "P2", "enabled": false,
     "watch": "metric", "metric": "mail.queue", "above": 500, "for_s": 300}
  ]
Services are those of `desk service list`, by name or key. Programs post to /v1/workspaces/SLUG/heartbeats/NAME and …/metrics/NAME."#;

/// `desk detection …`
#[derive(Debug, Subcommand)]
pub(crate) enum Detection {
    /// The workspace's rules, with what is wrong with them.
    List,
    /// Add the rules of a file, or change those that are there under their keys; others stay. For managers.
    #[command(after_help = DETECTION_HELP)]
    Set {
        /// The file of rules.
        file: PathBuf,
    },
    /// Retire a rule; what it proposed stays. For managers.
    Remove {
        /// Its key.
        key: String,
    },
}

/// `desk alerts …`
#[derive(Debug, Subcommand)]
pub(crate) enum Alerts {
    /// Acknowledge alerts, on all of your devices.
    Ack {
        /// A key from `desk --json alerts`, or TK-… or INC-… for all alerts about it.
        #[arg(required = true, value_name = "KEY|NUMBER")]
        alerts: Vec<String>,
    },
    /// Put alerts off, on all of your devices; they come back then.
    Snooze {
        /// A key from `desk --json alerts`, or TK-… or INC-… for all alerts about it.
        #[arg(required = true, value_name = "KEY|NUMBER")]
        alerts: Vec<String>,
        /// For how long: 45m, 2h, 1d.
        #[arg(long = "for", value_name = "TIME", default_value = "30m")]
        duration: Length,
    },
    /// Which alerts reach you how, quiet hours and digests.
    #[command(subcommand)]
    Settings(AlertSettingsCommand),
}

/// `desk alerts settings …`
#[derive(Debug, Subcommand)]
pub(crate) enum AlertSettingsCommand {
    /// Print them as JSON.
    Show,
    /// Take them from a file of the form that `show` prints.
    Set {
        /// The file; `-` reads standard input.
        file: PathBuf,
    },
}

/// A length of time: `45m`, `2h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    /// In milliseconds.
    pub(crate) ms: i64,
}

impl std::str::FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MINUTE_MS: i64 = 60_000;
        let (number, unit_ms) = match text.as_bytes().last() {
            Some(b'm') => (&text[..text.len() - 1], MINUTE_MS),
            Some(b'h') => (&text[..text.len() - 1], 60 * MINUTE_MS),
            Some(b'd') => (&text[..text.len() - 1], 24 * 60 * MINUTE_MS),
            _ => ("", 0),
        };
        number
            .parse::<u32>()
            .ok()
            .filter(|number| *number > 0)
            .map(|number| Self { ms: i64::from(number) * unit_ms })
            .ok_or_else(|| format!("{text:?} is no length of time; write it like 45m, 2h or 1d"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rejected {
    /// List them, the newest first.
    List,
    /// Show one whole.
    Show {
        /// Its number in the list.
        id: i64,
    },
    /// Propose one again, as it was or with other values. When a rule forbids it still, it stays on the list.
    #[command(
        after_help = "Fields are those of `desk ticket set`, `desk article set` and `desk incident set`, and the \
texts comment (ticket), body (article), note and postmortem (incident). A value replaces the one in the refused edit, or \
is added to it."
    )]
    Retry {
        /// Its number in the list.
        id: i64,
        /// What becomes what instead.
        #[arg(value_name = "FIELD=VALUE")]
        assignments: Vec<String>,
    },
    /// Take one off the list.
    Discard {
        /// Its number in the list.
        id: i64,
    },
    /// Put a discarded one back on the list. It can be for a month.
    Restore {
        /// Its number in the list.
        id: i64,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_stand_before_and_after_the_command() {
        for line in [
            &["desk", "--json", "--data-dir", "/x", "digest"][..],
            &["desk", "digest", "--data-dir", "/x", "--json"],
        ] {
            let args = Args::try_parse_from(line).unwrap();
            assert!(args.json && args.data_dir == Some(PathBuf::from("/x")));
        }
    }

    #[test]
    fn wrong_usage_is_told_from_failure() {
        let check = |line: &str| {
            let error = Args::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        };
        check("desk nonsense");
        check("desk init --workspace W");
        check("desk login --server http://x --workspace w --email e");
        check("desk import csv file");
        check("desk import other file");
        check("desk ticket set TK-1");
        check("desk ticket set TK-1 status=lost");
        check("desk ticket set TK-1 colour=red");
        check("desk ticket set TK-1 status");
        check("desk ticket new");
        check("desk ticket list --status lost");
        check("desk alerts --at yesterday");
        check("desk alerts ack");
        check("desk alerts snooze TK-1 --for 0m");
        check("desk alerts snooze TK-1 --for 5");
        check("desk alerts --at 2026-11-21T09:05:00Z ack TK-1");
        check("desk ticket list --due-within soon");
        check("desk search x --limit 0");
        check("desk sla preview");
        check("desk sla preview rules.json --from 2026-10-01");
        check("desk rejected retry");
        check("desk rejected retry one");
        check("desk incident new --title x --severity P9");
    }
}
