//! `desk sla …`

use std::{path::Path, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::Desk;
use desk_domain::sla::scenario::{self, Outcome};

use super::ticket;
use crate::{output::Output, text};

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

pub(super) async fn explain(desk: &Desk, number: &str, output: Output) -> Result<ExitCode, ApiError> {
    let id = ticket::id_of(desk, number).await?;
    let explanation = desk
        .explain_sla(id)
        .await?
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no ticket {number:?} here")))?;
    output.result(&explanation, || text::explanation(&explanation))?;
    Ok(ExitCode::SUCCESS)
}
