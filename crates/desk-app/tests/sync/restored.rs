//! A server that was restored from an older backup, with its real files.

use super::{
    bootstrap::{Fault, between},
    *,
};

/// The files of a directory, copied.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// A copy of the server's files as they are now, and the server again, at another address.
async fn back_up(server: Server) -> (Server, tempfile::TempDir) {
    let dir = server.stop().await;
    let backup = copy(dir.path());
    (Server::open(dir).await, backup)
}

/// Ends the server and starts one on the backup.
async fn restore(server: Server, backup: tempfile::TempDir) -> Server {
    drop(server.stop().await);
    Server::open(backup).await
}

async fn point(desks: &[&Desk], server: &Server) {
    for desk in desks {
        desk.point_to(&server.url).await.unwrap();
    }
}

pub(crate) async fn tag(desk: &Desk, id: DocId, tag: &str) {
    desk.edit_ticket(id, vec![TicketOp::SetTag { tag: tag.into(), on: true }]).await.unwrap();
}

pub(crate) async fn tags(desk: &Desk, id: DocId) -> Vec<String> {
    ticket(desk, id).await.ticket.tags.into_iter().collect()
}

/// Syncs until everybody has everything, and says that nobody was refused anything.
pub(crate) async fn all_level(desks: &[&Desk]) {
    for _ in 0..3 {
        for desk in desks {
            desk.sync_once().await.unwrap();
        }
    }
    let mut digests = Vec::new();
    for desk in desks {
        assert_eq!(desk.rejected().await.unwrap(), [], "{}", desk.signed_in().unwrap().email);
        assert_eq!(desk.sync_view().await.unwrap().waiting, 0);
        digests.push(desk.digest().await.unwrap().digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[tokio::test]
async fn a_restored_server_gets_back_what_it_lost() {
    let server = Server::start().await;
    let (a_dir, b_dir, c_dir) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (anna, boris) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let old = anna.create_ticket(titled("до копии")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    let (server, backup) = back_up(server).await;
    point(&[&anna, &boris], &server).await;

    // After the backup: new tickets of both, edits of each other's, and one that only its author has seen accepted.
    let lost = anna.create_ticket(titled("после копии")).await.unwrap().ticket.id;
    tag(&anna, old, "анна").await;
    level(&[&anna, &boris]).await;
    tag(&boris, lost, "борис").await;
    boris.add_comment(old, Visibility::Internal, "после копии".into()).await.unwrap();
    level(&[&boris, &anna]).await;
    tag(&anna, lost, "никто не видел").await;
    anna.sync_once().await.unwrap();
    // And one that was never sent.
    tag(&boris, old, "не отправлено").await;

    let server = restore(server, backup).await;
    point(&[&anna, &boris], &server).await;
    all_level(&[&boris, &anna]).await;
    for desk in [&anna, &boris] {
        assert_eq!(tags(desk, old).await, ["анна", "не отправлено"]);
        assert_eq!(tags(desk, lost).await, ["борис", "никто не видел"]);
        assert_eq!(ticket(desk, old).await.ticket.comments.len(), 1);
    }
    // A device that never saw the lost log finds everything at the server.
    let fresh = server.desk(c_dir.path(), "maria").await;
    all_level(&[&fresh, &anna]).await;
    assert_eq!(tags(&fresh, lost).await, ["борис", "никто не видел"]);
    // And the way goes on as ever.
    tag(&anna, old, "дальше").await;
    all_level(&[&anna, &boris, &fresh]).await;
}

#[tokio::test]
async fn what_was_written_before_anybody_noticed_stays_too() {
    let server = Server::start().await;
    let (a_dir, b_dir, c_dir) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (anna, boris) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let maria = server.desk(c_dir.path(), "maria").await;
    let old = anna.create_ticket(titled("до копии")).await.unwrap().ticket.id;
    level(&[&anna, &boris, &maria]).await;
    let (server, backup) = back_up(server).await;
    point(&[&anna, &boris, &maria], &server).await;
    let lost = anna.create_ticket(titled("после копии")).await.unwrap().ticket.id;
    tag(&anna, old, "анна").await;
    level(&[&anna, &boris]).await;

    let server = restore(server, backup).await;
    point(&[&anna, &boris, &maria], &server).await;
    // Maria saw nothing of the lost log: for her the server is as it was. So is it for who signs in anew.
    tag(&maria, old, "мария").await;
    for title in ["раз", "два", "три", "четыре"] {
        maria.create_ticket(titled(title)).await.unwrap();
    }
    maria.sync_once().await.unwrap();
    // The log is longer now than the others' cursors; that alone would hide what is gone. The author of the lost changes does
    // not come back at all.
    drop(anna);
    tag(&boris, old, "борис").await;
    all_level(&[&boris, &maria]).await;
    for desk in [&boris, &maria] {
        assert_eq!(tags(desk, old).await, ["анна", "борис", "мария"]);
        assert_eq!(ticket(desk, lost).await.ticket.title, "после копии");
        assert_eq!(
            desk.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 10).await.unwrap().rows.len(),
            6
        );
    }
}

#[tokio::test]
async fn a_number_that_was_used_again_keeps_nobody_from_going_on() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (anna, boris) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let id = anna.create_ticket(titled("до копии")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    // Last night's backups: of the server, and of Anna's machine.
    anna.close().await;
    drop(anna);
    let machine = copy(a_dir.path());
    let (server, backup) = back_up(server).await;
    let anna = open(a_dir.path()).await;
    point(&[&anna, &boris], &server).await;
    tag(&anna, id, "потеряно").await;
    level(&[&anna, &boris]).await;
    tag(&boris, id, "борис").await;
    boris.sync_once().await.unwrap();
    anna.close().await;
    drop(anna);

    // Both are restored, and Anna writes something else under the number that the lost change had.
    let server = restore(server, backup).await;
    let anna = open(machine.path()).await;
    point(&[&anna, &boris], &server).await;
    tag(&anna, id, "снова").await;
    anna.sync_once().await.unwrap();
    tag(&boris, id, "дальше").await;
    for _ in 0..3 {
        boris.sync_once().await.unwrap();
        anna.sync_once().await.unwrap();
    }
    assert_eq!(boris.digest().await.unwrap().digest, anna.digest().await.unwrap().digest);
    let here = tags(&boris, id).await;
    assert!(here.contains(&"снова".to_owned()) && here.contains(&"дальше".to_owned()), "{here:?}");
    // What cannot stand beside it any more is shown to who had it: the change itself, and what was built on it.
    assert_eq!(boris.rejected().await.unwrap().len(), 2);
    assert_eq!(boris.sync_view().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_device_that_was_being_filled_when_the_server_was_restored_gets_level() {
    let server = Server::start().await;
    let (a_dir, m_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    anna.create_ticket(titled("до копии")).await.unwrap();
    anna.sync_once().await.unwrap();
    let (server, backup) = back_up(server).await;
    point(&[&anna], &server).await;
    for title in ["раз", "два", "три"] {
        anna.create_ticket(titled(title)).await.unwrap();
    }
    anna.sync_once().await.unwrap();
    // The settings that the new device begins with are of after the backup, too; no other device has them yet.
    server.member("vera", Role::Agent).await;
    let (url, _) = between(&server.url, Fault::Cut(0)).await;
    let maria = open(m_dir.path()).await;
    maria.sign_in(&url, "acme", "maria@acme.example", PASSWORD).await.unwrap();
    maria.sync_once().await.unwrap_err();
    assert_eq!(maria.workspace().unwrap().members.len(), 4);

    let server = restore(server, backup).await;
    point(&[&anna], &server).await;
    // The server does not know her device any more.
    maria.sign_in(&server.url, "acme", "maria@acme.example", PASSWORD).await.unwrap();
    for _ in 0..3 {
        // Whoever has not everything tries again, as the window does by itself.
        let _ = maria.sync_once().await;
        anna.sync_once().await.unwrap();
    }
    maria.sync_once().await.unwrap();
    assert_eq!(maria.digest().await.unwrap(), anna.digest().await.unwrap());
    let late_dir = tempfile::tempdir().unwrap();
    let late = server.desk(late_dir.path(), "maria").await;
    assert_eq!(maria.digest().await.unwrap(), late.digest().await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_restored_once_more_gets_back_what_it_lost_again() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (anna, boris) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let id = anna.create_ticket(titled("до копии")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    let (server, backup) = back_up(server).await;
    point(&[&anna, &boris], &server).await;
    tag(&anna, id, "потеряно").await;
    level(&[&anna, &boris]).await;

    let same_backup = copy(backup.path());
    let server = restore(server, backup).await;
    point(&[&anna], &server).await;
    anna.sync_once().await.unwrap();
    anna.create_ticket(titled("после первого раза")).await.unwrap();
    anna.sync_once().await.unwrap();
    // He finds nothing missing on the server, and learns no more of it before the next time.
    let (url, _) = between(&server.url, Fault::Cut(0)).await;
    boris.point_to(&url).await.unwrap();
    boris.sync_once().await.unwrap_err();
    assert_eq!(boris.sync_view().await.unwrap().waiting, 0);
    // Her device is never seen again.
    anna.close().await;
    let server = restore(server, same_backup).await;
    point(&[&boris], &server).await;
    for _ in 0..3 {
        boris.sync_once().await.unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let late = server.desk(dir.path(), "maria").await;
    assert_eq!(tags(&late, id).await, ["потеряно"]);
    assert_eq!(late.digest().await.unwrap(), boris.digest().await.unwrap());
}

#[tokio::test]
async fn a_recovery_that_was_interrupted_goes_on() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    let (server, backup) = back_up(server).await;
    anna.point_to(&server.url).await.unwrap();
    let lost = anna.create_ticket(titled("после копии")).await.unwrap().ticket.id;
    anna.sync_once().await.unwrap();
    let server = restore(server, backup).await;
    anna.point_to(&server.url).await.unwrap();

    // The network fails after the device has learnt of it: at each of its next requests, one after the other.
    let mut failures = 0;
    for allowed in 0..12 {
        let url = cut_after(&server, allowed).await;
        anna.point_to(&url).await.unwrap();
        if anna.sync_once().await.is_ok() {
            break;
        }
        failures += 1;
        assert_eq!(ticket(&anna, lost).await.ticket.title, "после копии");
    }
    assert!(failures >= 3, "{failures}");
    anna.point_to(&server.url).await.unwrap();
    let boris = server.desk(b_dir.path(), "boris").await;
    all_level(&[&anna, &boris]).await;
    assert_eq!(ticket(&boris, lost).await.ticket.title, "после копии");
}

/// A way to the server on which the first `allowed` connections are let through whole and all others are cut.
async fn cut_after(server: &Server, allowed: usize) -> String {
    let target = server.url.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            if number >= allowed {
                continue;
            }
            let mut upstream = tokio::net::TcpStream::connect(&target).await.unwrap();
            tokio::spawn(async move {
                // One request: what comes after it on the same connection is cut, too.
                let mut request = vec![0; 65_536];
                let read = client.read(&mut request).await.unwrap_or(0);
                request.truncate(read);
                let line_end = request.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                request.splice(line_end..line_end, *b"connection: close\r\n");
                let _ = upstream.write_all(&request).await;
                let _ = tokio::io::copy(&mut upstream, &mut client).await;
            });
        }
    });
    url
}
