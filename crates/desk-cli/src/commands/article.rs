//! `desk article …`

use std::process::ExitCode;

use desk_api::{ApiError, ErrorCode, view::ArticleView};
use desk_app::Desk;
use desk_domain::{edit::ArticleOp, ids::DocId};

use super::{text_or_stdin, workspace};
use crate::{
    args::Article,
    assignment::ArticleAssignment,
    output::Output,
    shape::{ArticleLine, ArticleWhole, Names},
    text,
};

pub(super) async fn run(desk: &Desk, command: Article, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Article::List { text, status } => {
            let rows = desk.list_articles(text.as_deref()).await?;
            let lines: Vec<ArticleLine> = rows
                .into_iter()
                .filter(|row| status.is_none_or(|status| row.status == status))
                .map(ArticleLine::from)
                .collect();
            output.result(&lines, || {
                if lines.is_empty() {
                    return "no articles".to_owned();
                }
                let row = |line: &ArticleLine| {
                    vec![
                        line.id.to_string(),
                        line.status.to_string(),
                        line.updated_at.to_string(),
                        text::short(&line.title, 80),
                    ]
                };
                text::table(&["id", "status", "updated", "title"], &lines.iter().map(row).collect::<Vec<_>>())
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Article::Show { id } => print(desk, find(desk, &id).await?, output),
        Article::New { title, body, category, tags } => {
            workspace(desk)?;
            let view = desk
                .create_article(title, text_or_stdin(body)?, category, tags.into_iter().collect())
                .await?;
            print(desk, view, output)
        }
        Article::Set { id, assignments } => {
            let id = find(desk, &id).await?.article.id;
            let ops = assignments.into_iter().map(op_of).collect();
            print(desk, desk.edit_article(id, ops).await?, output)
        }
        Article::Edit { id, body } => {
            let article = find(desk, &id).await?.article;
            let op = ArticleOp::EditBody { base: Some(article.body), body: text_or_stdin(body)? };
            print(desk, desk.edit_article(article.id, vec![op]).await?, output)
        }
    }
}

/// The article that a person means: its id.
async fn find(desk: &Desk, id: &str) -> Result<ArticleView, ApiError> {
    let missing = || {
        ApiError::new(
            ErrorCode::NotFound,
            format!("there is no article {id:?} here; see `desk article list`"),
        )
    };
    let id: DocId = id.trim().parse().map_err(|_| missing())?;
    desk.article(id).await?.ok_or_else(missing)
}

fn print(desk: &Desk, view: ArticleView, output: Output) -> Result<ExitCode, ApiError> {
    let settings = desk.workspace();
    let whole = ArticleWhole::new(view.article, Names(settings.as_ref()));
    output.result(&whole, || text::article(&whole))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn op_of(assignment: ArticleAssignment) -> ArticleOp {
    match assignment {
        ArticleAssignment::Title(title) => ArticleOp::SetTitle { title },
        ArticleAssignment::Status(status) => ArticleOp::SetStatus { status },
        ArticleAssignment::Category(category) => ArticleOp::SetCategory { category },
        ArticleAssignment::Tag { tag, on } => ArticleOp::SetTag { tag, on },
    }
}
