//! A new device gets the workspace from segments.

use std::sync::atomic::{AtomicUsize, Ordering};

use desk_app::DeskEvent;

use super::{scopes::set_team, *};

/// What a server in front of the server does wrong.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    None,
    /// It breaks off the answer to this request of a segment or of whole documents.
    Cut(usize),
    /// It says so often that the segments are not ready.
    Unready(usize),
}

/// A server in front of the server: counts requests, and does something wrong.
pub(super) async fn between(server: &str, fault: Fault) -> (String, Arc<Mutex<Vec<String>>>) {
    let target = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (segments, begun) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (target, log) = (target.clone(), Arc::clone(&log));
            let (segments, begun) = (Arc::clone(&segments), Arc::clone(&begun));
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                let (mut from_client, mut to_client) = client.split();
                let (mut from_server, mut to_server) = server.split();
                let mut request = vec![0; 64 * 1024];
                loop {
                    let n = tokio::select! {
                        n = from_client.read(&mut request) => n.unwrap_or(0),
                        n = tokio::io::copy(&mut from_server, &mut to_client) => { let _ = n; return }
                    };
                    if n == 0 {
                        return;
                    }
                    let head = String::from_utf8_lossy(&request[..n]);
                    let line = head.lines().next().unwrap_or_default().to_owned();
                    let is_segment =
                        line.contains("/v1/sync/segments/") || line.contains("/v1/sync/documents");
                    let is_beginning = line.contains("/v1/sync/bootstrap");
                    log.lock().unwrap().push(line);
                    let answer = match fault {
                        // What was promised does not come.
                        Fault::Cut(nth) if is_segment && segments.fetch_add(1, Ordering::SeqCst) == nth => {
                            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nWNDG".to_owned()
                        }
                        Fault::Unready(times)
                            if is_beginning && begun.fetch_add(1, Ordering::SeqCst) < times =>
                        {
                            let body = r#"{"code":"server_busy","message":"7 documents so far"}"#;
                            let length = body.len();
                            format!(
                                "HTTP/1.1 503 Busy\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                            )
                        }
                        _ => String::new(),
                    };
                    if !answer.is_empty() {
                        let _ = to_client.write_all(answer.as_bytes()).await;
                        return;
                    }
                    to_server.write_all(&request[..n]).await.unwrap();
                }
            });
        }
    });
    (url, seen)
}

async fn sign_in(dir: &Path, url: &str, name: &str) -> Desk {
    let desk = open(dir).await;
    desk.sign_in(url, "acme", &format!("{name}@acme.example"), PASSWORD).await.unwrap();
    desk
}

fn count(seen: &Mutex<Vec<String>>, what: &str) -> usize {
    seen.lock().unwrap().iter().filter(|line| line.contains(what)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_never_replays_the_log() {
    let server = Server::start().await;
    let a_dir = tempfile::tempdir().unwrap();
    let a = server.desk(a_dir.path(), "anna").await;
    let mut ids = Vec::new();
    for n in 0..70 {
        let view = a.create_ticket(NewTicket::titled(format!("Сканер {n}"))).await.unwrap();
        ids.push(view.ticket.id);
    }
    a.sync_once().await.unwrap();

    let b_dir = tempfile::tempdir().unwrap();
    let (url, seen) = between(&server.url, Fault::None).await;
    let b = sign_in(b_dir.path(), &url, "maria").await;
    assert!(b.workspace().is_some(), "the settings are there at once");
    // What a person does before the rest is here is kept.
    let mine = b.create_ticket(NewTicket::titled("Мышь")).await.unwrap().ticket.id;
    b.sync_once().await.unwrap();
    // The client may ask again by itself where a kept connection was closed meanwhile.
    let segments: BTreeSet<String> =
        seen.lock().unwrap().iter().filter(|line| line.contains("/v1/sync/segments/")).cloned().collect();
    assert_eq!(segments.len(), 1, "{seen:?}");
    assert_eq!(count(&seen, "after=0 "), 0, "{seen:?}");
    assert!(b.ticket(ids[69]).await.unwrap().is_some());
    assert!(b.ticket(mine).await.unwrap().is_some());
    // A number that happens to begin with these digits is found too.
    let found = b.search("сканер 42", 10, None).await.unwrap();
    assert_eq!(found.iter().filter(|hit| hit.title == "Сканер 42").count(), 1, "{found:?}");
    assert_eq!(b.search("мышь", 10, None).await.unwrap().len(), 1);
    a.sync_once().await.unwrap();
    assert_eq!(a.digest().await.unwrap(), b.digest().await.unwrap());

    // Documents from segments are edited, sent and received as any other.
    b.edit_ticket(ids[3], vec![TicketOp::SetPriority { priority: Priority::Urgent }]).await.unwrap();
    a.edit_ticket(ids[4], vec![TicketOp::SetTitle { title: "Сканер сломан".into() }]).await.unwrap();
    a.sync_once().await.unwrap();
    b.sync_once().await.unwrap();
    a.sync_once().await.unwrap();
    assert_eq!(a.digest().await.unwrap(), b.digest().await.unwrap());
    assert_eq!(b.search("сломан", 10, None).await.unwrap().len(), 1);
    let report = b.doctor(false).await.unwrap();
    assert!(report.healthy, "{report:?}");

    // An unchanged sync costs one request.
    let before = seen.lock().unwrap().len();
    b.sync_once().await.unwrap();
    assert_eq!(seen.lock().unwrap().len() - before, 1, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_that_is_broken_off_goes_on() {
    let server = Server::start().await;
    let a_dir = tempfile::tempdir().unwrap();
    let a = server.desk(a_dir.path(), "anna").await;
    let id = a.create_ticket(NewTicket::titled("Сканер")).await.unwrap().ticket.id;
    a.sync_once().await.unwrap();

    let b_dir = tempfile::tempdir().unwrap();
    let (url, seen) = between(&server.url, Fault::Cut(0)).await;
    let b = sign_in(b_dir.path(), &url, "maria").await;
    let problem = b.sync_once().await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::Offline, "{problem}");
    assert!(b.ticket(id).await.unwrap().is_none(), "all or nothing");
    b.close().await;
    drop(b);
    // Another start of the program.
    let b = open(b_dir.path()).await;
    b.sync_once().await.unwrap();
    assert_eq!(count(&seen, "/v1/sync/bootstrap"), 1, "it goes by the plan it had: {seen:?}");
    assert!(b.ticket(id).await.unwrap().is_some());
    assert_eq!(a.digest().await.unwrap(), b.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_store_is_open_elsewhere_the_log_is_read() {
    let server = Server::start().await;
    let a_dir = tempfile::tempdir().unwrap();
    let a = server.desk(a_dir.path(), "anna").await;
    let id = a.create_ticket(NewTicket::titled("Сканер")).await.unwrap().ticket.id;
    a.sync_once().await.unwrap();

    let b_dir = tempfile::tempdir().unwrap();
    let b = server.desk(b_dir.path(), "maria").await;
    let window = open(b_dir.path()).await;
    b.sync_once().await.unwrap();
    assert!(window.ticket(id).await.unwrap().is_some());
    assert_eq!(a.digest().await.unwrap(), b.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_follow_the_devices_own_settings() {
    let server = Server::start().await;
    let a_dir = tempfile::tempdir().unwrap();
    let a = server.desk(a_dir.path(), "anna").await;
    let new = NewTicket { priority: Priority::Critical, ..NewTicket::titled("Сервер упал") };
    let id = a.create_ticket(new).await.unwrap().ticket.id;
    a.sync_once().await.unwrap();
    let b_dir = tempfile::tempdir().unwrap();
    let b = server.desk(b_dir.path(), "maria").await;
    b.sync_once().await.unwrap();
    let due = async |desk: &Desk| {
        let rows = desk.list_tickets(&TicketFilter::default(), TicketSort::Due, 0, 10).await.unwrap();
        rows.rows.into_iter().find(|row| row.id == id).unwrap().next_due
    };
    let (here, there) = (due(&a).await, due(&b).await);
    assert!(here.is_some());
    assert_eq!(here, there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_that_begins_anew_misses_nothing() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    let (a_dir, m_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    let scanner = anna.create_ticket(NewTicket::titled("Сканер")).await.unwrap().ticket.id;
    let moving = anna.create_ticket(NewTicket::titled("Дело")).await.unwrap().ticket.id;
    anna.sync_once().await.unwrap();
    let (url, seen) = between(&server.url, Fault::Cut(0)).await;
    let maria = sign_in(m_dir.path(), &url, "maria").await;
    let mine = maria.create_ticket(NewTicket::titled("Мышь")).await.unwrap().ticket.id;
    maria.sync_once().await.unwrap_err();

    // Before she goes on, the segment is not given any more, and what she has already goes on without her.
    anna.sync_once().await.unwrap();
    anna.edit_ticket(mine, vec![TicketOp::SetPriority { priority: Priority::Urgent }]).await.unwrap();
    anna.edit_ticket(moving, vec![TicketOp::SetTeam { team: Some("hr".into()) }]).await.unwrap();
    anna.sync_once().await.unwrap();
    server.member("vera", Role::Agent).await;

    let driver = maria.start_sync();
    let came = async {
        while maria.ticket(scanner).await.unwrap().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), came).await.unwrap();
    drop(driver);
    maria.sync_once().await.unwrap();
    assert_eq!(count(&seen, "/v1/sync/bootstrap"), 2, "{seen:?}");
    assert_eq!(ticket(&maria, mine).await.ticket.priority, Priority::Urgent);
    assert_eq!(maria.workspace().unwrap().members.len(), 4, "the new member is known");
    // A device that begins now has the same.
    let late_dir = tempfile::tempdir().unwrap();
    let late = server.desk(late_dir.path(), "maria").await;
    assert_eq!(late.digest().await.unwrap(), maria.digest().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_waits_while_the_server_packs() {
    let server = Server::start().await;
    let a_dir = tempfile::tempdir().unwrap();
    let a = server.desk(a_dir.path(), "anna").await;
    a.create_ticket(NewTicket::titled("Сканер")).await.unwrap();
    a.sync_once().await.unwrap();

    // Once when signing in, once in the sync.
    let (url, seen) = between(&server.url, Fault::Unready(2)).await;
    let dir = tempfile::tempdir().unwrap();
    let b = sign_in(dir.path(), &url, "maria").await;
    let mut events = b.events();
    b.sync_once().await.unwrap();
    assert_eq!(count(&seen, "/v1/sync/bootstrap"), 3, "{seen:?}");
    assert_eq!(a.digest().await.unwrap(), b.digest().await.unwrap());
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let DeskEvent::Sync(view) = event {
            told.extend(view.problem.filter(|_| view.offline_since.is_none()));
        }
    }
    assert!(told.iter().any(|problem| problem.message == "7 documents so far"), "{told:?}");

    // The window's driver waits, too, without calling that offline; edits go out meanwhile.
    let (url, _) = between(&server.url, Fault::Unready(3)).await;
    let dir = tempfile::tempdir().unwrap();
    let c = sign_in(dir.path(), &url, "boris").await;
    let mut events = c.events();
    let driver = c.start_sync();
    let mut has_waited = false;
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), events.recv()).await.unwrap().unwrap();
        let DeskEvent::Sync(view) = event else { continue };
        assert_eq!(view.offline_since, None, "{view:?}");
        has_waited |= view.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::ServerBusy);
        if view.phase == SyncPhase::Idle {
            assert_eq!(view.problem, None);
            break;
        }
    }
    assert!(has_waited, "it was told why");
    drop(driver);
    assert_eq!(a.digest().await.unwrap(), c.digest().await.unwrap());
}
