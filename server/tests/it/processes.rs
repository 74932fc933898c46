//! Several processes on one PostgreSQL: what one writes, the others know at once.

use std::{sync::Arc, time::Duration};

use desk_domain::ids::WorkspaceId;
use desk_harness::Postgres;
use workernet_server::{
    http::Limits,
    random::{FreshIds, SystemRandom},
    storage::{Directory, PostgresStorage},
    sync::hub::Hub,
    workspaces::{self, NewWorkspace},
};

use super::support::{NOW, soon};

/// A process: nobody looks each second here, so what it knows it has heard.
async fn process(postgres: &Postgres) -> (PostgresStorage, Arc<Hub>) {
    let storage = PostgresStorage::open(&postgres.url()).await.unwrap();
    let hub = Arc::new(Hub::new(Arc::new(storage.clone()), Limits::default().ahead));
    (storage, hub)
}

/// Writes a change into the log, as `admin` does; returns the head.
async fn write(storage: &PostgresStorage, slug: &str, number: u32) -> u64 {
    let workspace = storage.workspace_by_slug(slug).await.unwrap().unwrap();
    let new = workernet_server::members::NewMember {
        workspace: slug.into(),
        email: format!("m{number}@{slug}.example"),
        name: "Новый".into(),
        role: desk_domain::people::Role::Agent,
        teams: vec![],
        password_hash: "$argon2id$".into(),
    };
    let random = SystemRandom::new().unwrap();
    workernet_server::members::add(storage, &new, NOW, &FreshIds::at(NOW, &random)).await.unwrap();
    storage.workspace(workspace.id).await.unwrap().unwrap().head
}

async fn workspace(storage: &PostgresStorage) -> WorkspaceId {
    let new = NewWorkspace { slug: "acme".into(), name: "Acme".into(), zone: "Asia/Almaty".into() };
    let random = SystemRandom::new().unwrap();
    workspaces::create(storage, &new, NOW, &FreshIds::at(NOW, &random)).await.unwrap().id
}

#[tokio::test]
async fn a_head_that_moved_in_one_process_moves_in_the_others() {
    let mut postgres = Postgres::start().unwrap();
    let (writer, _) = process(&postgres).await;
    let (_reader, hub) = process(&postgres).await;
    let space = workspace(&writer).await;
    let mut head = hub.watch_head(space);
    let listening = tokio::spawn({
        let hub = Arc::clone(&hub);
        async move { hub.listen().await }
    });
    // It looks once when it begins to listen.
    soon(head.wait_for(|head| *head > 0)).await.unwrap();
    for number in 0..3 {
        let written = write(&writer, "acme", number).await;
        soon(head.wait_for(|head| *head == written)).await.unwrap();
    }

    // What is written while the connection is gone is found when it is back.
    postgres.restart().unwrap();
    assert!(soon(listening).await.unwrap().is_err(), "the connection was lost");
    let missed = write(&writer, "acme", 9).await;
    assert!(*head.borrow() < missed);
    tokio::select! {
        lost = hub.listen() => panic!("{lost:?}"),
        found = tokio::time::timeout(Duration::from_secs(20), head.wait_for(|head| *head == missed)) => {
            found.unwrap().unwrap();
        }
    }
}
