//! Commands about the store as a whole: who is here, sync, search, refused edits, digest, export, health.

use std::{io::BufRead, path::Path, process::ExitCode};

use desk_api::{
    ApiError, ErrorCode,
    view::{Progress, SearchHit, SessionView, SyncPhase, SyncView},
};
use desk_app::{Desk, DeskEvent, Exported, FindingSeverity};
use desk_domain::{escalation, ids::DocKind, sla, state::State};

use super::{interrupted, or_cancelled, workspace};
use crate::{
    args::Login,
    output::{Output, ProgressLine},
    shape::{ArticleWhole, IncidentWhole, Names, SignedInLine, TicketWhole},
    text,
};

pub(super) async fn init(desk: &Desk, name: &str, email: &str, output: Output) -> Result<ExitCode, ApiError> {
    let session = desk.init(name, email).await?;
    signed_in(desk, session, output)
}

pub(super) async fn login(desk: &Desk, login: &Login, output: Output) -> Result<ExitCode, ApiError> {
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).map_err(|problem| {
        ApiError::new(ErrorCode::BadRequest, format!("no password on standard input: {problem}"))
    })?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(ApiError::new(ErrorCode::BadRequest, "standard input holds no password"));
    }
    let signing_in = desk.sign_in(&login.server, &login.workspace, &login.email, password);
    let session = or_cancelled(signing_in).await?;
    signed_in(desk, session, output)
}

fn signed_in(desk: &Desk, session: SessionView, output: Output) -> Result<ExitCode, ApiError> {
    let who = session
        .who
        .ok_or_else(|| ApiError::new(ErrorCode::Internal, "signed in, but the session was not kept"))?;
    let line = SignedInLine {
        workspace: who.workspace,
        member: who.member,
        server: who.server,
        data_dir: desk.data_dir().display().to_string(),
    };
    output.result(&line, || {
        let place = line.server.as_deref().unwrap_or("this device alone");
        format!("{} ({}) in {}, on {place}", line.member.name, line.member.role, line.workspace)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn sync(desk: &Desk, watch: bool, output: Output) -> Result<ExitCode, ApiError> {
    if watch {
        return stay_in_sync(desk, output).await;
    }
    let progress = ProgressLine::new();
    let mut events = desk.events();
    let mut syncing = Box::pin(or_cancelled(desk.sync_once()));
    let report = loop {
        tokio::select! {
            report = &mut syncing => break report,
            event = events.recv() => if let Ok(DeskEvent::Sync(view)) = event {
                progress.show(&sync_words(&view));
            },
        }
    };
    progress.clear();
    let report = report?;
    output.result(&report, || {
        format!(
            "{} pulled, {} pushed, {} rejected, cursor {}, {} ms",
            report.pulled, report.pushed, report.rejected, report.cursor, report.elapsed_ms
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Tells of every new state, one line (with `--json` one value) each, until Ctrl+C or the session's end.
async fn stay_in_sync(desk: &Desk, output: Output) -> Result<ExitCode, ApiError> {
    workspace_or_session(desk)?;
    let mut events = desk.events();
    let driver = desk.start_sync();
    let mut told: Option<SyncView> = None;
    let ended = loop {
        let view = tokio::select! {
            () = interrupted() => break None,
            event = events.recv() => match event {
                Ok(DeskEvent::Sync(view)) => *view,
                Ok(DeskEvent::SignedOut(reason)) => break reason,
                Ok(DeskEvent::Changed { .. } | DeskEvent::Alerts(_)) => continue,
                // Some were missed: the present state says all.
                Err(_) => desk.sync_view().await?,
            },
        };
        if told.as_ref() != Some(&view) {
            let line = if output.json {
                serde_json::to_string(&view)
                    .map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))?
            } else {
                sync_words(&view)
            };
            output.line(&line)?;
            told = Some(view);
        }
    };
    drop(driver);
    ended.map_or(Ok(ExitCode::SUCCESS), Err)
}

fn workspace_or_session(desk: &Desk) -> Result<(), ApiError> {
    if desk.signed_in().is_some() { Ok(()) } else { workspace(desk).map(drop) }
}

fn sync_words(view: &SyncView) -> String {
    let phase = match view.phase {
        SyncPhase::Local => "this workspace lives on this device alone".to_owned(),
        SyncPhase::Idle => "level with the server".to_owned(),
        SyncPhase::Busy => "sending or receiving".to_owned(),
        SyncPhase::Offline => format!("offline since {}", text::instant(view.offline_since)),
        SyncPhase::Stopped => "stopped".to_owned(),
    };
    let mut words = format!("{phase}; {} edits wait, {} were refused", view.waiting, view.rejected);
    for (what, progress) in [("documents fetched", view.bootstrap), ("texts indexed", view.indexing)] {
        if let Some(Progress { done, total }) = progress {
            words.extend(["; ", &done.to_string(), " of ", &total.to_string(), " ", what]);
        }
    }
    if let Some(problem) = &view.problem {
        words.push_str(": ");
        words.push_str(&problem.message);
    }
    words
}

pub(super) async fn export(
    desk: &Desk,
    dir: &Path,
    force: bool,
    output: Output,
) -> Result<ExitCode, ApiError> {
    let settings = workspace(desk)?;
    let rules = settings.sla_rules().compile();
    let now = desk.now();
    let line = move |_: &Desk, state: &State| {
        let names = Names(Some(&settings));
        match state {
            State::Ticket(ticket) => {
                let clocks = sla::clocks(ticket, &rules, now);
                serde_json::to_value(TicketWhole::new((**ticket).clone(), clocks, names))
            }
            State::Article(article) => serde_json::to_value(ArticleWhole::new((**article).clone(), names)),
            State::Incident(incident) => {
                let escalates_at = escalation::escalates_at(incident, &settings, now);
                serde_json::to_value(IncidentWhole::new((**incident).clone(), escalates_at, names))
            }
            State::Workspace(settings) => serde_json::to_value(settings),
            State::Personal(personal) => serde_json::to_value(personal),
        }
        .map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))
    };
    let progress = ProgressLine::new();
    let observe = |so_far: &Exported| progress.show(&format!("{} documents", so_far.documents));
    let exported = or_cancelled(desk.export(dir, force, &line, &observe)).await;
    progress.clear();
    let exported = exported?;
    output.result(&exported, || {
        format!(
            "{} documents ({} tickets, {} articles, {} incidents) in {}",
            exported.documents,
            exported.tickets,
            exported.articles,
            exported.incidents,
            dir.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn search(
    desk: &Desk,
    query: &str,
    limit: u32,
    output: Output,
) -> Result<ExitCode, ApiError> {
    let hits = desk.search(query, limit, None).await?;
    output.result(&hits, || {
        if hits.is_empty() {
            return "nothing found".to_owned();
        }
        let row = |hit: &SearchHit| {
            vec![
                kind(hit.kind).to_owned(),
                hit.number.clone().unwrap_or_else(|| hit.id.to_string()),
                hit.status.clone(),
                hit.updated_at.to_string(),
                text::short(&hit.title, 80),
            ]
        };
        text::table(
            &["kind", "number", "status", "updated", "title"],
            &hits.iter().map(row).collect::<Vec<_>>(),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn kind(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Ticket => "ticket",
        DocKind::Article => "article",
        DocKind::Incident => "incident",
        DocKind::Workspace => "workspace",
        DocKind::Personal => "personal",
    }
}

pub(super) async fn digest(desk: &Desk, output: Output) -> Result<ExitCode, ApiError> {
    let digest = or_cancelled(desk.digest()).await?;
    output.result(&digest, || format!("{}  {} documents", digest.digest, digest.documents))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn doctor(desk: &Desk, repair: bool, output: Output) -> Result<ExitCode, ApiError> {
    let report = or_cancelled(desk.doctor(repair)).await?;
    output.result(&report, || {
        let rows: Vec<Vec<String>> = report
            .findings
            .iter()
            .map(|finding| {
                let severity = match finding.severity {
                    FindingSeverity::Ok => "ok",
                    FindingSeverity::Notice => "notice",
                    FindingSeverity::Problem => "PROBLEM",
                    FindingSeverity::Repaired => "repaired",
                };
                vec![finding.part.to_owned(), severity.to_owned(), finding.message.clone()]
            })
            .collect();
        text::table(&["part", "state", "finding"], &rows)
    })?;
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
