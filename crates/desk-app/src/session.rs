//! Who is signed in on this device.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use desk_api::{
    ApiError, ErrorCode,
    rest::Session,
    view::{LastSignIn, SessionView, Who},
};
use desk_domain::{
    edit::{Edit, Ops, PersonalOp, Section, Stamped, WorkspaceOp},
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    people::{Member, Role},
    time::UtcMillis,
    workspace,
};
use desk_store::Batch;
use serde::{Deserialize, Serialize};

use crate::{
    Desk, DeskEvent,
    desk::WorkspaceRules,
    error, machine,
    sync::{http, twin::no_twin_fact},
};

/// The member of this device, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its name.
    pub workspace_name: String,
    /// Its settings document.
    pub workspace_doc: DocId,
    /// The member's personal settings document.
    pub personal_doc: DocId,
    /// Who.
    pub member: MemberId,
    /// What to call them.
    pub name: String,
    /// Where they sign in with.
    pub email: String,
    /// What they may do, as of the last sign-in; the settings document knows newer.
    pub role: Role,
    /// The server; `None` for a workspace on this device alone.
    pub server: Option<String>,
    /// SHA-256 (hexadecimal) of what the server shows when it takes this device's access away.
    #[serde(default)]
    pub erase_check: Option<String>,
}

/// Why the last session ended, among the store's facts.
pub(crate) const ENDED: &str = "ended";
/// Where the interface's table of offsets begins: older instants than 2000 are not in a help desk.
const ZONE_FROM: UtcMillis = UtcMillis(946_684_800_000);
/// How far ahead it reaches: ten years.
const ZONE_AHEAD_MS: i64 = 315_576_000_000;

/// The session's tokens, as the (encrypted) store keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_at: UtcMillis,
}

impl Desk {
    /// Makes a workspace on this device alone, with the caller as its administrator. It can join a server later.
    ///
    /// # Errors
    /// When somebody is signed in already or a value breaks a rule.
    pub async fn init(&self, name: &str, email: &str) -> Result<SessionView, ApiError> {
        self.require_writable()?;
        if self.signed_in().is_some() {
            return Err(ApiError::new(
                ErrorCode::AlreadyExists,
                "this data directory has a workspace already; choose another one with --data-dir",
            ));
        }
        let (name, email) = (name.trim(), email.trim());
        if name.is_empty() {
            return Err(ApiError::new(ErrorCode::Invalid, "the workspace needs a name").at("workspace"));
        }
        if !email.contains('@') {
            return Err(ApiError::new(ErrorCode::Invalid, "this is no e-mail address").at("email"));
        }
        let member = MemberId(self.inner.ids.fresh());
        let session = SignedIn {
            workspace: WorkspaceId(self.inner.ids.fresh()),
            workspace_name: name.to_owned(),
            workspace_doc: self.fresh_doc(),
            personal_doc: self.fresh_doc(),
            member,
            name: email.split('@').next().unwrap_or(email).to_owned(),
            email: email.to_owned(),
            role: Role::Admin,
            server: None,
            erase_check: None,
        };
        self.write_first_documents(&session).await?;
        self.keep_session(session, None).await?;
        self.reload_settings().await?;
        self.session_view().await
    }

    /// The settings and personal documents of a workspace that no server has made. The member's own entry is written
    /// with the rules of a server, since members are nobody's to write by hand.
    async fn write_first_documents(&self, session: &SignedIn) -> Result<(), ApiError> {
        let (now, me) = (self.now(), session.member.to_string());
        let zone = machine::zone().iana_name().unwrap_or("UTC").to_owned();
        let mut steps = vec![WorkspaceOp::Create];
        for (section, key, value) in workspace::default_settings(&session.workspace_name, &zone) {
            steps.push(WorkspaceOp::Set { section, key, value: Some(value) });
        }
        let member = Member {
            id: session.member,
            name: session.name.clone(),
            email: session.email.clone(),
            role: Role::Admin,
            teams: BTreeSet::new(),
            active: true,
        };
        let value = serde_json::to_string(&member).map_err(error::internal)?;
        steps.push(WorkspaceOp::Set { section: Section::Members, key: me.clone(), value: Some(value) });
        let stamp = |op| Stamped::new(now, me.clone(), op);
        let edits = [
            Edit { doc: session.workspace_doc, ops: Ops::Workspace(steps.into_iter().map(stamp).collect()) },
            Edit {
                doc: session.personal_doc,
                ops: Ops::Personal(vec![Stamped::new(now, me.clone(), PersonalOp::Create)]),
            },
        ];
        let workflow = workspace::Workflow::default();
        let mut author = self.author(session, &workflow);
        author.actor.member = None;
        let rules = WorkspaceRules::of(None);
        let mut batch = Batch::default();
        for edit in &edits {
            let document = desk_docs::Document::empty(edit.doc, edit.kind());
            let (document, _) =
                document.edit(&author, edit, now, self.inner.ids.as_ref()).map_err(error::edit)?;
            batch.docs.push(self.finish(session, &rules, document, None, None)?.write);
        }
        self.store().commit(&batch).await.map_err(error::store)?;
        Ok(())
    }

    /// In a workspace on this device alone, this device makes the settings' sections that an older program did not make; with a
    /// server, the server does.
    pub(crate) async fn complete_sections(&self) -> Result<(), ApiError> {
        let Some(session) = self.signed_in().filter(|session| session.server.is_none()) else {
            return Ok(());
        };
        if self.read_only().is_some() {
            return Ok(());
        }
        let Some((document, heads)) = self.load(session.workspace_doc).await? else { return Ok(()) };
        if !document.lacks_sections() {
            return Ok(());
        }
        let (document, _) = document.complete(&workspace::default_escalations()).map_err(error::edit)?;
        let rules = self.rules();
        let prepared = self.finish(&session, &rules, document, Some(heads), None)?;
        match self.store().commit(&Batch::of_docs(vec![prepared.write])).await {
            // Another process on this store was quicker.
            Ok(_) | Err(desk_store::StoreError::Stale { .. }) => self.reload_settings().await,
            Err(problem) => Err(error::store(problem)),
        }
    }

    /// Signs this device in. A workspace that lived on this device alone joins the server's: its tickets, articles and
    /// incidents are sent there under the member's name.
    ///
    /// # Errors
    /// Wrong credentials, an address that is no server's, no network; or another member's store.
    pub async fn sign_in(
        &self,
        server: &str,
        workspace: &str,
        email: &str,
        password: &str,
    ) -> Result<SessionView, ApiError> {
        self.require_writable()?;
        let server = http::server_url(server)?;
        let owner = self.owner().await?;
        let joins = owner.as_ref().is_some_and(|owner| owner.server.is_none());
        let other = |owner: &&SignedIn| !joins && !owner.email.eq_ignore_ascii_case(email.trim());
        if let Some(owner) = owner.as_ref().filter(other) {
            return Err(belongs_to(owner));
        }
        let known_by = owner.and_then(|owner| owner.erase_check);
        let http = http::Http::new(&server, &self.inner.clock, known_by)?;
        let session = match http.sign_in(workspace.trim(), email.trim(), password, self.device()).await {
            Ok(session) => session,
            Err(problem) => return Err(self.heed(problem).await),
        };
        let tokens = tokens_of(&session);
        let signed_in = signed_in_of(session, email.trim(), server.as_str());
        let last = LastSignIn {
            server: server.to_string(),
            workspace: workspace.trim().to_owned(),
            email: email.trim().to_owned(),
        };
        self.set_meta_json("last_sign_in", &last).await?;
        if joins {
            self.join(&signed_in, &tokens).await?;
        } else {
            self.keep_session(signed_in, Some(&tokens)).await?;
        }
        self.reload_settings().await?;
        // The settings come first in the log; with them a script can go on at once. The rest is the driver's.
        if let Err(problem) = self.pull_settings().await {
            tracing::info!(code = ?problem.code, "the settings will come with the first sync: {problem}");
        }
        self.inner.sync.resume();
        self.session_view().await
    }

    /// Ends the session on this device and on the server, if it can be reached. The store stays. Edits that
    /// wait to be sent are taken out of the documents if they are to be discarded; they stand in the list of refused edits.
    ///
    /// # Errors
    /// When edits wait to be sent and are not to be discarded.
    pub async fn sign_out(&self, discard_unsent: bool) -> Result<SessionView, ApiError> {
        let waiting = self.store().outbox_len().await.map_err(error::store)?;
        if waiting > 0 && !discard_unsent {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("{waiting} edits wait to be sent: sync first, or discard them"),
            ));
        }
        if waiting > 0 {
            self.discard_unsent().await?;
        }
        if let (Some(session), Some(tokens)) = (self.signed_in(), self.tokens().await?)
            && let Some(server) = &session.server
            && let Ok(url) = http::server_url(server)
            && let Ok(http) = http::Http::new(&url, &self.inner.clock, None)
            && let Err(problem) = http.sign_out(&tokens.access).await
        {
            tracing::info!(code = ?problem.code, "the server was not told of the sign-out");
        }
        self.end_session(None).await?;
        self.session_view().await
    }

    /// The server has a new address; the session goes on there.
    ///
    /// # Errors
    /// When it is no address, or nobody is signed in to a server.
    pub async fn point_to(&self, server: &str) -> Result<(), ApiError> {
        let url = http::server_url(server)?;
        let session = self.require_session()?;
        if session.server.is_none() {
            return Err(error::signed_out());
        }
        self.keep_session(SignedIn { server: Some(url.to_string()), ..(*session).clone() }, None).await?;
        self.inner.sync.resume();
        Ok(())
    }

    /// Forgets the tokens: the next start asks for the password. What is in the store stays.
    pub(crate) async fn end_session(&self, reason: Option<ApiError>) -> Result<(), ApiError> {
        if !self.store().is_read_only() {
            let batch = Batch {
                meta: vec![
                    ("session".to_owned(), None),
                    ("tokens".to_owned(), None),
                    (ENDED.to_owned(), reason.as_ref().map(json).transpose()?),
                ],
                ..Batch::default()
            };
            // The store keeps whose it is: another member must not find these documents.
            if let Some(session) = self.signed_in() {
                self.set_meta_json("owner", &*session).await?;
            }
            self.store().commit(&batch).await.map_err(error::store)?;
        }
        *self.inner.session.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.inner.sync.resume();
        self.emit(DeskEvent::SignedOut(reason));
        Ok(())
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> Option<Arc<SignedIn>> {
        self.inner.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn require_session(&self) -> Result<Arc<SignedIn>, ApiError> {
        self.signed_in().ok_or_else(error::signed_out)
    }

    pub(crate) async fn restore_session(&self) -> Result<(), ApiError> {
        let session: Option<SignedIn> = self.meta_json("session").await?;
        *self.inner.session.write().unwrap_or_else(PoisonError::into_inner) = session.map(Arc::new);
        Ok(())
    }

    /// Writes down who is signed in. A store that belonged to somebody else before is refused.
    pub(crate) async fn keep_session(
        &self,
        session: SignedIn,
        tokens: Option<&Tokens>,
    ) -> Result<(), ApiError> {
        if let Some(owner) = self.owner().await?
            && (owner.workspace, owner.member) != (session.workspace, session.member)
        {
            return Err(belongs_to(&owner));
        }
        let mut meta = vec![("session".to_owned(), Some(json(&session)?)), (ENDED.to_owned(), None)];
        if let Some(tokens) = tokens {
            meta.push(("tokens".to_owned(), Some(json(tokens)?)));
        }
        self.store().commit(&Batch { meta, ..Batch::default() }).await.map_err(error::store)?;
        *self.inner.session.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(session));
        Ok(())
    }

    /// Whose documents the store holds: the signed-in member, or the last one.
    async fn owner(&self) -> Result<Option<SignedIn>, ApiError> {
        match self.signed_in() {
            Some(session) => Ok(Some((*session).clone())),
            None => self.meta_json("owner").await,
        }
    }

    /// What the store has to know when this installation goes on as another device.
    pub(crate) fn as_new_device(&self, device: DeviceId, session: &Session) -> Result<Batch, ApiError> {
        let signed_in =
            SignedIn { erase_check: Some(session.erase_check.clone()), ..(*self.require_session()?).clone() };
        let meta = vec![
            ("device".to_owned(), Some(device.to_string().into_bytes())),
            ("session".to_owned(), Some(json(&signed_in)?)),
            ("tokens".to_owned(), Some(json(&tokens_of(session))?)),
            no_twin_fact(),
        ];
        Ok(Batch { meta, ..Batch::default() })
    }

    pub(crate) async fn tokens(&self) -> Result<Option<Tokens>, ApiError> {
        self.meta_json("tokens").await
    }

    pub(crate) async fn keep_tokens(&self, session: &Session) -> Result<Tokens, ApiError> {
        let tokens = tokens_of(session);
        self.set_meta_json("tokens", &tokens).await?;
        Ok(tokens)
    }

    /// What the interface needs before its first paint.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session_view(&self) -> Result<SessionView, ApiError> {
        let rules = self.rules();
        let who = self.signed_in().map(|session| {
            let member = rules
                .workspace
                .as_ref()
                .and_then(|workspace| workspace.members.get(&session.member))
                .cloned();
            Who {
                member: member.unwrap_or_else(|| Member {
                    id: session.member,
                    name: session.name.clone(),
                    email: session.email.clone(),
                    role: session.role,
                    teams: BTreeSet::new(),
                    active: true,
                }),
                workspace: session.workspace_name.clone(),
                server: session.server.clone(),
            }
        });
        Ok(SessionView {
            workspace: rules.workspace.clone().filter(|_| who.is_some()),
            who,
            settings: self.settings().await?,
            read_only: self.read_only(),
            now: self.now(),
            zone_offsets: machine::zone_offsets(
                &machine::zone(),
                ZONE_FROM,
                self.now().plus_ms(ZONE_AHEAD_MS),
            ),
            sync: self.sync_view().await?,
            open_alerts: self.open_alerts().await?,
            ended: self.meta_json(ENDED).await?,
            last_sign_in: self.meta_json("last_sign_in").await?,
        })
    }

    pub(crate) async fn meta_json<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, ApiError> {
        let bytes = self.store().meta(key).await.map_err(error::store)?;
        // What an older or newer program wrote otherwise is as if it were not there: a sign-in writes it anew.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) async fn set_meta_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), ApiError> {
        let bytes = json(value)?;
        self.store().set_meta(key, Some(&bytes)).await.map_err(error::store)
    }
}

/// Another member must not find these documents.
fn belongs_to(owner: &SignedIn) -> ApiError {
    let what = format!("this data directory belongs to {}; choose another one with --data-dir", owner.email);
    ApiError::new(ErrorCode::AlreadyExists, what)
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(value).map_err(error::internal)
}

fn tokens_of(session: &Session) -> Tokens {
    Tokens {
        access: session.access_token.clone(),
        refresh: session.refresh_token.clone(),
        expires_at: session.expires_at,
    }
}

fn signed_in_of(session: Session, email: &str, server: &str) -> SignedIn {
    SignedIn {
        workspace: session.workspace,
        workspace_name: session.workspace_name,
        workspace_doc: session.workspace_doc,
        personal_doc: session.personal_doc,
        member: session.member,
        name: session.name,
        email: email.to_owned(),
        role: session.role,
        server: Some(server.to_owned()),
        erase_check: Some(session.erase_check),
    }
}
