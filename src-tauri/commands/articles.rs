//! Knowledge articles.

use desk_api::call::{CreateArticle, EditArticle, GetArticle, ListArticles, RenderMarkdown};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn list_articles(desk: Desk<'_>, request: ListArticles) -> Answer<ListArticles> {
    desk.desk()?.list_articles(request.text.as_deref()).await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_article(desk: Desk<'_>, request: GetArticle) -> Answer<GetArticle> {
    desk.desk()?.article(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn create_article(desk: Desk<'_>, request: CreateArticle) -> Answer<CreateArticle> {
    desk.desk()?.create_article(request.title, request.body, request.category, request.tags).await.map(Reply)
}

#[tauri::command]
pub(super) async fn edit_article(desk: Desk<'_>, request: EditArticle) -> Answer<EditArticle> {
    desk.desk()?.edit_article(request.id, request.ops).await.map(Reply)
}

#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands own what they are sent")]
pub(super) fn render_markdown(request: RenderMarkdown) -> Reply<RenderMarkdown> {
    Reply(desk_app::safe_html(&request.text))
}
