//! Reading as somebody, while what they see stays what it was.

use super::{App, Problem, bearer::Bearer};
use crate::sync::scopes::View;

/// How often something is read again because the settings changed meanwhile.
const TRIES: u32 = 5;

/// As whom the bearer reads.
pub(super) async fn of(app: &App, bearer: &Bearer) -> Result<View, Problem> {
    Ok(app.scopes.view(app.storage.as_ref(), &bearer.member, bearer.settings_seq).await?)
}

/// Something that is read as the bearer. What was accepted after they lost sight of it is not given to them, even when they
/// lost it while this was read: it is read again then, until [`Reading::holds`].
pub(super) struct Reading<'a> {
    app: &'a App,
    bearer: &'a Bearer,
    tries: u32,
    /// As whom to read now.
    pub(super) view: View,
}

impl<'a> Reading<'a> {
    /// Begins to read.
    pub(super) async fn begin(app: &'a App, bearer: &'a Bearer) -> Result<Self, Problem> {
        Ok(Self { app, bearer, tries: 0, view: of(app, bearer).await? })
    }

    /// Whether what was read stands: the member sees now what they saw before.
    pub(super) async fn holds(&mut self) -> Result<bool, Problem> {
        let Self { app, bearer, tries, view } = self;
        let after = of(app, &Bearer::now(app, bearer.claims).await?).await?;
        if after == *view {
            return Ok(true);
        }
        *view = after;
        *tries += 1;
        if *tries < TRIES { Ok(false) } else { Err(changing()) }
    }
}

/// The settings do not come to rest.
pub(super) fn changing() -> Problem {
    Problem::new(desk_api::ErrorCode::ServerBusy, "the workspace's settings are changing: ask again soon")
        .retry_after_s(1)
}
