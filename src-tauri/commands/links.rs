//! Links that stand in texts.

use desk_api::{ApiError, ErrorCode, call::OpenLink};

use super::{Answer, Reply};

#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands own what they are sent")]
pub(super) fn open_link(request: OpenLink) -> Answer<OpenLink> {
    let allowed = tauri::Url::parse(&request.url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
        .ok_or_else(|| ApiError::new(ErrorCode::Invalid, "only web and mail addresses are opened"))?;
    tauri_plugin_opener::open_url(allowed.as_str(), None::<&str>).map(Reply).map_err(|error| {
        ApiError::new(ErrorCode::Internal, format!("the browser could not be started: {error}"))
    })
}
