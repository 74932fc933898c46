//! A full disk: the batch is refused whole, what was there stays, and the store works again when there is room.

use std::{path::Path, process::Command};

use desk_api::view::TicketFilter;
use desk_store::{Batch, DocWrite, OpenOptions, Store, StoreError};
use sha2::{Digest, Sha256};

use crate::sample::*;

fn batch(first: u128, count: u128) -> Batch {
    // It does not compress.
    let noise = |n: u128| {
        (0..250_u128).flat_map(|i| Sha256::digest((n * 1_000 + i).to_le_bytes())).collect::<Vec<u8>>()
    };
    let docs = (first..first + count)
        .map(|n| DocWrite { snapshot: noise(n), ..new_ticket(ticket(n, &format!("Принтер {n}"))) });
    Batch::of_docs(docs.collect())
}

/// A file system of a few megabytes; `None` where the test may not mount one.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self { dir })
    }
}

impl SmallDisk {
    /// From now on nothing can be written to it.
    fn lock(&self) {
        let locked = Command::new("mount").args(["-o", "remount,ro"]).arg(self.dir.path()).status();
        assert!(locked.is_ok_and(|status| status.success()), "the disk can still be written to");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.dir.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the small disk is still mounted");
    }
}

async fn fill(path: &Path) -> (Store, u128) {
    let store = Store::open(path, &key(), OpenOptions::default()).await.expect("opens").store;
    store.commit(&batch(0, 10)).await.expect("there is room");
    let mut stored = 10;
    loop {
        match store.commit(&batch(stored, 40)).await {
            Ok(_) => stored += 40,
            Err(StoreError::DiskFull) => return (store, stored),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_and_keeps_the_rest() {
    let Some(disk) = SmallDisk::mount(8) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let path = disk.dir.path().join("desk.db");
    let ballast = disk.dir.path().join("ballast");
    std::fs::write(&ballast, vec![0; 2_000_000]).expect("writes");
    let (store, stored) = fill(&path).await;
    assert!(stored < 1_000);
    assert_eq!(u128::from(store.documents_len().await.expect("reads")), stored);
    assert_eq!(u128::from(store.count_tickets(&TicketFilter::default(), NOW).await.expect("counts")), stored);
    assert!(store.document(id(3)).await.expect("reads").is_some());
    // Full again, not broken.
    assert!(matches!(store.commit(&batch(stored, 400)).await, Err(StoreError::DiskFull)));
    std::fs::remove_file(&ballast).expect("makes room");
    store.commit(&batch(stored, 1)).await.expect("commits");
    let health = store.check().await.expect("checks");
    assert!(health.is_good() && u128::from(health.documents) == stored + 1, "{health:?}");
    store.close().await;

    // And after a restart.
    let store = Store::open(&path, &key(), OpenOptions::default()).await.expect("opens").store;
    assert_eq!(u128::from(store.documents_len().await.expect("reads")), stored + 1);
    assert!(store.check().await.expect("checks").is_good());
    store.close().await;
}

#[tokio::test]
async fn a_store_on_a_disk_that_cannot_be_written_is_only_read() {
    let Some(disk) = SmallDisk::mount(8) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let path = disk.dir.path().join("desk.db");
    let store = Store::open(&path, &key(), OpenOptions::default()).await.expect("opens").store;
    store.commit(&batch(0, 10)).await.expect("commits");
    store.close().await;
    disk.lock();
    let refused = Store::open(&path, &key(), OpenOptions::default()).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    let reading = OpenOptions { read_only: true, ..OpenOptions::default() };
    let store = Store::open(&path, &key(), reading).await.expect("opens").store;
    assert_eq!(store.documents_len().await.expect("reads"), 10);
    store.close().await;
}
