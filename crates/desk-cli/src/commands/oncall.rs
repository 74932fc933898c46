//! `desk oncall`

use std::process::ExitCode;

use desk_api::ApiError;
use desk_app::Desk;
use desk_domain::time::UtcMillis;

use super::workspace;
use crate::{
    output::Output,
    shape::{Names, OnCallLine},
    text,
};

pub(super) fn run(
    desk: &Desk,
    at: Option<UtcMillis>,
    schedule: Option<String>,
    output: Output,
) -> Result<ExitCode, ApiError> {
    let settings = workspace(desk)?;
    let at = at.unwrap_or_else(|| desk.now());
    let schedules = match schedule {
        Some(named) => vec![named],
        None => settings.schedules.keys().cloned().collect(),
    };
    let mut lines = Vec::with_capacity(schedules.len());
    for named in schedules {
        let (member, source) = desk.on_call_at(&named, at)?;
        lines.push(OnCallLine::new(named, at, member, source, Names(Some(&settings))));
    }
    output.result(&lines, || {
        if lines.is_empty() {
            return "no on-call schedules".to_owned();
        }
        let row = |line: &OnCallLine| {
            let member = line.name.clone().unwrap_or_else(|| "nobody: a gap".to_owned());
            vec![line.schedule.clone(), member, line.layer.clone().unwrap_or_default()]
        };
        text::table(&["schedule", "on call", "by"], &lines.iter().map(row).collect::<Vec<_>>())
    })?;
    Ok(ExitCode::SUCCESS)
}
