//! Knowledge articles: the same instructions in both languages, read from two Markdown files.

use std::collections::BTreeSet;

use desk_domain::{
    article::ArticleStatus,
    edit::{ArticleOp, Edit, Ops, Stamped},
    ids::{DocId, Ids},
    time::UtcMillis,
};

use super::{Cast, chance::Chance};
use crate::random::FreshIds;

const DAY: i64 = 24 * 3_600_000;
/// The sequence of throws for articles.
const ARTICLES: u64 = 2;

/// One article of the files.
struct Text {
    category: &'static str,
    tags: BTreeSet<String>,
    title: &'static str,
    body: &'static str,
}

/// `=== CATEGORY | TAG, TAG | TITLE`, then Markdown up to the next such line.
fn read(file: &'static str) -> impl Iterator<Item = Text> {
    file.split("=== ").filter_map(|part| {
        let (head, body) = part.split_once('\n')?;
        let mut fields = head.splitn(3, '|').map(str::trim);
        let (category, tags, title) = (fields.next()?, fields.next()?, fields.next()?);
        let tags = tags.split(',').map(|tag| tag.trim().to_owned()).collect();
        Some(Text { category, tags, title, body: body.trim_end() })
    })
}

/// All articles, each as one edit with the instant of its last step; oldest first.
pub(super) fn tell(cast: &Cast) -> Vec<(Edit, UtcMillis)> {
    let russian = read(include_str!("articles_ru.md"));
    let english = read(include_str!("articles_en.md"));
    let mut told: Vec<_> =
        (0..).zip(russian.chain(english)).map(|(index, text)| one(cast, index, text)).collect();
    told.sort_by_key(|(edit, at)| (*at, edit.doc));
    told
}

fn one(cast: &Cast, index: u64, text: Text) -> (Edit, UtcMillis) {
    let chance = Chance::of(cast.seed, ARTICLES, index);
    let created_at = cast.now.plus_ms(-chance.between(3 * DAY, 80 * DAY));
    let doc = DocId(FreshIds::at(created_at, chance.random()).fresh());
    let author = cast.any_agent(&chance);
    let (category, title) = (Some(text.category.to_owned()), text.title.to_owned());
    let create = ArticleOp::Create { title, body: text.body.to_owned(), category, tags: text.tags };
    let mut steps = vec![Stamped::new(created_at, author.clone(), create)];
    let published = created_at.plus_ms(chance.between(DAY / 12, 2 * DAY));
    // A few are still being written, one or two are kept for the record.
    match index % 20 {
        13 => {}
        last => {
            let status = ArticleOp::SetStatus { status: ArticleStatus::Published };
            steps.push(Stamped::new(published, author.clone(), status));
            if last == 17 {
                let status = ArticleOp::SetStatus { status: ArticleStatus::Archived };
                steps.push(Stamped::new(published.plus_ms(DAY / 2), author, status));
            }
        }
    }
    let last = steps.last().map_or(created_at, |step| step.at);
    (Edit { doc, ops: Ops::Article(steps) }, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_have_the_same_twenty_subjects() {
        let subjects = |file| read(file).map(|text| (text.category, text.tags)).collect::<Vec<_>>();
        let russian = subjects(include_str!("articles_ru.md"));
        assert_eq!(russian, subjects(include_str!("articles_en.md")));
        assert_eq!(russian.len(), 20);
    }
}
