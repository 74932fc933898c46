//! E-mail: what is to be sent stands in the storage's outbox, and every process with a mail server sends what it claims there.
//!
//! A mail is claimed for [`LEASE_MS`], sent, and marked as sent. A process that dies in between leaves it to be claimed and sent
//! again: with the same Message-ID, by which mail programs show it once. What fails is tried again later and later with chance, and
//! given up after [`MOST_TRIES`] or when the mail server says that it never will.
//!
//! - [`letter`] words the mails; [`smtp`] sends one.

pub mod letter;
pub mod smtp;

use std::sync::Arc;

use desk_domain::time::UtcMillis;
use tokio::sync::watch;

use crate::{
    clock::pause,
    http::App,
    random::bytes,
    storage::{Mail, StorageError},
};
use smtp::{SendError, Smtp};

/// How long a claimed mail is its process's own; longer than a mail server is waited for.
const LEASE_MS: i64 = 120_000;
/// Mails that are claimed at once.
const BATCH: u32 = 8;
/// After so many tries a mail is given up: about eight hours.
const MOST_TRIES: u32 = 16;
/// How long to wait after the first failure; it doubles.
const FIRST_MS: i64 = 15_000;
/// How long at most.
const LONGEST_MS: i64 = 3_600_000;

/// Sends mail as it falls due until the server stops.
pub async fn run(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let Some(smtp) = &app.mail else { return };
    loop {
        let pause = match send_due(&app, smtp, &stopping).await {
            Ok(next) => pause(next, app.clock.now(), app.limits.look_outside),
            Err(error) => {
                tracing::error!(%error, "mail could not be looked at");
                app.limits.look_outside
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // An error means that the sender is gone, which is the end as well.
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Sends everything that is due; says when the next is.
async fn send_due(
    app: &App,
    smtp: &Smtp,
    stopping: &watch::Receiver<bool>,
) -> Result<Option<UtcMillis>, StorageError> {
    loop {
        let now = app.clock.now();
        let claimed = app.storage.claim_mail(now, now.plus_ms(LEASE_MS), BATCH).await?;
        if claimed.is_empty() {
            return app.storage.next_mail().await;
        }
        for mail in claimed {
            if *stopping.borrow() {
                // What was claimed and not sent is not to wait for the lease's end.
                app.storage.mail_failed(mail.id, Some(now), "the server stopped").await?;
                continue;
            }
            send(app, smtp, &mail).await?;
        }
    }
}

async fn send(app: &App, smtp: &Smtp, mail: &Mail) -> Result<(), StorageError> {
    let Err(error) = smtp.send(mail).await else {
        tracing::info!(mail.id = %mail.id, tries = mail.tries, "mail sent");
        return app.storage.mail_sent(mail.id, app.clock.now()).await;
    };
    let again = match &error {
        SendError::Later(_) if mail.tries < MOST_TRIES => {
            let chance = u32::from_le_bytes(bytes(app.random.as_ref()));
            Some(app.clock.now().plus_ms(wait_ms(mail.tries, chance)))
        }
        SendError::Later(_) | SendError::Never(_) => None,
    };
    if let Some(again) = again {
        tracing::warn!(%error, mail.id = %mail.id, tries = mail.tries, %again, "mail not sent");
    } else {
        tracing::error!(%error, mail.id = %mail.id, tries = mail.tries, "mail given up");
    }
    app.storage.mail_failed(mail.id, again, &error.to_string()).await
}

/// How long to wait after so many tries, spread by chance over the upper half: many mails that failed together do not come back
/// together.
fn wait_ms(tries: u32, chance: u32) -> i64 {
    let doubled = FIRST_MS.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(LONGEST_MS);
    doubled / 2 + doubled / 2 * i64::from(chance) / i64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_waits_longer_each_time_but_no_longer_than_an_hour() {
        assert_eq!((wait_ms(1, 0), wait_ms(1, u32::MAX)), (7_500, 15_000));
        assert_eq!((wait_ms(2, 0), wait_ms(2, u32::MAX)), (15_000, 30_000));
        assert_eq!((wait_ms(99, 0), wait_ms(99, u32::MAX)), (1_800_000, 3_600_000));
        let all: i64 = (1..MOST_TRIES).map(|tries| wait_ms(tries, u32::MAX)).sum();
        assert!((7..=9).contains(&(all / 3_600_000)), "{all}");
    }
}
