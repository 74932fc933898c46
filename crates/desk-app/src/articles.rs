//! Knowledge articles.

use std::collections::BTreeSet;

use desk_api::{
    ApiError,
    view::{ArticleRow, ArticleView},
};
use desk_domain::{
    article::Article,
    edit::{ArticleOp, Ops},
    ids::{DocId, DocKind},
    state::State,
};
use desk_store::Batch;

use crate::{Desk, edit::wrong_kind, error, markdown::safe_html};

impl Desk {
    /// The articles, the newest change first; only those with the words of `text`, if there are any.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_articles(&self, text: Option<&str>) -> Result<Vec<ArticleRow>, ApiError> {
        self.store().list_articles(text).await.map_err(error::store)
    }

    /// An article, whole; `None` when this device has none of that id.
    ///
    /// # Errors
    /// When it is damaged or written by a newer version.
    pub async fn article(&self, id: DocId) -> Result<Option<ArticleView>, ApiError> {
        match self.shown(id).await? {
            Some(State::Article(article)) => Ok(Some(self.article_view(*article))),
            Some(_) => Err(wrong_kind(DocKind::Article)),
            None => Ok(None),
        }
    }

    /// Writes a new article, as a draft.
    ///
    /// # Errors
    /// When a value breaks a rule.
    pub async fn create_article(
        &self,
        title: String,
        body: String,
        category: Option<String>,
        tags: BTreeSet<String>,
    ) -> Result<ArticleView, ApiError> {
        let extra = Batch { drop_drafts: vec!["new-article".to_owned()], ..Batch::default() };
        let ops = vec![ArticleOp::Create { title, body, category, tags }];
        self.article_written(self.edit_ops(self.fresh_doc(), ops, Ops::Article, extra).await?)
    }

    /// Edits an article: all steps in one change; its draft is dropped with it.
    ///
    /// # Errors
    /// When a step breaks a rule; none is made then.
    pub async fn edit_article(&self, id: DocId, ops: Vec<ArticleOp>) -> Result<ArticleView, ApiError> {
        let writes_body = ops.iter().any(|op| matches!(op, ArticleOp::EditBody { .. }));
        let drop_drafts = if writes_body { vec![format!("article/{id}")] } else { Vec::new() };
        let extra = Batch { drop_drafts, ..Batch::default() };
        self.article_written(self.edit_ops(id, ops, Ops::Article, extra).await?)
    }

    fn article_view(&self, article: Article) -> ArticleView {
        ArticleView {
            body_html: safe_html(&article.body),
            read_only: self.place().read_only.is_some() || article.schema > desk_docs::SCHEMA,
            article,
        }
    }

    fn article_written(&self, state: State) -> Result<ArticleView, ApiError> {
        match state {
            State::Article(article) => Ok(self.article_view(*article)),
            State::Ticket(_) | State::Incident(_) | State::Workspace(_) | State::Personal(_) => {
                Err(wrong_kind(DocKind::Article))
            }
        }
    }
}
