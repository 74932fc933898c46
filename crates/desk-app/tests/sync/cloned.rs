//! A store that exists twice: cloned to a second machine, or restored from a backup.

use desk_store::{Key, OpenOptions, Store};
use desk_sync::wire::BATCH_BYTES;
use workernet_server::storage::Devices;

use super::{restored::*, *};

async fn devices_of_anna(server: &Server) -> usize {
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let anna = server.storage.member_by_email(workspace.id, "anna@acme.example").await.unwrap().unwrap();
    let devices = server.storage.devices(workspace.id).await.unwrap();
    devices.iter().filter(|device| device.member == Some(anna.id)).count()
}

#[tokio::test]
async fn two_copies_of_a_store_go_on_as_two_devices_and_lose_nothing() {
    let server = Server::start().await;
    let (dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = server.desk(dir.path(), "anna").await;
    let id = one.create_ticket(titled("Общая")).await.unwrap().ticket.id;
    let other = one.create_ticket(titled("Вторая")).await.unwrap().ticket.id;
    one.sync_once().await.unwrap();
    one.close().await;
    drop(one);
    let copied = copy(dir.path());
    let (one, two) = (open(dir.path()).await, open(copied.path()).await);

    // Both edit the same tickets offline, under the same numbers of the same actor.
    tag(&one, id, "первая").await;
    one.add_comment(other, Visibility::Internal, "из первой".into()).await.unwrap();
    let mine = one.create_ticket(titled("из первой")).await.unwrap().ticket.id;
    tag(&two, id, "вторая").await;
    tag(&two, id, "ещё").await;
    two.add_comment(other, Visibility::Internal, "из второй".into()).await.unwrap();
    let theirs = two.create_ticket(titled("из второй")).await.unwrap().ticket.id;
    assert_eq!(devices_of_anna(&server).await, 1);
    let boris = server.desk(b_dir.path(), "boris").await;
    all_level(&[&one, &two, &boris]).await;
    for desk in [&one, &two, &boris] {
        assert_eq!(tags(desk, id).await, ["вторая", "ещё", "первая"]);
        assert_eq!(ticket(desk, other).await.ticket.comments.len(), 2);
        for (doc, title) in [(mine, "из первой"), (theirs, "из второй")] {
            assert_eq!(ticket(desk, doc).await.ticket.title, title);
        }
    }
    assert!(devices_of_anna(&server).await >= 2, "each copy is a device of its own");
    // From here on they are two devices like any others.
    let before = devices_of_anna(&server).await;
    tag(&one, id, "а").await;
    tag(&two, id, "б").await;
    all_level(&[&one, &two, &boris]).await;
    assert_eq!(devices_of_anna(&server).await, before);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_device_that_was_restored_from_a_backup_does_not_use_its_numbers_twice() {
    let server = Server::start().await;
    let (dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Общая")).await.unwrap().ticket.id;
    desk.sync_once().await.unwrap();
    // The backup holds an edit that was not sent yet; it was sent afterwards.
    tag(&desk, id, "в копии").await;
    desk.close().await;
    drop(desk);
    let backup = copy(dir.path());
    let desk = open(dir.path()).await;
    desk.sync_once().await.unwrap();
    tag(&desk, id, "после копии").await;
    desk.sync_once().await.unwrap();
    desk.close().await;
    drop(desk);

    let restored = open(backup.path()).await;
    tag(&restored, id, "восстановлена").await;
    let boris = server.desk(b_dir.path(), "boris").await;
    all_level(&[&restored, &boris]).await;
    for desk in [&restored, &boris] {
        assert_eq!(tags(desk, id).await, ["в копии", "восстановлена", "после копии"]);
    }
    assert_eq!(devices_of_anna(&server).await, 2);
}

/// What opens next on the store is on another machine than before.
async fn move_to_another_machine(dir: &Path) {
    let key = Key::from_hex(&std::fs::read_to_string(dir.join("store.key")).unwrap()).unwrap();
    let opened = Store::open(&dir.join("desk.db"), &key, OpenOptions::default()).await.unwrap();
    opened.store.set_meta("machine", Some(b"another")).await.unwrap();
    opened.store.close().await;
}

#[tokio::test]
async fn a_copy_makes_nothing_again_that_the_original_has_sent() {
    let server = Server::start().await;
    let (dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Общая")).await.unwrap().ticket.id;
    desk.sync_once().await.unwrap();
    // More waits than is sent at once.
    let many = 1 + 3 * BATCH_BYTES / 32_000;
    let mut seed = 7_u64;
    for _ in 0..many {
        // What is written is packed: 16 letters of this are no less than 8 bytes.
        let page = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{seed:016x}")
        });
        let page: String = page.take(2_000).collect();
        desk.create_ticket(NewTicket { description: page, ..titled("Ещё одна") }).await.unwrap();
    }
    desk.close().await;
    drop(desk);
    let copied = copy(dir.path());
    move_to_another_machine(copied.path()).await;
    let one = open(dir.path()).await;
    one.sync_once().await.unwrap();
    let two = open(copied.path()).await;
    tag(&two, id, "вторая").await;
    let boris = server.desk(b_dir.path(), "boris").await;
    all_level(&[&one, &two, &boris]).await;
    for desk in [&one, &two, &boris] {
        assert_eq!(tags(desk, id).await, ["вторая"]);
    }
}

#[tokio::test]
async fn a_store_that_opens_on_another_machine_is_a_new_device_before_it_clashes() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Общая")).await.unwrap().ticket.id;
    desk.sync_once().await.unwrap();
    desk.close().await;
    drop(desk);
    if desk_app::machine::identity().is_none() {
        return;
    }
    move_to_another_machine(dir.path()).await;

    let desk = open(dir.path()).await;
    tag(&desk, id, "здесь").await;
    assert_eq!(desk.sync_once().await.unwrap().rejected, 0);
    assert_eq!(devices_of_anna(&server).await, 2);
    desk.close().await;
    drop(desk);
    let desk = open(dir.path()).await;
    desk.sync_once().await.unwrap();
    assert_eq!(devices_of_anna(&server).await, 2, "once");
    assert_eq!(tags(&desk, id).await, ["здесь"]);
}
