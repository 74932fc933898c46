//! `admin`: workspaces, members, teams, devices. Works beside a running `serve`.

use std::io::Read;

use anyhow::{Context, bail};
use clap::Subcommand;
use desk_domain::{
    detection::SignalScope,
    ids::DeviceId,
    people::{Member, Role},
    time::Clock,
};
use serde_json::json;
use uuid::Uuid;

use super::database::Database;
use crate::{
    audit,
    auth::password,
    clock::SystemClock,
    members::{self, Change, NewMember},
    random::{FreshIds, SystemRandom},
    signal_tokens,
    storage::{Storage, signals::SignalToken},
    teams::{self, Wish},
    workspaces::{self, NewWorkspace},
};

/// What can be administered.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Workspaces.
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Members.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Teams.
    #[command(subcommand)]
    Team(TeamCommand),
    /// Devices.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Tokens by which programs post heartbeats and metrics.
    #[command(subcommand)]
    Token(TokenCommand),
    /// The history of accepted changes.
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Make a workspace with default settings.
    Create {
        /// What people type at sign-in: a–z, 0–9 and hyphens.
        slug: String,
        /// What to call it.
        #[arg(long)]
        name: String,
        /// IANA time zone of its working hours.
        #[arg(long, default_value = "Asia/Almaty")]
        zone: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// Add a person; the password is read from standard input.
    Add {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
        /// Where they sign in with.
        #[arg(long)]
        email: String,
        /// What to call them.
        #[arg(long)]
        name: String,
        /// requester, agent, manager or admin.
        #[arg(long)]
        role: Role,
        /// A team of theirs, made when it does not exist.
        #[arg(long = "team")]
        teams: Vec<String>,
        /// The only way to give a password: an argument would stand in the list of processes.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Give a member another role.
    SetRole {
        #[command(flatten)]
        member: Named,
        /// requester, agent, manager or admin.
        role: Role,
    },
    /// Take a member's access away; their devices erase what they keep at the next contact.
    Deactivate(Named),
    /// Let a member who was deactivated sign in again.
    Activate(Named),
    /// Say which teams a member is in; without any, they are in none. Tickets of private teams come to their devices or
    /// leave them.
    SetTeams {
        #[command(flatten)]
        member: Named,
        /// A team of theirs, made when it does not exist.
        #[arg(long = "team")]
        teams: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TeamCommand {
    /// All teams of a workspace with their members.
    List {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
    },
    /// Make a team, or change it.
    Set {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
        /// Its key or its name.
        team: String,
        /// What to call it.
        #[arg(long)]
        name: Option<String>,
        /// Its tickets are for its members, managers and admins alone; they leave everybody else's devices.
        #[arg(long, conflicts_with = "open")]
        private: bool,
        /// Its tickets are everybody's.
        #[arg(long)]
        open: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The workspace's slug.
    #[arg(long)]
    workspace: String,
    /// Where they sign in with.
    #[arg(long)]
    email: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// All devices of a workspace's members.
    List {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
    },
    /// Take a device's access away, for good.
    Revoke {
        /// Its id, as `list` shows it.
        device: DeviceId,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is printed this once. With it a program posts to /v1/workspaces/SLUG/heartbeats/NAME, and {"value": N}
    /// to /v1/workspaces/SLUG/metrics/NAME, as `Authorization: Bearer TOKEN`. Rules of the workspace's settings watch them.
    Create {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
        /// Who uses it.
        #[arg(long)]
        name: String,
        /// What may be posted with it: heartbeats, metrics or all.
        #[arg(long, default_value = "all")]
        scope: SignalScope,
    },
    /// All tokens of a workspace, the newest first, without the tokens themselves.
    List {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
    },
    /// Take a token's right away, for good.
    Revoke {
        /// Its id, as `list` shows it.
        token: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Hold the whole log against its hash chain. The chain's value, kept elsewhere, shows later that nothing was rewritten.
    Verify {
        /// The workspace's slug.
        #[arg(long)]
        workspace: String,
    },
}

pub(super) async fn run(database: &Database, command: Command) -> anyhow::Result<()> {
    let storage = database.open().await?;
    let done = match command {
        Command::Workspace(command) => workspace(storage.as_ref(), command).await,
        Command::Member(command) => member(storage.as_ref(), command).await,
        Command::Team(command) => team(storage.as_ref(), command).await,
        Command::Device(command) => device(storage.as_ref(), command).await,
        Command::Token(command) => token(storage.as_ref(), command).await,
        Command::Audit(AuditCommand::Verify { workspace }) => verify(storage.as_ref(), &workspace).await,
    };
    storage.close().await;
    done
}

async fn workspace(storage: &dyn Storage, command: WorkspaceCommand) -> anyhow::Result<()> {
    let WorkspaceCommand::Create { slug, name, zone } = command;
    let (clock, random) = (SystemClock, SystemRandom::new()?);
    let new = NewWorkspace { slug, name, zone };
    let made = workspaces::create(storage, &new, clock.now(), &FreshIds::now(&clock, &random)).await?;
    super::print(&json!({
        "id": made.id, "slug": made.slug, "name": made.name, "settings_doc": made.settings_doc,
    }))
}

async fn member(storage: &dyn Storage, command: MemberCommand) -> anyhow::Result<()> {
    let (clock, random) = (SystemClock, SystemRandom::new()?);
    let (named, change) = match command {
        MemberCommand::Add { workspace, email, name, role, teams, password_stdin: _ } => {
            let password_hash = password::hash(&password()?, &random)?;
            let new = NewMember { workspace, email, name, role, teams, password_hash };
            return add(storage, &new, &clock, &random).await;
        }
        MemberCommand::SetRole { member, role } => (member, Change::Role(role)),
        MemberCommand::Deactivate(member) => (member, Change::Active(false)),
        MemberCommand::Activate(member) => (member, Change::Active(true)),
        MemberCommand::SetTeams { member, teams } => (member, Change::Teams(teams)),
    };
    let ids = FreshIds::now(&clock, &random);
    let Named { workspace, email } = named;
    let changed = members::change(storage, &workspace, &email, change, clock.now(), &ids).await?;
    super::print(&json!({
        "id": changed.id, "workspace": workspace, "email": changed.email, "name": changed.name,
        "role": changed.role, "active": changed.active,
    }))
}

async fn team(storage: &dyn Storage, command: TeamCommand) -> anyhow::Result<()> {
    match command {
        TeamCommand::List { workspace } => {
            let settings = teams::settings_of(storage, &workspace).await?;
            let members = |key: &str| -> Vec<&str> {
                let of_team = |member: &&Member| member.active && member.teams.contains(key);
                settings.members.values().filter(of_team).map(|member| member.email.as_str()).collect()
            };
            let teams: Vec<_> = settings
                .teams
                .values()
                .map(|team| {
                    json!({
                        "key": team.key, "name": team.name, "private": team.private, "members": members(&team.key),
                    })
                })
                .collect();
            super::print(&teams)
        }
        TeamCommand::Set { workspace, team, name, private, open } => {
            let (clock, random) = (SystemClock, SystemRandom::new()?);
            let ids = FreshIds::now(&clock, &random);
            let wish = Wish { name, private: (private || open).then_some(private) };
            let team = teams::set(storage, &workspace, &team, &wish, clock.now(), &ids).await?;
            super::print(&json!({
                "workspace": workspace, "key": team.key, "name": team.name, "private": team.private,
            }))
        }
    }
}

async fn add(
    storage: &dyn Storage,
    new: &NewMember,
    clock: &SystemClock,
    random: &SystemRandom,
) -> anyhow::Result<()> {
    let made = members::add(storage, new, clock.now(), &FreshIds::now(clock, random)).await?;
    super::print(&json!({
        "id": made.id, "workspace": new.workspace, "email": made.email, "name": made.name, "role": made.role,
        "personal_doc": made.personal_doc,
    }))
}

/// The password from standard input, without the line's end.
fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(password::MAX_BYTES + 3)?;
    std::io::stdin().take(most).read_to_string(&mut text).context("cannot read the password")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn verify(storage: &dyn Storage, workspace: &str) -> anyhow::Result<()> {
    let found = storage.workspace_by_slug(workspace).await?;
    let Some(found) = found else { bail!("there is no workspace {workspace:?}") };
    let verified = audit::verify_log(storage, found.id).await?;
    super::print(&json!({
        "workspace": workspace, "entries": verified.entries, "unchained": verified.unchained,
        "chain": hex::encode(verified.chain),
    }))
}

async fn token(storage: &dyn Storage, command: TokenCommand) -> anyhow::Result<()> {
    let shown = |token: &SignalToken| {
        json!({
            "id": token.id, "name": token.name, "scope": token.scope, "created_at": token.created_at,
            "used_at": token.used_at, "revoked_at": token.revoked_at,
        })
    };
    match command {
        TokenCommand::Create { workspace, name, scope } => {
            let (clock, random) = (SystemClock, SystemRandom::new()?);
            let ids = FreshIds::now(&clock, &random);
            let made = signal_tokens::create(storage, &workspace, &name, scope, clock.now(), &random, &ids);
            let (token, text) = made.await?;
            super::print(&json!({ "id": token.id, "name": token.name, "scope": scope, "token": text }))
        }
        TokenCommand::List { workspace } => {
            let tokens: Vec<_> = signal_tokens::list(storage, &workspace).await?.iter().map(shown).collect();
            super::print(&tokens)
        }
        TokenCommand::Revoke { token } => {
            if !storage.revoke_signal_token(token, SystemClock.now()).await? {
                bail!("there is no token {token}; `admin token list` shows their ids");
            }
            super::print(&json!({ "id": token, "revoked": true }))
        }
    }
}

async fn device(storage: &dyn Storage, command: DeviceCommand) -> anyhow::Result<()> {
    match command {
        DeviceCommand::List { workspace } => {
            let found = storage.workspace_by_slug(&workspace).await?;
            let Some(found) = found else { bail!("there is no workspace {workspace:?}") };
            let devices: Vec<_> = storage
                .devices(found.id)
                .await?
                .into_iter()
                .map(|device| {
                    json!({
                        "id": device.id, "member": device.member, "name": device.name,
                        "created_at": device.created_at, "seen_at": device.seen_at,
                        "revoked_at": device.revoked_at,
                    })
                })
                .collect();
            super::print(&devices)
        }
        DeviceCommand::Revoke { device } => {
            if !storage.revoke_device(device, SystemClock.now()).await? {
                bail!("there is no device {device}");
            }
            super::print(&json!({ "id": device, "revoked": true }))
        }
    }
}
