//! Standard output and standard error.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use desk_api::{ApiError, ErrorCode};
use serde::Serialize;

/// How results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// One JSON value instead of sentences and tables.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a result: `value` as JSON, or what `words` makes of it.
    pub(crate) fn result<T: Serialize>(
        self,
        value: &T,
        words: impl FnOnce() -> String,
    ) -> Result<(), ApiError> {
        let text = if self.json {
            serde_json::to_string_pretty(value)
                .map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))?
        } else {
            words()
        };
        self.line(&text)
    }

    /// Prints a line, or several. A reader that went away (`desk ticket list | head`) is no error.
    #[expect(clippy::unused_self, reason = "printing is the output's")]
    pub(crate) fn line(self, text: &str) -> Result<(), ApiError> {
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
                Err(ApiError::new(ErrorCode::Internal, format!("the result cannot be printed: {problem}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Tells of a failure on standard error, and gives its exit status. Standard error that is closed is nobody's loss.
    pub(crate) fn failed(self, problem: &ApiError) -> ExitCode {
        let text = if self.json {
            serde_json::to_string(problem).unwrap_or_else(|_| problem.message.clone())
        } else {
            format!("desk: {}", problem.message)
        };
        drop(writeln!(io::stderr().lock(), "{text}"));
        ExitCode::FAILURE
    }
}

/// Progress on standard error, one line that is written over; nothing where that is no terminal.
pub(crate) struct ProgressLine {
    shown: bool,
}

impl ProgressLine {
    /// A line that is shown where somebody sees it.
    pub(crate) fn new() -> Self {
        Self { shown: io::stderr().is_terminal() }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, text: &str) {
        if self.shown {
            let mut err = io::stderr().lock();
            drop(write!(err, "\r\u{1b}[2K{text}").and_then(|()| err.flush()));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        self.show("");
    }
}
