//! Other processes: one is killed while it commits, and whatever it was told is done is there and nothing is half there;
//! several write at the same time.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use desk_store::{Batch, OpenOptions, Store};

use crate::sample::*;

const PATH: &str = "DESK_STORE_CRASH_PATH";
/// Documents of one commit.
const TOGETHER: u128 = 20;

/// The process that is killed: commits until then, and says each time that it did. Does nothing as an ordinary test.
#[tokio::test]
async fn the_killed_process() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let store = Store::open(Path::new(&path), &key(), OpenOptions::default()).await.expect("opens").store;
    let start = u128::from(store.documents_len().await.expect("counts")) / TOGETHER;
    for round in start.. {
        let numbers = round * TOGETHER..(round + 1) * TOGETHER;
        let batch = Batch {
            docs: numbers.clone().map(|n| new_ticket(ticket(n, &format!("Принтер {n}")))).collect(),
            cursor: Some(u64::try_from(round + 1).expect("small")),
            meta: vec![("round".to_owned(), Some(round.to_string().into_bytes()))],
            ..Batch::default()
        };
        store.commit(&batch).await.expect("commits");
        println!("committed {}", round + 1);
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_committed_and_leaves_nothing_half_done() {
    let place = Place::new();
    let mut confirmed = 0;
    for kill in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "crash::the_killed_process", "--nocapture"])
            .env(PATH, place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        // After a different number of commits each time, somewhere in the next one.
        let mut left = 2 + kill * 7;
        for line in output.lines() {
            let line = line.expect("reads");
            // The test harness writes its own words before the first line.
            if let Some((_, round)) = line.split_once("committed ") {
                confirmed = round.parse().expect("a number");
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        child.kill().expect("kills");
        child.wait().expect("ends");

        let store = place.open().await;
        let rounds = store.cursor().await.expect("reads");
        assert!(rounds >= confirmed, "{rounds} of {confirmed}");
        let documents = store.documents_len().await.expect("counts");
        assert_eq!(u128::from(documents), u128::from(rounds) * TOGETHER);
        let round = store.meta_text("round").await.expect("reads");
        assert_eq!(round, Some((rounds - 1).to_string()));
        let health = store.check().await.expect("checks");
        assert!(health.is_good() && health.documents == documents, "{health:?}");
        store.close().await;
    }
    assert!(confirmed >= 50);
}

const WRITER: &str = "DESK_STORE_WRITER";
/// Commits of one writer.
const COMMITS: u128 = 40;

/// One of the processes that write at the same time. Does nothing as an ordinary test.
#[tokio::test]
async fn one_of_several_writers() {
    let (Ok(path), Ok(writer)) = (std::env::var(PATH), std::env::var(WRITER)) else {
        return;
    };
    let writer: u128 = writer.parse().expect("a number");
    let store = Store::open(Path::new(&path), &key(), OpenOptions::default()).await.expect("opens").store;
    for commit in 0..COMMITS {
        let first = writer * 1_000_000 + commit * TOGETHER;
        let docs =
            (first..first + TOGETHER).map(|n| new_ticket(ticket(n, &format!("Принтер {n}")))).collect();
        store.commit(&Batch::of_docs(docs)).await.expect("commits");
    }
    store.close().await;
}

#[tokio::test]
async fn several_processes_write_one_store_at_the_same_time() {
    let place = Place::new();
    let writers: Vec<_> = (1..=3)
        .map(|writer| {
            Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "crash::one_of_several_writers", "--nocapture"])
                .env(PATH, place.path())
                .env(WRITER, writer.to_string())
                .stdout(Stdio::null())
                .spawn()
                .expect("starts")
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().expect("ends").success());
    }
    let store = place.open().await;
    let health = store.check().await.expect("checks");
    assert!(health.is_good(), "{health:?}");
    assert_eq!(u128::from(health.documents), 3 * COMMITS * TOGETHER);
}
