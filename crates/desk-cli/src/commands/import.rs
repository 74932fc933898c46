//! `desk import …`

use std::{fmt::Write as _, fs::File, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::{
    Desk,
    import::{CsvMap, Format, ImportError, Progress, Report},
};

use super::{stopped_by_interrupt, workspace};
use crate::{
    args::{Import, ImportFormat},
    output::{Output, ProgressLine},
};

pub(super) async fn import(desk: &Desk, import: Import, output: Output) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let format = format_of(&import)?;
    let bad = |problem: std::io::Error| {
        ApiError::new(ErrorCode::BadFile, format!("{} cannot be read: {problem}", import.file.display()))
    };
    let file = File::open(&import.file).map_err(bad)?;
    let meta = file.metadata().map_err(bad)?;
    if meta.is_dir() {
        return Err(ApiError::new(ErrorCode::BadFile, format!("{} is a directory", import.file.display())));
    }
    let total = meta.len();
    let progress = ProgressLine::new();
    let observe = |now: &Progress| {
        let percent = now.bytes_read.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
        progress.show(&format!("{percent} % read, {} tickets, {} rows refused", now.tickets, now.refused));
    };
    let (cancel, stop) = stopped_by_interrupt();
    let done = desk.import(file, format, import.zone.as_deref(), &observe, &cancel).await;
    drop(stop);
    progress.clear();
    match done {
        Ok(report) => {
            output.result(&report, || words(&report))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportError::Cancelled(report)) => {
            output.result(&report, || words(&report))?;
            Err(ImportError::Cancelled(report).into())
        }
        Err(problem) => {
            let problem = ApiError::from(problem);
            let message = format!("{}: {}", import.file.display(), problem.message);
            Err(ApiError { message, ..problem })
        }
    }
}

fn format_of(import: &Import) -> Result<Format, ApiError> {
    match (import.format, &import.map) {
        (ImportFormat::ServicenowCsv, _) => Ok(Format::ServicenowCsv),
        (ImportFormat::GithubArchive, _) => Ok(Format::GithubArchive { reviews: import.reviews }),
        (ImportFormat::Csv, Some(map)) => {
            let json = std::fs::read_to_string(map).map_err(|problem| {
                ApiError::new(ErrorCode::BadFile, format!("{} cannot be read: {problem}", map.display()))
            })?;
            Ok(Format::Csv(Box::new(CsvMap::from_json(&json)?)))
        }
        (ImportFormat::Csv, None) => Err(ApiError::new(
            ErrorCode::BadRequest,
            "a CSV file needs --map FILE, which says which column is what",
        )),
    }
}

fn words(report: &Report) -> String {
    let mut text = format!(
        "{} tickets and {} comments made, {} tickets updated, {} unchanged, {} rows refused\n",
        report.created.tickets,
        report.created.comments,
        report.updated,
        report.unchanged,
        report.refused.len()
    );
    for refused in &report.refused {
        let _ = writeln!(text, "line {}: {}", refused.line, refused.reason);
    }
    text
}
