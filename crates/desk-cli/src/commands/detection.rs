//! `desk detection …`

use std::{path::Path, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::Desk;
use desk_domain::detection::{Condition, Rule};
use serde::Deserialize;

use super::workspace;
use crate::{args::Detection, output::Output, shape::RuleLine, text};

/// What a file of rules may be.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    Many(Vec<serde_json::Value>),
    One(serde_json::Value),
}

/// Runs what is asked for; each prints the rules as they are then.
pub(super) async fn run(desk: &Desk, command: Detection, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Detection::List => {}
        Detection::Set { file } => {
            workspace(desk)?;
            let rules = read(&file)?;
            // All or none: nothing is written before every one of them can be.
            for rule in &rules {
                let of = |problem: ApiError| ApiError {
                    message: format!("the rule {:?}: {}", rule.key, problem.message),
                    ..problem
                };
                desk.check_rule(rule).map_err(of)?;
            }
            for rule in &rules {
                desk.save_rule(&rule.key, Some(rule)).await?;
            }
        }
        Detection::Remove { key } => {
            if !workspace(desk)?.detection.contains_key(&key) {
                let what = format!("there is no rule {key:?}; see `desk detection list`");
                return Err(ApiError::new(ErrorCode::NotFound, what));
            }
            desk.save_rule(&key, None).await?;
        }
    }
    let settings = workspace(desk)?;
    let lines: Vec<RuleLine> =
        settings.detection.values().map(|rule| RuleLine::new(rule, &settings)).collect();
    output.result(&lines, || {
        if lines.is_empty() {
            return "no rules of detection".to_owned();
        }
        let row = |line: &RuleLine| {
            let rule = &line.rule;
            let state = if rule.enabled { "on" } else { "off" };
            let severity = rule.severity.to_string();
            let problem = line.problem.clone().unwrap_or_default();
            vec![
                rule.key.clone(),
                rule.name.clone(),
                state.to_owned(),
                severity,
                watched(&rule.when),
                problem,
            ]
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        text::table(&["key", "name", "state", "severity", "watches", "problem"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The rules of a file. Each is read by itself, so that the reason names the one that is wrong.
fn read(file: &Path) -> Result<Vec<Rule>, ApiError> {
    let bad = |problem: String| {
        let hint = "`desk detection set --help` has the form";
        ApiError::new(ErrorCode::BadFile, format!("{}: {problem}; {hint}", file.display()))
    };
    let json = std::fs::read_to_string(file).map_err(|problem| bad(problem.to_string()))?;
    let rules = match serde_json::from_str(&json).map_err(|problem| bad(problem.to_string()))? {
        Rules::Many(rules) => rules,
        Rules::One(rule) => vec![rule],
    };
    let read = |(number, rule): (usize, serde_json::Value)| {
        serde_json::from_value(rule).map_err(|problem| bad(format!("rule {number}: {problem}")))
    };
    (1..).zip(rules).map(read).collect()
}

/// What a rule watches for, in few words.
fn watched(when: &Condition) -> String {
    match when {
        Condition::Burst(burst) => {
            let categories: Vec<&str> = burst.categories.iter().map(String::as_str).collect();
            let of = if categories.is_empty() { "any category".to_owned() } else { categories.join(", ") };
            format!("{} or more similar tickets in {} min, {of}", burst.min_tickets, burst.window_min)
        }
        Condition::Heartbeat(beat) => {
            let grace = text::duration(i64::from(beat.grace_s));
            format!("{} every {}, {grace} late", beat.heartbeat, text::duration(i64::from(beat.every_s)))
        }
        Condition::Metric(threshold) => {
            let bound = |word: &str, bound: Option<f64>| bound.map(|bound| format!("{word} {bound}"));
            let bounds = [bound("above", threshold.above), bound("below", threshold.below)];
            let bounds: Vec<String> = bounds.into_iter().flatten().collect();
            let lasting = text::duration(i64::from(threshold.for_s));
            format!("{} {} for {lasting}", threshold.metric, bounds.join(" or "))
        }
    }
}
