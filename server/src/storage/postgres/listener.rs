//! What processes tell each other.

use async_trait::async_trait;
use desk_domain::ids::WorkspaceId;
use sqlx::{PgPool, postgres::PgListener};

use super::{CHANNEL, failed};
use crate::storage::{Listener, News, StorageError};

/// News as it travels: `head ID NUMBER` or `access`. Processes of another version pass over what they do not know.
pub(super) fn words(news: News) -> String {
    match news {
        News::Head { workspace, head } => format!("head {} {head}", workspace.0),
        News::Access => "access".to_owned(),
    }
}

fn understood(words: &str) -> Option<News> {
    let mut words = words.split(' ');
    match (words.next()?, words.next(), words.next()) {
        ("head", Some(workspace), Some(head)) => {
            Some(News::Head { workspace: WorkspaceId(workspace.parse().ok()?), head: head.parse().ok()? })
        }
        ("access", None, None) => Some(News::Access),
        _ => None,
    }
}

/// A connection that listens.
pub(super) struct PostgresListener(PgListener);

impl PostgresListener {
    pub(super) async fn connect(pool: &PgPool) -> Result<Self, StorageError> {
        let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
        // Who calls looks for what was missed, and that only after it listens again.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await.map_err(failed)?;
        Ok(Self(listener))
    }
}

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Result<News, StorageError> {
        loop {
            let Some(heard) = self.0.try_recv().await.map_err(failed)? else {
                return Err(StorageError::Failed("the connection that listens was lost".into()));
            };
            if let Some(news) = understood(heard.payload()) {
                return Ok(news);
            }
            tracing::debug!("news of another version");
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn news_is_understood_as_it_was_told() {
        let workspace = WorkspaceId(Uuid::from_u128(7));
        for news in [News::Head { workspace, head: 12 }, News::Access] {
            assert_eq!(understood(&words(news)), Some(news));
        }
        for noise in ["", "head", "head x 1", "access now", "later things"] {
            assert_eq!(understood(noise), None, "{noise}");
        }
    }
}
