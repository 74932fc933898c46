//! Signing a device in, keeping it signed in, signing it out.

use std::net::IpAddr;

use desk_api::{
    ApiError, ErrorCode,
    rest::{NewDevice, RefreshRequest, Session, SignInRequest},
};
use desk_domain::{
    ids::{DeviceId, Ids},
    people::Role,
    time::UtcMillis,
};
use uuid::Uuid;

use crate::{
    auth::{
        attempts::{Attempts, TooMany},
        erasure::Erasure,
        password::{PasswordError, Passwords},
        token::{AccessTokens, REFRESH_MS, TokenError, refresh_hash, refresh_token},
    },
    members::normalize_email,
    random::{FreshIds, Random},
    storage::{
        DeviceRecord, MemberRecord, NewSession, NewToken, Registration, Rotation, SessionEnd, Storage,
        StorageError, WorkspaceRecord,
    },
};

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Workspace, address or password; which of them is not said.
    #[error("the workspace, the e-mail address or the password is wrong")]
    WrongCredentials,
    /// Requesters have no devices.
    #[error(
        "a requester uses e-mail, Telegram or the web form; the desk is for agents, managers and administrators"
    )]
    Requester,
    /// The device's id is somebody else's.
    #[error("this device belongs to another member; use a data directory of your own")]
    DeviceTaken,
    /// The device was revoked.
    #[error("this device was revoked by an administrator")]
    DeviceRevoked,
    /// The member left, or became a requester.
    #[error("your access to this workspace has ended")]
    AccessEnded,
    /// Wait.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The refresh token is used, ended, or none.
    #[error("the session has ended; sign in again")]
    SessionEnded,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored password hash is damaged, or the hasher failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The token could not be written.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What must be there is not.
    #[error("{0} is gone")]
    Gone(&'static str),
}

impl SignInError {
    /// As it crosses the boundary; what is the server's own fault is not told.
    pub fn to_api(&self) -> ApiError {
        let code = match self {
            Self::WrongCredentials => ErrorCode::WrongCredentials,
            Self::Requester | Self::DeviceTaken => ErrorCode::Forbidden,
            Self::DeviceRevoked => ErrorCode::DeviceRevoked,
            Self::AccessEnded => ErrorCode::AccessEnded,
            Self::TooMany(_) => ErrorCode::RateLimited,
            Self::SessionEnded => ErrorCode::SessionExpired,
            Self::Storage(_) | Self::Password(_) | Self::Token(_) | Self::Gone(_) => {
                return ApiError::new(ErrorCode::Internal, "the server could not do it; its log says more");
            }
        };
        ApiError::new(code, self.to_string())
    }
}

/// What signing in needs.
pub struct Desk<'a> {
    /// Members, devices, sessions.
    pub storage: &'a dyn Storage,
    /// Checks passwords.
    pub passwords: &'a Passwords,
    /// Signs access tokens.
    pub tokens: &'a AccessTokens,
    /// Gives what a device will know its server by.
    pub erasure: &'a Erasure,
    /// Counts attempts.
    pub attempts: &'a Attempts,
    /// Makes refresh tokens and ids.
    pub random: &'a dyn Random,
    /// The present instant.
    pub now: UtcMillis,
}

impl Desk<'_> {
    /// Signs a device in.
    ///
    /// # Errors
    /// See [`SignInError`].
    #[tracing::instrument(skip_all, fields(device.id = %request.device))]
    pub async fn sign_in(&self, request: SignInRequest, from: IpAddr) -> Result<Session, SignInError> {
        let email = normalize_email(&request.email).unwrap_or_default();
        let account = format!("{}/{email}", request.workspace);
        self.attempts.take(from, &account, self.now)?;
        let workspace = self.storage.workspace_by_slug(&request.workspace).await?;
        let member = match &workspace {
            Some(workspace) => self.storage.member_by_email(workspace.id, &email).await?,
            None => None,
        };
        let member = member.filter(|member| member.active);
        let hash = member.as_ref().map(|member| member.password_hash.clone());
        let right = self.passwords.verify(request.password, hash).await?;
        let (Some(workspace), Some(member), true) = (workspace, member, right) else {
            return Err(SignInError::WrongCredentials);
        };
        self.attempts.forget(from, &account);
        if member.role == Role::Requester {
            return Err(SignInError::Requester);
        }
        self.open(&workspace, &member, request.device, &request.device_name).await
    }

    /// Signs another device of a signed-in member in: an installation whose id is also another's goes on under a fresh one.
    ///
    /// # Errors
    /// See [`SignInError`].
    #[tracing::instrument(skip_all, fields(device.id = %request.device))]
    pub async fn register(&self, member: &MemberRecord, request: NewDevice) -> Result<Session, SignInError> {
        let workspace = self.storage.workspace(member.workspace).await?;
        let workspace = workspace.ok_or(SignInError::Gone("the workspace"))?;
        self.open(&workspace, member, request.device, &request.device_name).await
    }

    async fn open(
        &self,
        workspace: &WorkspaceRecord,
        member: &MemberRecord,
        device: DeviceId,
        name: &str,
    ) -> Result<Session, SignInError> {
        let device = DeviceRecord {
            id: device,
            workspace: workspace.id,
            member: Some(member.id),
            name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
            created_at: self.now,
            seen_at: self.now,
            revoked_at: None,
        };
        match self.storage.register_device(&device).await? {
            Registration::Registered => {}
            Registration::Revoked => return Err(SignInError::DeviceRevoked),
            Registration::Taken => return Err(SignInError::DeviceTaken),
        }
        let (refresh, token) = self.new_token();
        let id = FreshIds::at(self.now, self.random).fresh();
        let session = NewSession { id, member: member.id, device: device.id, token };
        self.storage.open_session(&session).await?;
        tracing::info!(member.id = %member.id, "signed in");
        self.session(workspace, member, device.id, id, refresh)
    }

    /// Gives a new pair of tokens for a refresh token, once.
    ///
    /// # Errors
    /// See [`SignInError`].
    #[tracing::instrument(skip_all, fields(device.id = %request.device))]
    pub async fn refresh(&self, request: RefreshRequest) -> Result<Session, SignInError> {
        let (refresh, next) = self.new_token();
        let used = refresh_hash(&request.refresh_token);
        let id = match self.storage.rotate_token(used, request.device, &next).await? {
            Rotation::Rotated { session, .. } => session,
            Rotation::Reused => {
                tracing::warn!("a refresh token was used twice; its session is ended");
                return Err(SignInError::SessionEnded);
            }
            Rotation::Revoked => return Err(SignInError::DeviceRevoked),
            Rotation::Barred => return Err(SignInError::AccessEnded),
            Rotation::Void => return Err(SignInError::SessionEnded),
        };
        let access = self.storage.access(id).await?.ok_or(SignInError::Gone("the session"))?;
        let workspace = self.storage.workspace(access.member.workspace).await?;
        let workspace = workspace.ok_or(SignInError::Gone("the workspace"))?;
        self.session(&workspace, &access.member, request.device, id, refresh)
    }

    /// Ends a session; again is no error.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn end(&self, session: Uuid) -> Result<(), SignInError> {
        self.storage.end_session(session, SessionEnd::SignedOut, self.now).await?;
        Ok(())
    }

    fn new_token(&self) -> (String, NewToken) {
        let (refresh, hash) = refresh_token(self.random);
        let expires_at = self.now.plus_ms(REFRESH_MS);
        (refresh, NewToken { hash, issued_at: self.now, expires_at })
    }

    fn session(
        &self,
        workspace: &WorkspaceRecord,
        member: &MemberRecord,
        device: DeviceId,
        id: Uuid,
        refresh_token: String,
    ) -> Result<Session, SignInError> {
        let (access_token, expires_at) = self.tokens.issue(member.id, workspace.id, device, id, self.now)?;
        Ok(Session {
            access_token,
            refresh_token,
            expires_at,
            workspace: workspace.id,
            workspace_name: workspace.name.clone(),
            workspace_doc: workspace.settings_doc,
            member: member.id,
            name: member.name.clone(),
            role: member.role,
            personal_doc: member.personal_doc,
            erase_check: self.erasure.check(device),
            now: self.now,
        })
    }
}
