//! Who a request is from.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use desk_api::ErrorCode;
use desk_domain::{ids::WorkspaceId, people::Role, time::UtcMillis};

use super::{App, Problem};
use crate::{
    auth::token::{Claims, TokenError},
    storage::{Access, MemberRecord, Storage, StorageError},
};

/// A signed-in member's device, as the database has them at this moment.
#[derive(Clone)]
pub(super) struct Bearer {
    /// What the token says.
    pub(super) claims: Claims,
    /// The member now.
    pub(super) member: MemberRecord,
    /// The newest number of the workspace's log.
    pub(super) head: u64,
    /// The number of the newest change of the workspace's settings.
    pub(super) settings_seq: u64,
}

impl Bearer {
    /// The bearer of a token.
    ///
    /// # Errors
    /// When they have lost what they once had, and when the storage fails.
    pub(super) async fn now(app: &App, claims: Claims) -> Result<Self, Problem> {
        let standing = standing(app.storage.as_ref(), &claims).await?;
        let access = standing.map_err(|lost| Problem::from(lost).to_device(claims.dev, &app.erasure))?;
        Ok(Self::of(claims, access))
    }

    /// The bearer of a token by what the database says of them.
    pub(super) fn of(claims: Claims, access: Access) -> Self {
        let Access { member, head, settings_seq, .. } = access;
        Self { claims, member, head, settings_seq }
    }

    /// The tenant.
    pub(super) fn workspace(&self) -> WorkspaceId {
        self.member.workspace
    }

    /// When the token ends.
    pub(super) fn expires_at(&self) -> UtcMillis {
        UtcMillis(self.claims.exp.saturating_mul(1000))
    }
}

/// A token that this server gave out and that has not run out. Whether its bearer may still do anything is another question:
/// [`Bearer`].
pub(super) struct Token(pub(super) Claims);

impl FromRequestParts<Arc<App>> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Problem::new(ErrorCode::SignedOut, "sign in first"))?;
        let claims = app.tokens.read(token, app.clock.now()).map_err(|error| match error {
            TokenError::Expired => Problem::new(ErrorCode::SessionExpired, error.to_string()),
            TokenError::Invalid | TokenError::Unsigned => {
                Problem::new(ErrorCode::SignedOut, error.to_string())
            }
        })?;
        Ok(Self(claims))
    }
}

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Token(claims) = Token::from_request_parts(parts, app).await?;
        Self::now(app, claims).await
    }
}

/// Why a token that was good is not good any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The session ended.
    Session,
    /// The device was revoked.
    Device,
    /// The member left, or is a requester now: those have no documents.
    Member,
}

impl From<Lost> for Problem {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Session => Self::new(ErrorCode::SessionExpired, "the session has ended; sign in again"),
            Lost::Device => {
                Self::new(ErrorCode::DeviceRevoked, "this device was revoked by an administrator")
            }
            Lost::Member => Self::new(ErrorCode::AccessEnded, "your access to this workspace has ended"),
        }
    }
}

/// What the bearer of a token may do, as the database has it now.
pub(super) async fn standing(
    storage: &dyn Storage,
    claims: &Claims,
) -> Result<Result<Access, Lost>, StorageError> {
    let Some(access) = storage.access(claims.sid).await? else { return Ok(Err(Lost::Session)) };
    Ok(if access.device_revoked {
        Err(Lost::Device)
    } else if access.member.id != claims.sub || access.member.workspace != claims.ws {
        Err(Lost::Session)
    } else if !access.member.active || access.member.role == Role::Requester {
        Err(Lost::Member)
    } else if access.session_ended {
        Err(Lost::Session)
    } else {
        Ok(access)
    })
}
