//! The demo workspace: bilingual, generated, the same for the same seed and base instant.
//!
//! Everything in it comes about as in any workspace: the same edits, the same log, in one transaction, so that
//! there is either a whole demo or none.

use std::sync::Arc;

use desk_docs::Document;
use desk_domain::{
    detection::burst,
    edit::{Edit, Ops, Section, Stamped, TicketOp},
    ids::{DeviceId, DocId, DocKind, Ids, MemberId, WorkspaceId},
    people::{Role, SERVER_NAME},
    sla::{CompiledRules, SlaRules},
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{
    auth::password::{self, PasswordError},
    members::{self, MemberError, NewMember},
    random::{FreshIds, Random, SeededRandom},
    settings,
    storage::{Storage, StorageError, Transaction, WorkspaceRecord, signals::CountedTicket},
    sync::{
        created,
        own::{Draft, OwnError, Pen},
    },
    workspaces::{self, CreateError, NewWorkspace},
};

mod articles;
mod chance;
mod duty;
mod incidents;
mod people;
mod scenarios;
mod tickets;

use chance::Chance;

/// The demo's slug.
pub const SLUG: &str = "demo";
/// Where its people work.
const ZONE: &str = "Asia/Almaty";
/// How long before its base instant the workspace was made.
const AGE_MS: i64 = 120 * 24 * 3_600_000;
/// Documents that are made at once, on as many threads.
const PARALLEL: usize = 4;

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// How many tickets.
    pub tickets: u32,
    /// Decides everything but the times.
    pub seed: u64,
    /// The instant that the times lead up to.
    pub now: UtcMillis,
}

/// A member of the demo, as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DemoMember {
    /// Where to sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A demo workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Demo {
    /// Its slug.
    pub workspace: String,
    /// Everybody's password. It is derived from the seed, so it protects nothing: for demonstrations only.
    pub password: String,
    /// Who can sign in.
    pub members: Vec<DemoMember>,
    /// How many tickets there are.
    pub tickets: u64,
    /// How many articles.
    pub articles: u64,
    /// How many incidents.
    pub incidents: u64,
    /// It was there before and was left as it was.
    pub existing: bool,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There is one of another seed.
    #[error(
        "there is a workspace {SLUG} already, and it is not the demo of this seed; use another data directory"
    )]
    Other,
    /// The workspace could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A member could not be added.
    #[error(transparent)]
    Add(#[from] MemberError),
    /// A document could not be made.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A bug: the settings do not read, or a thread died.
    #[error("the demo could not be made: {0}")]
    Internal(String),
}

impl From<StorageError> for DemoError {
    fn from(error: StorageError) -> Self {
        Self::Own(OwnError::Storage(error))
    }
}

/// Who plays, and by which rules.
struct Cast {
    seed: u64,
    now: UtcMillis,
    rules: CompiledRules,
    agents: Vec<(String, &'static str)>,
}

impl Cast {
    /// An agent of a team.
    fn agent_of(&self, team: &str, chance: &Chance) -> String {
        let team: Vec<usize> = (0..self.agents.len())
            .filter(|index| self.agents.get(*index).is_some_and(|(_, of)| *of == team))
            .collect();
        chance
            .pick(&team)
            .and_then(|index| self.agents.get(index))
            .map_or_else(String::new, |(id, _)| id.clone())
    }

    /// Any agent.
    fn any_agent(&self, chance: &Chance) -> String {
        let all: Vec<usize> = (0..self.agents.len()).collect();
        chance
            .pick(&all)
            .and_then(|index| self.agents.get(index))
            .map_or_else(String::new, |(id, _)| id.clone())
    }
}

/// Makes the demo workspace, or finds that it is there.
///
/// # Errors
/// See [`DemoError`]; there is no trace of it then.
pub async fn make(storage: &dyn Storage, plan: DemoPlan) -> Result<Demo, DemoError> {
    let password = format!("demo-only-{:08x}", SeededRandom::new(plan.seed).next() >> 32);
    if let Some(found) = storage.workspace_by_slug(SLUG).await? {
        return existing(storage, &found, password).await;
    }
    let random = SeededRandom::new(plan.seed);
    let made_at = plan.now.plus_ms(-AGE_MS);
    let ids = FreshIds::at(made_at, &random);
    let id = WorkspaceId(ids.fresh());
    let mut tx = storage.begin(id).await?;
    let new =
        NewWorkspace { slug: SLUG.to_owned(), name: "Демо / Demo".to_owned(), zone: ZONE.to_owned() };
    let workspace = workspaces::create_in(tx.as_mut(), id, &new, made_at, &ids).await?;
    furnish(tx.as_mut(), &workspace, made_at, &ids).await?;
    let (members, agents) = populate(tx.as_mut(), &workspace, &password, made_at, &random).await?;
    assign(tx.as_mut(), &workspace, &agents, made_at, plan.now, &ids).await?;
    let settings = read_settings(tx.as_mut(), &workspace).await?;
    let rules = SlaRules::compile(&settings.sla_rules());
    let agents = agents.into_iter().map(|(id, team)| (id.to_string(), team)).collect();
    let cast = Arc::new(Cast { seed: plan.seed, now: plan.now, rules, agents });

    let articles = articles::tell(&cast);
    let article_count = articles.len() as u64;
    write(tx.as_mut(), &workspace, &cast, articles).await?;
    let tickets = tickets::plan(&cast, plan.tickets);
    let mut recent = Vec::new();
    for (chunk, plans) in tickets.chunks(2_000).enumerate() {
        let edits: Vec<_> = plans.iter().map(|plan| tickets::tell(&cast, plan)).collect();
        recent = edits.iter().rev().take(200).map(|(edit, _)| edit.doc).collect();
        let counted: Vec<CountedTicket> = edits.iter().filter_map(|(edit, _)| counted(edit)).collect();
        tx.count_tickets(&counted, created::keep(plan.now)).await?;
        write(tx.as_mut(), &workspace, &cast, edits).await?;
        tracing::info!(tickets = chunk * 2_000 + plans.len(), of = plan.tickets, "demo tickets written");
    }
    let incidents =
        incidents::tell(&cast, &recent).map_err(|error| DemoError::Internal(error.to_string()))?;
    let incident_count = incidents.len() as u64;
    write(tx.as_mut(), &workspace, &cast, incidents).await?;
    tx.commit().await?;
    Ok(Demo {
        workspace: SLUG.to_owned(),
        password,
        members,
        tickets: u64::from(plan.tickets),
        articles: article_count,
        incidents: incident_count,
        existing: false,
    })
}

/// The demo that is there, if it is this seed's.
async fn existing(
    storage: &dyn Storage,
    workspace: &WorkspaceRecord,
    password: String,
) -> Result<Demo, DemoError> {
    let admin = email("admin");
    let Some(member) = storage.member_by_email(workspace.id, &admin).await? else {
        return Err(DemoError::Other);
    };
    // Checked against a stored hash only; no hash is made here.
    let passwords = password::Passwords::new(&SeededRandom::new(0))?;
    if !passwords.verify(password.clone(), Some(member.password_hash)).await? {
        return Err(DemoError::Other);
    }
    let counts = storage.count_documents(workspace.id).await?;
    let count = |kind| counts.get(&kind).copied().unwrap_or(0);
    Ok(Demo {
        workspace: SLUG.to_owned(),
        password,
        members: people::MEMBERS.iter().map(printed).collect(),
        tickets: count(DocKind::Ticket),
        articles: count(DocKind::Article),
        incidents: count(DocKind::Incident),
        existing: true,
    })
}

fn email(login: &str) -> String {
    format!("{login}@demo.example")
}

fn printed(person: &people::Person) -> DemoMember {
    DemoMember { email: email(person.login), name: person.name.to_owned(), role: person.role }
}

/// Teams and categories beyond those of every workspace.
async fn furnish(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    now: UtcMillis,
    ids: &FreshIds<'_>,
) -> Result<(), DemoError> {
    let internal = |error: serde_json::Error| DemoError::Internal(error.to_string());
    let mut ops = Vec::new();
    for (key, name) in people::TEAMS {
        ops.push(settings::team(key, name).map_err(internal)?);
    }
    for (key, name) in people::CATEGORIES {
        ops.push(settings::entry(Section::Categories, key, &name).map_err(internal)?);
    }
    let ops = ops.into_iter().map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    let edit = Edit { doc: workspace.settings_doc, ops: Ops::Workspace(ops) };
    Ok(Pen::new(tx, workspace, now, ids).write(&edit, None).await?)
}

type Agents = Vec<(MemberId, &'static str)>;

/// Adds the members; the second list has the agents with their teams.
async fn populate(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    password: &str,
    now: UtcMillis,
    random: &SeededRandom,
) -> Result<(Vec<DemoMember>, Agents), DemoError> {
    let (mut members, mut agents) = (Vec::new(), Vec::new());
    // The password is no secret and everybody's is the same: one hash will do for all.
    let password_hash = password::hash(password, random as &dyn Random)?;
    for person in &people::MEMBERS {
        let new = NewMember {
            workspace: SLUG.to_owned(),
            email: email(person.login),
            name: person.name.to_owned(),
            role: person.role,
            teams: vec![person.team.to_owned()],
            password_hash: password_hash.clone(),
        };
        let ids = FreshIds::at(now, random);
        let added = members::add_in(tx, workspace, &new, now, &ids).await?;
        if person.role == Role::Agent {
            agents.push((added.id, person.team));
        }
        members.push(printed(person));
    }
    Ok((members, agents))
}

/// Services, on-call schedules and what is watched, once there are members to be on call.
async fn assign(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    agents: &Agents,
    made_at: UtcMillis,
    now: UtcMillis,
    ids: &FreshIds<'_>,
) -> Result<(), DemoError> {
    let ops = duty::tell(agents, now).map_err(|error| DemoError::Internal(error.to_string()))?;
    let ops = ops.into_iter().map(|op| Stamped::new(made_at, SERVER_NAME, op)).collect();
    let edit = Edit { doc: workspace.settings_doc, ops: Ops::Workspace(ops) };
    Ok(Pen::new(tx, workspace, made_at, ids).write(&edit, None).await?)
}

async fn read_settings(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
) -> Result<Workspace, DemoError> {
    let missing = || DemoError::Internal("there is no settings document".to_owned());
    let record = tx.document(workspace.settings_doc).await?.ok_or_else(missing)?;
    let document = Document::load(record.id, record.kind, &record.snapshot).map_err(OwnError::from)?;
    match document.read().map_err(|error| DemoError::Internal(error.to_string()))? {
        State::Workspace(workspace) => Ok(*workspace),
        State::Ticket(_) | State::Article(_) | State::Incident(_) | State::Personal(_) => Err(missing()),
    }
}

/// A ticket as detection counts it.
fn counted(edit: &Edit) -> Option<CountedTicket> {
    let Ops::Ticket(steps) = &edit.ops else { return None };
    let step = steps.first()?;
    let TicketOp::Create { ticket } = &step.op else { return None };
    Some(CountedTicket {
        category: ticket.category.clone().unwrap_or_default(),
        ticket: burst::NewTicket { id: edit.doc, created_at: step.at, title: ticket.title.clone() },
    })
}

/// Makes the documents on several threads and logs them in order.
async fn write(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    cast: &Arc<Cast>,
    edits: Vec<(Edit, UtcMillis)>,
) -> Result<(), DemoError> {
    let (id, device, seed) = (workspace.id, workspace.server_device, cast.seed);
    let mut batches: Vec<Vec<(Edit, UtcMillis)>> = Vec::new();
    for (index, edit) in edits.into_iter().enumerate() {
        if index % 32 == 0 {
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(edit);
        }
    }
    let mut drafts = stream::iter(batches)
        .map(|batch| {
            let make = move || batch.iter().map(|(edit, at)| draft(id, device, seed, edit, *at)).collect();
            async move {
                let done: Result<Vec<Draft>, DemoError> = tokio::task::spawn_blocking(make)
                    .await
                    .map_err(|error| DemoError::Internal(error.to_string()))?;
                done
            }
        })
        .buffered(PARALLEL);
    while let Some(batch) = drafts.try_next().await? {
        for draft in batch {
            draft.log(tx).await?;
        }
    }
    Ok(())
}

/// A new document with its whole story in one change.
fn draft(
    workspace: WorkspaceId,
    device: DeviceId,
    seed: u64,
    edit: &Edit,
    at: UtcMillis,
) -> Result<Draft, DemoError> {
    let document = Document::empty(edit.doc, edit.kind());
    let random = SeededRandom::new(seed ^ u64::from(low_bits(edit.doc)));
    let ids = FreshIds::at(at, &random);
    let none: Option<MemberId> = None;
    Draft::make(document, edit, workspace, device, none, at, &ids)?
        .ok_or_else(|| DemoError::Internal("a story without a step".to_owned()))
}

/// A number of the document's own, from the random end of its id.
fn low_bits(doc: DocId) -> u32 {
    u32::try_from(doc.0.as_u128() & 0xFFFF_FFFF).unwrap_or(0)
}

#[cfg(test)]
mod tests;
