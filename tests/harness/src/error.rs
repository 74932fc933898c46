//! What can go wrong around a window.

use std::path::PathBuf;
use std::time::Duration;

/// Why a program around the window did not do its part.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The program could not be started at all; most often it is not installed.
    #[error("{program} did not start ({source}); `cargo xtask setup` installs what is missing")]
    Start {
        /// The program as it was called.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program ended by itself, or never said what was expected of it.
    #[error("{program} {problem}\n--- last lines of {}\n{tail}", log.display())]
    Failed {
        /// The program as it was called.
        program: String,
        /// What happened, as the rest of a sentence.
        problem: String,
        /// Where the whole output is.
        log: PathBuf,
        /// The output's last lines.
        tail: String,
    },
    /// Something that was waited for did not happen in time.
    #[error("waited {limit:?} in vain for {what}")]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// A file of the harness could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program's answer is not what its documentation promises.
    #[error("{program} answered something unexpected: {answer}")]
    Answer {
        /// The program.
        program: String,
        /// The answer, or its beginning.
        answer: String,
    },
}

impl HarnessError {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
