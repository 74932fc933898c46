//! `desk sla …`

use std::{path::Path, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::Desk;
use desk_domain::sla::{
    Period, SlaRules,
    scenario::{self, Outcome},
};

use super::{or_cancelled, stopped_by_interrupt, ticket, workspace};
use crate::{
    args::Sla,
    output::{Output, ProgressLine},
    text,
};

/// Runs a file of worked cases. Needs no store.
pub(super) fn simulate(file: &Path, output: Output) -> Result<ExitCode, ApiError> {
    let bad = |problem: String| ApiError::new(ErrorCode::BadFile, format!("{}: {problem}", file.display()));
    let json = std::fs::read_to_string(file).map_err(|problem| bad(problem.to_string()))?;
    let scenarios = scenario::parse(&json).map_err(|problem| bad(problem.to_string()))?;
    let simulation = scenario::simulate(&scenarios).map_err(|problem| bad(problem.to_string()))?;
    output.result(&simulation, || {
        let words = |outcome: &Outcome| match (outcome.elapsed_s, outcome.due_at) {
            (Some(elapsed), Some(due)) => {
                format!("{} {}, due {due}", outcome.state.as_str(), text::duration(elapsed))
            }
            (Some(elapsed), None) => format!("{} {}", outcome.state.as_str(), text::duration(elapsed)),
            (None, _) => outcome.state.as_str().to_owned(),
        };
        let rows: Vec<Vec<String>> = simulation
            .scenarios
            .iter()
            .map(|done| {
                vec![
                    done.id.clone(),
                    words(&done.first_response),
                    words(&done.next_response),
                    words(&done.resolution),
                ]
            })
            .collect();
        text::table(&["scenario", "first response", "next response", "resolution"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs what is asked for.
pub(super) async fn run(desk: &Desk, command: Sla, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Sla::Simulate { file } => simulate(&file, output),
        Sla::Explain { number } => explain(desk, &number, output).await,
        Sla::Rules => rules(desk, output),
        Sla::Preview { file, from, to } => {
            preview(desk, &file, from.as_deref().zip(to.as_deref()), output).await
        }
        Sla::Apply { file } => apply(desk, &file, output).await,
        Sla::Report { file, field } => report(desk, file.as_deref(), &field, output).await,
    }
}

async fn explain(desk: &Desk, number: &str, output: Output) -> Result<ExitCode, ApiError> {
    let id = ticket::id_of(desk, number).await?;
    let explanation = desk
        .explain_sla(id)
        .await?
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no ticket {number:?} here")))?;
    output.result(&explanation, || text::explanation(&explanation))?;
    Ok(ExitCode::SUCCESS)
}

fn rules(desk: &Desk, output: Output) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let rules = desk.sla_rules();
    output.result(&rules, || text::sla::rules(&rules, desk.now()))?;
    Ok(ExitCode::SUCCESS)
}

fn read_rules(file: &Path) -> Result<SlaRules, ApiError> {
    let bad = |problem: String| ApiError::new(ErrorCode::BadFile, format!("{}: {problem}", file.display()));
    let json = std::fs::read_to_string(file).map_err(|problem| bad(problem.to_string()))?;
    serde_json::from_str(&json)
        .map_err(|problem| bad(format!("{problem}; `desk sla rules --help` has the form")))
}

async fn preview(
    desk: &Desk,
    file: &Path,
    days: Option<(&str, &str)>,
    output: Output,
) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let proposed = read_rules(file)?;
    let period = match days {
        Some((from, to)) => Some(Period { from: desk.read_day(from)?, to: desk.read_day(to)? }),
        None => None,
    };
    let progress = ProgressLine::new();
    let observe = |done: usize, all: usize| progress.show(&format!("{done} of {all} tickets"));
    let (cancel, stop) = stopped_by_interrupt();
    let done = desk.preview_rules(&proposed, period, &observe, &cancel).await;
    drop(stop);
    progress.clear();
    let preview = done?;
    output.result(&preview, || text::sla::preview(&preview))?;
    Ok(ExitCode::SUCCESS)
}

async fn apply(desk: &Desk, file: &Path, output: Output) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let changes = desk.changes_to(&read_rules(file)?);
    if !changes.is_empty() {
        desk.change_rules(&changes).await?;
        or_cancelled(desk.rederive_if_due()).await?;
    }
    output.result(&changes, || text::sla::changes(&changes))?;
    Ok(ExitCode::SUCCESS)
}

async fn report(desk: &Desk, file: Option<&Path>, field: &str, output: Output) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let rules = file.map(read_rules).transpose()?;
    let progress = ProgressLine::new();
    let observe = |done: usize, all: usize| progress.show(&format!("{done} of {all} tickets"));
    let (cancel, stop) = stopped_by_interrupt();
    let done = desk.report_sla(field, rules.as_ref(), &observe, &cancel).await;
    drop(stop);
    progress.clear();
    let report = done?;
    output.result(&report, || text::sla::report(&report))?;
    Ok(ExitCode::SUCCESS)
}
