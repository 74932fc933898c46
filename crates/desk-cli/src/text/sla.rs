//! SLA rules, previews and reports in tables.

use std::fmt::Write as _;

use desk_domain::{
    sla::{
        Calendar, Metric, Policy, PolicyMatch, Preview, RuleChange, SlaRules,
        preview::{Outcome, Tally},
        report::{Reason, Report, Verdicts},
    },
    ticket::Priority,
    time::UtcMillis,
};

use super::{duration, short, table};

/// The policies in their order, and the calendars.
pub(crate) fn rules(rules: &SlaRules, now: UtcMillis) -> String {
    let mut text = String::new();
    for policy in &rules.policies {
        let _ = writeln!(text, "{}  {}", policy.key, policy.name);
        let _ = writeln!(text, "  for         {}", conditions(&policy.when));
        let _ = writeln!(text, "  calendar    {}", policy.calendar);
        let _ = writeln!(text, "  pauses in   {}", or_never(words(&policy.pause_statuses)));
        let warnings: Vec<String> =
            policy.warn_percent.iter().map(|percent| format!("{percent} %")).collect();
        let _ = writeln!(text, "  warns at    {}", or_never(warnings.join(", ")));
        text.push_str(&indented(&table(
            &["priority", "first response", "next response", "resolution"],
            &targets(policy),
        )));
        text.push('\n');
    }
    for (key, calendar) in &rules.calendars {
        text.push_str(&hours(key, calendar, now));
    }
    for problem in rules.check() {
        let _ = writeln!(text, "! {problem}");
    }
    text
}

fn words<T: ToString>(set: impl IntoIterator<Item = T>) -> String {
    set.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(", ")
}

fn or_never(text: String) -> String {
    if text.is_empty() { "never".to_owned() } else { text }
}

fn conditions(when: &PolicyMatch) -> String {
    let sets = [
        ("priority", words(&when.priorities)),
        ("category", words(&when.categories)),
        ("team", words(&when.teams)),
        ("requester", words(&when.requesters)),
        ("tag", words(&when.tags)),
    ];
    let told: Vec<String> = sets
        .into_iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(name, words)| format!("{name}: {words}"))
        .collect();
    if told.is_empty() { "every ticket".to_owned() } else { told.join("; ") }
}

fn targets(policy: &Policy) -> Vec<Vec<String>> {
    let row = |(priority, targets): (&Priority, &desk_domain::sla::Targets)| {
        let cell = |metric: &Metric| targets.minutes(*metric).map_or_else(|| "-".to_owned(), minutes);
        std::iter::once(priority.to_string()).chain(Metric::ALL.iter().map(cell)).collect()
    };
    policy.targets.iter().rev().map(row).collect()
}

/// Minutes of a target.
#[expect(clippy::cast_possible_truncation, reason = "a target has at most a hundred years")]
fn minutes(minutes: f64) -> String {
    duration((minutes * 60.0).round() as i64)
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

fn hours(key: &str, calendar: &Calendar, now: UtcMillis) -> String {
    let name = calendar.name.as_deref().unwrap_or_default();
    let mut text = format!("calendar {key}  {name}\n");
    if calendar.always_open {
        text.push_str("  always open\n");
        return text;
    }
    let _ = writeln!(text, "  zone        {}", calendar.zone);
    for (day, windows) in calendar.hours.days() {
        let windows: Vec<String> = windows.iter().map(|[open, close]| format!("{open}–{close}")).collect();
        if !windows.is_empty() {
            let _ = writeln!(text, "  {day:<11} {}", windows.join(", "));
        }
    }
    for set in &calendar.holiday_sets {
        let known = set.known_years();
        let _ = writeln!(text, "  holidays    {set}, known from {} to {}", known.start(), known.end());
        if let Some(year) = set.missing_year(now) {
            let _ = writeln!(text, "  ! of {year} only the law's own days are known; add what was decreed");
        }
    }
    if !calendar.holidays.is_empty() {
        let _ = writeln!(text, "  closed on   {}", words(&calendar.holidays));
    }
    text
}

/// What was changed.
pub(crate) fn changes(changes: &[RuleChange]) -> String {
    if changes.is_empty() {
        return "the rules are these already\n".to_owned();
    }
    let line = |change: &RuleChange| match change {
        RuleChange::Policy { key, policy: Some(_) } => format!("policy {key} written\n"),
        RuleChange::Policy { key, policy: None } => format!("policy {key} taken away\n"),
        RuleChange::Calendar { key, calendar: Some(_) } => format!("calendar {key} written\n"),
        RuleChange::Calendar { key, calendar: None } => format!("calendar {key} taken away\n"),
    };
    changes.iter().map(line).collect()
}

/// What other rules would have meant.
pub(crate) fn preview(preview: &Preview) -> String {
    let mut text = format!(
        "{} tickets created from {} to {}, as of {}\n\n",
        preview.tickets, preview.period.from, preview.period.to, preview.at
    );
    let totals: Vec<Vec<String>> = Metric::ALL
        .iter()
        .map(|metric| {
            let (now, then) = (preview.present.of_metric(*metric), preview.proposed.of_metric(*metric));
            let cell = |now: u32, then: u32| format!("{now} → {then}");
            vec![
                metric.to_string(),
                cell(now.met, then.met),
                cell(now.breached, then.breached),
                cell(now.running, then.running),
            ]
        })
        .collect();
    text.push_str(&table(&["metric", "met", "breached", "running"], &totals));
    let (now, then) = (preview.present.without_policy, preview.proposed.without_policy);
    let _ = writeln!(text, "without a policy: {now} → {then}");
    for (title, outcome) in [("now", &preview.present), ("then", &preview.proposed)] {
        let _ = write!(text, "\n{title}\n{}", lines(outcome));
    }
    if !preview.changes.is_empty() {
        let shown = preview.changes.len();
        let _ = writeln!(text, "\n{} targets come out otherwise; {shown} of them:", preview.changes_count);
        let rows: Vec<Vec<String>> = preview
            .changes
            .iter()
            .map(|change| {
                vec![
                    change.number.clone(),
                    change.priority.to_string(),
                    change.metric.to_string(),
                    format!("{} → {}", change.present, change.proposed),
                    short(&change.title, 60),
                ]
            })
            .collect();
        text.push_str(&table(&["number", "priority", "metric", "verdict", "title"], &rows));
    }
    text
}

fn lines(outcome: &Outcome) -> String {
    let rows: Vec<Vec<String>> = outcome
        .lines
        .iter()
        .map(|line| {
            let Tally { met, breached, running } = line.tally;
            let numbers = [met, breached, running].map(|number| number.to_string());
            [line.policy.clone(), line.metric.to_string(), line.priority.to_string()]
                .into_iter()
                .chain(numbers)
                .collect()
        })
        .collect();
    table(&["policy", "metric", "priority", "met", "breached", "running"], &rows)
}

/// Our verdicts beside another system's.
pub(crate) fn report(report: &Report) -> String {
    let row = |name: &str, verdicts: &Verdicts| {
        let numbers = [
            verdicts.tickets,
            verdicts.theirs_made,
            verdicts.theirs_missed,
            verdicts.ours_made,
            verdicts.ours_missed,
            verdicts.agree,
            verdicts.tickets - verdicts.agree,
        ];
        std::iter::once(name.to_owned()).chain(numbers.map(|number| number.to_string())).collect::<Vec<_>>()
    };
    let by_priority = || report.priorities.iter().rev();
    let mut rows: Vec<Vec<String>> =
        by_priority().map(|(priority, verdicts)| row(priority.as_str(), verdicts)).collect();
    rows.push(row("all", &report.total));
    let made = &report.field;
    let mut text =
        table(&["priority", "n", "made", "missed", "we: made", "we: missed", "agree", "differ"], &rows);
    let _ = writeln!(
        text,
        "made, missed: what {made} says. Without it: {}; without a target by these rules: {}; still running: {}",
        report.untold, report.untargeted, report.undecided
    );
    let why: Vec<Vec<String>> = by_priority()
        .flat_map(|(priority, verdicts)| {
            verdicts.differ.iter().map(|difference| {
                vec![priority.to_string(), difference.tickets.to_string(), reasons(&difference.reasons)]
            })
        })
        .collect();
    if !why.is_empty() {
        text.push_str("\nwhy they differ: what turns our verdict if it is counted otherwise\n");
        text.push_str(&table(&["priority", "tickets", "why"], &why));
        text.push_str("a ticket that several reasons turn, each alone, counts for each\n");
    }
    let fits: Vec<Vec<String>> = by_priority()
        .flat_map(|(priority, verdicts)| {
            verdicts.fits.iter().map(|fit| {
                let way =
                    if fit.reasons.is_empty() { "as we count".to_owned() } else { reasons(&fit.reasons) };
                vec![
                    priority.to_string(),
                    format!("{} of {}", fit.agree, verdicts.tickets),
                    duration(fit.target_s),
                    way,
                ]
            })
        })
        .collect();
    if !fits.is_empty() {
        let _ = writeln!(
            text,
            "\nwhich one target would fit {made} best, and on how many tickets it would agree"
        );
        text.push_str(&table(&["priority", "agree", "target", "counted"], &fits));
    }
    text
}

fn reasons(reasons: &[Reason]) -> String {
    let word = |reason: &Reason| match reason {
        Reason::PausedTime => "paused time counts",
        Reason::BusinessHours => "every hour counts",
        Reason::ClosedInstant => "until closed, not resolved",
        Reason::StatedInstant => "until the stated instant",
        Reason::Reopened => "until the first end, reopened or not",
        Reason::FirstTerms => "target of the first priority",
    };
    if reasons.is_empty() {
        return "only another target".to_owned();
    }
    reasons.iter().map(word).collect::<Vec<_>>().join(" + ")
}
