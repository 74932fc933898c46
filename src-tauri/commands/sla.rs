//! SLA rules.

use desk_api::{
    call::{CancelPreview, ChangeRules, PreviewRules},
    event::PreviewProgress,
};
use tauri::AppHandle;

use super::{Answer, Desk, Reply};
use crate::events;

#[tauri::command]
pub(super) async fn change_rules(desk: Desk<'_>, request: ChangeRules) -> Answer<ChangeRules> {
    let desk = desk.desk()?;
    let rules = desk.change_rules(&request.changes).await?;
    desk.rederive_in_background();
    Ok(Reply(rules))
}

#[tauri::command]
pub(super) async fn preview_rules(
    app: AppHandle,
    desk: Desk<'_>,
    request: PreviewRules,
) -> Answer<PreviewRules> {
    let cancel = desk.begin_preview();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let observe = |done: usize, tickets: usize| {
        events::emit(&app, &PreviewProgress { done: number(done), tickets: number(tickets) });
    };
    desk.desk()?.preview_rules(&request.rules, request.period, &observe, &cancel).await.map(Reply)
}

#[tauri::command]
pub(super) async fn cancel_preview(desk: Desk<'_>, request: CancelPreview) -> Answer<CancelPreview> {
    let CancelPreview {} = request;
    desk.begin_preview();
    Ok(Reply(()))
}
