//! The outbox of e-mail, with a mail server of a few lines.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use desk_domain::{incident::Severity, people::Role, time::Clock};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use workernet_server::{
    http::Limits,
    mail::smtp::Smtp,
    storage::{Directory, NewMail, Outbox, Storage},
};

use super::{
    escalation::policy,
    support::{TestServer, soon},
};

/// What the mail server says to the next mail's recipient.
#[derive(Clone, Copy)]
enum Mood {
    Later,
    Never,
    /// Hangs up when it has the whole mail, without saying that it took it.
    HangsUp,
}

#[derive(Default)]
struct Taken {
    moods: VecDeque<Mood>,
    mails: Vec<String>,
}

/// A mail server on a port of its own.
struct MailServer {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
    task: JoinHandle<()>,
}

impl MailServer {
    async fn start(moods: &[Mood]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), moods).await
    }

    async fn start_at(address: SocketAddr, moods: &[Mood]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Taken { moods: moods.iter().copied().collect(), mails: Vec::new() }));
        let shared = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&shared)));
            }
        });
        Self { address, taken, task }
    }

    fn smtp(&self) -> Smtp {
        Smtp::new(&format!("smtp://{}", self.address), "desk@acme.example").unwrap()
    }

    fn mails(&self) -> Vec<String> {
        self.taken.lock().unwrap().mails.clone()
    }

    async fn has(&self, count: usize) {
        soon(async {
            while self.mails().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(stream: TcpStream, taken: Arc<Mutex<Taken>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mood = None;
    write.write_all(b"220 mail.example\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "RCPT" => {
                mood = taken.lock().unwrap().moods.pop_front();
                match mood {
                    Some(Mood::Later) => "451 come back later",
                    Some(Mood::Never) => "550 nobody of that name",
                    Some(Mood::HangsUp) | None => "250 ok",
                }
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                taken.lock().unwrap().mails.push(mail);
                if matches!(mood, Some(Mood::HangsUp)) {
                    return None;
                }
                "250 taken"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await.ok()?;
                return Some(());
            }
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let found = mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no {name} in {mail}"))
}

impl TestServer {
    async fn post(&self, number: u128) {
        let workspace = self.storage.workspace_by_slug("acme").await.unwrap().unwrap();
        let mut tx = self.storage.begin(workspace.id).await.unwrap();
        let mail = NewMail {
            id: uuid::Uuid::from_u128(number),
            recipient: "anna@acme.example".to_owned(),
            subject: "Эскалация".to_owned(),
            body: "Сеть не работает\n.\nконец".to_owned(),
            created_at: self.clock.now(),
        };
        tx.post(&[mail]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Waits until no mail is due before `from_now_ms` from now on; when the next one is, from now.
    async fn mail_waits(&self, from_now_ms: i64) -> Option<i64> {
        soon(async {
            loop {
                let next = self.storage.next_mail().await.unwrap();
                match next.map(|at| at.since(self.clock.now())) {
                    Some(ms) if ms < from_now_ms || ms > 100_000 => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    next => return next,
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_level_that_is_to_be_told_by_mail_is_in_words_of_both_languages() {
    let mailer = MailServer::start(&[]).await;
    let server = TestServer::start_mailing(Limits::default(), Some(mailer.smtp())).await;
    server.member("acme", "maria", Role::Manager).await;
    server.set_policy("acme", "default-p1", Some(&policy())).await;
    server.declare("acme", "Сеть\u{7f} не работает", Severity::P1).await;
    mailer.has(1).await;
    server.pass(5).await;
    mailer.has(2).await;
    let mails = mailer.mails();
    assert_eq!(header(&mails[0], "To"), "anna@acme.example");
    assert_eq!(header(&mails[1], "To"), "maria@acme.example");
    assert_eq!(header(&mails[0], "Auto-Submitted"), "auto-generated");
    assert!(header(&mails[0], "From").contains("desk@acme.example"));
    assert_ne!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(server.mail_waits(0).await, None);
    assert_eq!(mailer.mails().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_not() {
    let mailer = MailServer::start(&[Mood::Later, Mood::Later, Mood::Never]).await;
    let server = TestServer::start_mailing(Limits::default(), Some(mailer.smtp())).await;
    server.post(1).await;
    let first = server.mail_waits(1).await.unwrap();
    assert!((7_500..=15_000).contains(&first), "{first}");
    server.clock.advance_ms(first);
    let second = server.mail_waits(1).await.unwrap();
    assert!((15_000..=30_000).contains(&second), "{second}");
    assert_eq!(mailer.mails().len(), 0);
    server.clock.advance_ms(second);
    assert_eq!(server.mail_waits(1).await, None, "550 is the end of it");
    server.post(2).await;
    mailer.has(1).await;
    assert_eq!(server.mail_waits(1).await, None);
    server.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_gets_its_mail_when_it_is_back() {
    let mailer = MailServer::start(&[]).await;
    let (address, smtp) = (mailer.address, mailer.smtp());
    drop(mailer);
    let server = TestServer::start_mailing(Limits::default(), Some(smtp)).await;
    server.post(1).await;
    let wait = server.mail_waits(1).await.unwrap();
    let mailer = MailServer::start_at(address, &[]).await;
    server.clock.advance_ms(wait);
    mailer.has(1).await;
    assert_eq!(server.mail_waits(1).await, None);
    server.stop().await;
}

#[tokio::test]
async fn a_mail_that_may_have_arrived_comes_again_under_its_own_id() {
    let mailer = MailServer::start(&[Mood::HangsUp]).await;
    let server = TestServer::start_mailing(Limits::default(), Some(mailer.smtp())).await;
    server.post(1).await;
    mailer.has(1).await;
    let wait = server.mail_waits(1).await.unwrap();
    server.clock.advance_ms(wait);
    mailer.has(2).await;
    let mails = mailer.mails();
    assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(server.mail_waits(1).await, None);
    server.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_between_sending_and_marking_leaves_the_mail_to_the_next() {
    let mailer = MailServer::start(&[]).await;
    let server = TestServer::start_with(Limits::default()).await;
    server.post(1).await;
    // What the process did before it died.
    let now = server.clock.now();
    let claimed = server.storage.claim_mail(now, now.plus_ms(60_000), 9).await.unwrap();
    mailer.smtp().send(&claimed[0]).await.unwrap();
    assert_eq!(mailer.mails().len(), 1);
    let another = server.another_mailing(mailer.smtp()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(mailer.mails().len(), 1, "it is still the first one's");
    server.clock.advance_ms(60_000);
    mailer.has(2).await;
    let mails = mailer.mails();
    assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(server.mail_waits(1).await, None);
    another.stop().await;
    server.stop().await;
}
