//! Knowledge articles.

use desk_api::{
    call::{CreateArticle, EditArticle, GetArticle, ListArticles, RenderMarkdown},
    view::{ArticleRow, ArticleView},
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn list_articles(desk: Desk<'_>, request: ListArticles) -> Answer<Vec<ArticleRow>> {
    desk.desk()?.list_articles(request.text.as_deref()).await
}

#[tauri::command]
pub(super) async fn get_article(desk: Desk<'_>, request: GetArticle) -> Answer<Option<ArticleView>> {
    desk.desk()?.article(request.id).await
}

#[tauri::command]
pub(super) async fn create_article(desk: Desk<'_>, request: CreateArticle) -> Answer<ArticleView> {
    desk.desk()?.create_article(request.title, request.body, request.category, request.tags).await
}

#[tauri::command]
pub(super) async fn edit_article(desk: Desk<'_>, request: EditArticle) -> Answer<ArticleView> {
    desk.desk()?.edit_article(request.id, request.ops).await
}

#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands own what they are sent")]
pub(super) fn render_markdown(request: RenderMarkdown) -> String {
    desk_app::safe_html(&request.text)
}
