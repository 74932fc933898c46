use desk_domain::ids::uuid_v7;
use desk_harness::Postgres;

use super::*;
use crate::storage::{Directory, Sessions, contract};

/// A storage in a database server of its own, which ends with the guard.
async fn fresh() -> (Postgres, PostgresStorage) {
    let postgres = Postgres::start().unwrap();
    let storage = PostgresStorage::open(&postgres.url()).await.unwrap();
    (postgres, storage)
}

contract::suite!(fresh);

const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

/// A workspace without anything in it.
async fn workspace(storage: &PostgresStorage, n: u8) -> WorkspaceId {
    let id = |number: u8| uuid_v7(NOW, [number; 10]);
    let record = WorkspaceRecord {
        id: WorkspaceId(id(n)),
        slug: format!("space-{n}"),
        name: "Отдел".into(),
        settings_doc: DocId(id(n + 1)),
        server_device: DeviceId(id(n + 2)),
        head: 0,
        created_at: NOW,
    };
    let mut tx = storage.begin(record.id).await.unwrap();
    assert!(tx.insert_workspace(&record).await.unwrap());
    tx.commit().await.unwrap();
    record.id
}

fn entry(number: u8) -> crate::storage::LogEntry {
    crate::storage::LogEntry {
        doc: DocId(Uuid::from_u128(number.into())),
        hash: [number; 32],
        actor: DeviceId(Uuid::from_u128(1)),
        actor_seq: 1,
        member: None,
        received_at: NOW,
        bytes: vec![number; 10],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_workspace_wait_for_each_other_and_for_nobody_else() {
    let (postgres, here) = fresh().await;
    let there = PostgresStorage::open(&postgres.url()).await.unwrap();
    let (one, two) = (workspace(&here, 10).await, workspace(&here, 20).await);
    for shared in [one, WorkspaceId(Uuid::from_u128(99))] {
        let first = here.begin(shared).await.unwrap();
        let mut second = tokio::spawn({
            let there = there.clone();
            async move { there.begin(shared).await.map(drop) }
        });
        let other = there.begin(two).await.unwrap();
        drop(other);
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while postgres.run(waiting).unwrap().trim() != "1" {
            assert!(!second.is_finished(), "it did not wait");
        }
        drop(first);
        tokio::time::timeout(Duration::from_secs(10), &mut second).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_have_no_gaps_however_many_processes_write() {
    let (postgres, first) = fresh().await;
    let space = workspace(&first, 10).await;
    let mut writers = Vec::new();
    for process in 0..4_u8 {
        let storage = PostgresStorage::open(&postgres.url()).await.unwrap();
        writers.push(tokio::spawn(async move {
            for n in 0..20 {
                let mut tx = storage.begin(space).await.unwrap();
                let head = tx.workspace().await.unwrap().unwrap().head;
                assert_eq!(tx.append(&[entry(process * 20 + n + 1)]).await.unwrap(), head + 1);
                // Every third gives up after it has written.
                if n % 3 == 2 {
                    drop(tx);
                } else {
                    tx.commit().await.unwrap();
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = postgres.run("SELECT count(*), min(seq), max(seq) FROM changes").unwrap();
    assert_eq!(stored.trim(), "56|1|56");
    assert_eq!(first.workspace(space).await.unwrap().unwrap().head, 56);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_commits_the_others_hear_at_once() {
    let (postgres, here) = fresh().await;
    let there = PostgresStorage::open(&postgres.url()).await.unwrap();
    let space = workspace(&here, 10).await;
    let mut listener = there.listen().await.unwrap().unwrap();
    let hear = |listener: &mut Box<dyn Listener>| {
        let heard = listener.next();
        // No borrow of the caller's outlives this.
        futures::executor::block_on(heard)
    };
    let mut lost = here.begin(space).await.unwrap();
    lost.append(&[entry(1)]).await.unwrap();
    drop(lost);
    let mut tx = here.begin(space).await.unwrap();
    tx.append(&[entry(1), entry(2)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        tokio::task::block_in_place(|| hear(&mut listener)).unwrap(),
        News::Head { workspace: space, head: 2 },
        "what was not committed is no news"
    );
    drop(postgres);
    let lost = tokio::time::timeout(Duration::from_secs(10), listener.next()).await.unwrap();
    assert!(matches!(lost, Err(StorageError::Failed(_))), "{lost:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let (postgres, storage) = fresh().await;
    storage.close().await;
    postgres
        .run("INSERT INTO _sqlx_migrations VALUES (99990101000000, 'later', now(), true, ''::bytea, 1)")
        .unwrap();
    let refused = PostgresStorage::open(&postgres.url()).await;
    assert!(matches!(refused, Err(StorageError::NewerVersion)), "{refused:?}");
}

#[tokio::test]
async fn who_cannot_connect_is_told_where_and_why_and_never_the_password() {
    let postgres = Postgres::start().unwrap();
    let nowhere = "postgres://desk:s3cret@127.0.0.1:1/desk";
    let missing = postgres.url().replace("/postgres?", "/absent?");
    for (url, told) in [
        (nowhere, "127.0.0.1:1 as \"desk\""),
        (missing.as_str(), "\"absent\""),
        ("mysql://desk:s3cret@db/desk", "does not begin with postgres://"),
        ("postgres://desk:s3cret@db:port/desk", "a URL looks like"),
    ] {
        let error = PostgresStorage::open(url).await.unwrap_err();
        assert!(matches!(error, StorageError::Unreachable { .. }), "{error:?}");
        let error = error.to_string();
        assert!(error.contains(told) && !error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_nul_character_is_in_no_name() {
    let (_postgres, storage) = fresh().await;
    let space = workspace(&storage, 10).await;
    assert_eq!(storage.workspace_by_slug("space\0").await.unwrap(), None);
    assert_eq!(storage.member_by_email(space, "a\0@b").await.unwrap(), None);
    assert_eq!(storage.access(Uuid::nil()).await.unwrap(), None);
}

#[tokio::test]
async fn it_works_again_once_the_database_does() {
    let (mut postgres, storage) = fresh().await;
    let space = workspace(&storage, 10).await;
    postgres.restart().unwrap();
    assert!(storage.workspace(space).await.unwrap().is_some());
    let mut tx = storage.begin(space).await.unwrap();
    tx.append(&[entry(1)]).await.unwrap();
    tx.commit().await.unwrap();
}
