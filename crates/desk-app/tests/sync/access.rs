//! Devices and members whose access was taken away.

use desk_app::DeskEvent;
use workernet_server::{members, storage::Devices};

use super::*;

/// Everything that stands in a data directory, searched for a text that was typed.
fn remains_of(dir: &Path, text: &str) -> Vec<String> {
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| holds(path)).map(|path| path.display().to_string()).collect()
}

async fn revoke_all(server: &Server) {
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    for device in server.storage.devices(workspace.id).await.unwrap() {
        assert!(server.storage.revoke_device(device.id, now()).await.unwrap());
    }
}

pub(super) async fn devices(server: &Server) -> usize {
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    server.storage.devices(workspace.id).await.unwrap().len()
}

#[tokio::test]
async fn a_revoked_device_erases_everything_and_begins_anew() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Секрет")).await.unwrap().ticket.id;
    desk.sync_once().await.unwrap();
    desk.create_ticket(titled("не отправлена")).await.unwrap();
    desk.save_draft("reply/x".into(), "черновик".into()).await.unwrap();
    let before = std::fs::read(dir.path().join("desk.db")).unwrap();
    let key = std::fs::read(dir.path().join("store.key")).unwrap();
    std::fs::write(dir.path().join("desk.db.leftover"), "Секрет").unwrap();
    let mut events = desk.events();

    revoke_all(&server).await;
    let told = desk.sync_once().await.unwrap_err();
    assert_eq!(told.code, ErrorCode::DeviceRevoked);
    assert!(told.message.contains("erased"), "{told}");

    assert!(desk.signed_in().is_none());
    assert!(desk.ticket(id).await.unwrap().is_none());
    assert_eq!(desk.draft("reply/x").await.unwrap(), None);
    assert_eq!(desk.sync_view().await.unwrap().waiting, 0);
    let view = desk.session_view().await.unwrap();
    assert_eq!(view.ended.unwrap().code, ErrorCode::DeviceRevoked);
    assert!(view.last_sign_in.is_none() && view.workspace.is_none());
    assert_eq!(remains_of(dir.path(), "Секрет"), Vec::<String>::new());
    assert_ne!(std::fs::read(dir.path().join("store.key")).unwrap(), key, "the old key is nowhere");
    assert_ne!(std::fs::read(dir.path().join("desk.db")).unwrap(), before);
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let ended = told.filter(
        |event| matches!(event, DeskEvent::SignedOut(Some(why)) if why.code == ErrorCode::DeviceRevoked),
    );
    assert_eq!(ended.count(), 1, "the window is told once");
    let late = desk.save_draft("reply/x".into(), "черновик".into()).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::SignedOut, "what a window still saves is not kept");

    // The same member, as a new device.
    assert_eq!(devices(&server).await, 1);
    desk.sign_in(&server.url, "acme", "anna@acme.example", PASSWORD).await.unwrap();
    assert_eq!(desk.session_view().await.unwrap().ended, None);
    desk.sync_once().await.unwrap();
    assert_eq!(devices(&server).await, 2);
    assert_eq!(ticket(&desk, id).await.ticket.title, "Секрет");
    desk.close().await;
    drop(desk);
    assert!(
        try_open(dir.path()).await.unwrap().signed_in().is_some(),
        "the fresh store opens with the fresh key"
    );
}

#[tokio::test]
async fn a_member_who_left_keeps_nothing_on_any_device() {
    let server = Server::start().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let desk = server.desk(one.path(), "anna").await;
    let away = server.desk(two.path(), "anna").await;
    let id = desk.create_ticket(titled("Секрет")).await.unwrap().ticket.id;
    level(&[&desk, &away]).await;
    let change = members::Change::Active(false);
    members::change(&server.storage, "acme", "anna@acme.example", change, now(), &server.ids())
        .await
        .unwrap();
    for desk in [desk, away] {
        assert_eq!(desk.sync_once().await.unwrap_err().code, ErrorCode::AccessEnded);
        assert!(desk.ticket(id).await.unwrap().is_none());
        let again = desk.sign_in(&server.url, "acme", "anna@acme.example", PASSWORD).await.unwrap_err();
        assert_eq!(again.code, ErrorCode::WrongCredentials);
        assert_eq!(desk.session_view().await.unwrap().ended.unwrap().code, ErrorCode::AccessEnded);
    }
}

#[tokio::test]
async fn the_driver_erases_as_soon_as_it_is_told() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Секрет")).await.unwrap().ticket.id;
    let mut events = desk.events();
    let _driver = desk.start_sync();
    revoke_all(&server).await;
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Ok(DeskEvent::SignedOut(why)) = events.recv().await {
                return why;
            }
        }
    });
    assert_eq!(told.await.unwrap().unwrap().code, ErrorCode::DeviceRevoked);
    assert!(desk.ticket(id).await.unwrap().is_none());
    // The driver goes on with whoever signs in next.
    desk.sign_in(&server.url, "acme", "boris@acme.example", PASSWORD).await.unwrap();
    let other = desk.create_ticket(titled("Дальше")).await.unwrap().ticket.id;
    let (b_dir, mut arrived) = (tempfile::tempdir().unwrap(), false);
    let maria = server.desk(b_dir.path(), "maria").await;
    for _ in 0..200 {
        maria.sync_once().await.unwrap();
        arrived = maria.ticket(other).await.unwrap().is_some();
        if arrived {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(arrived);
}

#[tokio::test]
async fn somebody_elses_server_erases_nothing() {
    let (server, other) = (Server::start().await, Server::start().await);
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    desk.create_ticket(titled("важная")).await.unwrap();
    let digest = desk.digest().await.unwrap();
    let told = r#"{"code":"device_revoked","message":"this device was revoked by an administrator"}"#;
    let foreign = hex::encode([7; 32]);
    for proof in [String::new(), format!("erase-proof: {foreign}\r\n"), "erase-proof: x\r\n".to_owned()] {
        let answer = format!(
            "HTTP/1.1 403 Forbidden\r\n{proof}content-length: {}\r\nconnection: close\r\n\r\n{told}",
            told.len()
        );
        let url = liar(answer.into_bytes()).await;
        desk.point_to(&url).await.unwrap();
        assert_eq!(desk.sync_once().await.unwrap_err().code, ErrorCode::BadServer);
        let signing_in = desk.sign_in(&url, "acme", "anna@acme.example", PASSWORD).await.unwrap_err();
        assert_eq!(signing_in.code, ErrorCode::BadServer);
        assert_eq!(desk.digest().await.unwrap(), digest);
        assert_eq!(desk.sync_view().await.unwrap().waiting, 1);
    }
    // A real server that has really revoked the device, but is not the one it signed in at.
    let stranger = tempfile::tempdir().unwrap();
    let theirs = other.desk(stranger.path(), "anna").await;
    let url = liar_that_forwards(&other, &theirs).await;
    desk.point_to(&url).await.unwrap();
    assert_eq!(desk.sync_once().await.unwrap_err().code, ErrorCode::BadServer);
    assert_eq!(desk.digest().await.unwrap(), digest);
    desk.point_to(&server.url).await.unwrap();
    assert_eq!(desk.sync_once().await.unwrap().pushed, 1);
}

/// Answers with the true proof of another server for another device.
async fn liar_that_forwards(server: &Server, desk: &Desk) -> String {
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let device = server.storage.devices(workspace.id).await.unwrap()[0].id;
    assert!(desk.signed_in().is_some());
    let secret = server.storage.secret("erasure_key", b"unused: it is there").await.unwrap();
    let proof = workernet_server::auth::erasure::Erasure::new(&secret).unwrap().proof(device);
    let told = r#"{"code":"device_revoked","message":"revoked"}"#;
    let answer = format!(
        "HTTP/1.1 403 Forbidden\r\nerase-proof: {proof}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{told}",
        told.len()
    );
    liar(answer.into_bytes()).await
}

#[tokio::test]
async fn erasing_that_was_interrupted_is_finished_at_the_next_start() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let id = desk.create_ticket(titled("Секрет")).await.unwrap().ticket.id;
    desk.close().await;
    drop(desk);
    let reason = r#"{"code":"device_revoked","message":"revoked"}"#;
    // Killed after the marker, and killed after the key was gone.
    for key_gone in [false, true] {
        std::fs::write(dir.path().join("erasing"), reason).unwrap();
        if key_gone {
            std::fs::remove_file(dir.path().join("store.key")).unwrap();
        }
        let desk = open(dir.path()).await;
        assert!(desk.signed_in().is_none());
        assert!(desk.ticket(id).await.unwrap().is_none());
        assert_eq!(desk.session_view().await.unwrap().ended.unwrap().message, "revoked");
        assert!(!dir.path().join("erasing").exists());
        desk.close().await;
    }
}

#[tokio::test]
async fn two_copies_of_the_program_erase_one_store_once() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let window = server.desk(dir.path(), "anna").await;
    let command = open(dir.path()).await;
    revoke_all(&server).await;
    assert_eq!(command.sync_once().await.unwrap_err().code, ErrorCode::DeviceRevoked);
    command.sign_in(&server.url, "acme", "boris@acme.example", PASSWORD).await.unwrap();
    let id = command.create_ticket(titled("Новая")).await.unwrap().ticket.id;
    // The other copy still has the old store open; it must not take the new one away.
    assert_eq!(window.sync_once().await.unwrap_err().code, ErrorCode::DeviceRevoked);
    assert_eq!(ticket(&command, id).await.ticket.title, "Новая");
    assert_eq!(ticket(&window, id).await.ticket.title, "Новая");
    assert_eq!(window.signed_in().unwrap().email, "boris@acme.example");
    assert_eq!(command.sync_once().await.unwrap().pushed, 1);
}
