//! A server that answers a pull with changes that no honest one sends: the device takes none of it.

use desk_docs::{Author, Document};
use desk_domain::{
    edit::{Edit, Ops, Stamped},
    ids::{DeviceId, DocKind, Ids},
    permissions::Actor,
    workspace::Workflow,
};
use desk_sync::wire::{self, Hash, LoggedChange, PullReply, WholeDocument, WireChange};
use workernet_server::storage::Log;

use super::*;

/// Changes of a ticket by a stranger's device: its creation and two tags.
fn changes(server: &Server, doc: DocId) -> Vec<WireChange> {
    let ids = server.ids();
    let (device, workflow) = (DeviceId(ids.fresh()), Workflow::default());
    let author = Author { device, actor: Actor { member: None, role: Role::Admin }, workflow: &workflow };
    let mut document = Document::empty(doc, DocKind::Ticket);
    let tag = |tag: &str| TicketOp::SetTag { tag: tag.into(), on: true };
    let steps = [TicketOp::Create { ticket: titled("Подложная") }, tag("один"), tag("два")];
    steps
        .into_iter()
        .map(|op| {
            let edit = Edit { doc, ops: Ops::Ticket(vec![Stamped::new(now(), "stranger", op)]) };
            let (next, made) = document.clone().edit(&author, &edit, now(), &ids).unwrap();
            document = next;
            let made = made.unwrap();
            WireChange { doc, kind: DocKind::Ticket, hash: Hash(made.hash), bytes: made.bytes }
        })
        .collect()
}

#[tokio::test]
async fn a_pull_that_does_not_hold_changes_nothing() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let known = desk.create_ticket(titled("Своя")).await.unwrap().ticket.id;
    let report = desk.sync_once().await.unwrap();
    let (cursor, digest) = (report.cursor, desk.digest().await.unwrap());
    let good = changes(&server, DocId(server.ids().fresh()));
    let foreign = changes(&server, known);
    let at = |seq: u64, change: &WireChange| LoggedChange { seq, change: change.clone() };
    let reply = |changes: Vec<LoggedChange>, cursor, head| PullReply {
        changes,
        cursor,
        head,
        scope: desk_sync::scope::open_id(),
        documents: vec![],
        withdrawn: vec![],
    };
    let snapshot = server.storage.document(known).await.unwrap().unwrap().snapshot;
    let whole = |doc, kind, snapshot| PullReply {
        documents: vec![WholeDocument { doc, kind, snapshot }],
        ..reply(vec![], cursor, cursor)
    };
    let altered = |at: usize| {
        let mut change = good[0].clone();
        change.bytes[at] ^= 0x10;
        change
    };
    let (one, two, three) = (cursor + 1, cursor + 2, cursor + 3);
    let cut = WireChange { bytes: good[0].bytes[..good[0].bytes.len() - 2].to_vec(), ..good[0].clone() };
    // More than are merged at once; what does not fit comes after they were.
    let many: Vec<WireChange> =
        (0..130).map(|_| changes(&server, DocId(server.ids().fresh()))[0].clone()).collect();
    let late = changes(&server, DocId(server.ids().fresh()));
    let rising = many.iter().chain([&late[0], &late[2]]).zip(one..);
    let gap_at_the_end: Vec<LoggedChange> = rising.map(|(change, seq)| at(seq, change)).collect();
    let end = cursor + 132;
    let table = [
        ("altered", reply(vec![at(one, &altered(40))], one, one)),
        ("a flipped checksum", reply(vec![at(one, &altered(5))], one, one)),
        ("cut off", reply(vec![at(one, &cut)], one, one)),
        (
            "a wrong hash",
            reply(vec![at(one, &WireChange { hash: Hash([7; 32]), ..good[0].clone() })], one, one),
        ),
        ("reordered numbers", reply(vec![at(two, &good[0]), at(one, &good[1])], two, two)),
        ("one number twice", reply(vec![at(one, &good[0]), at(one, &good[1])], one, one)),
        ("old numbers", reply(vec![at(cursor, &good[0])], one, one)),
        ("a cursor behind its changes", reply(vec![at(two, &good[0])], one, two)),
        ("a cursor beyond the head", reply(vec![at(one, &good[0])], three, one)),
        ("missing dependencies", reply(vec![at(one, &good[0]), at(two, &good[2])], two, two)),
        ("missing dependencies after many that hold", reply(gap_at_the_end, end, end)),
        (
            "another kind",
            reply(
                vec![at(one, &WireChange { kind: DocKind::Article, doc: known, ..good[0].clone() })],
                one,
                one,
            ),
        ),
        ("changes of a document that are not this one's", reply(vec![at(one, &foreign[1])], one, one)),
        ("a whole document that is none", whole(good[0].doc, DocKind::Ticket, b"no document".to_vec())),
        ("an empty whole document", whole(good[0].doc, DocKind::Ticket, Vec::new())),
        ("a whole document of another kind", whole(known, DocKind::Article, snapshot)),
    ];
    for (what, reply) in table {
        let frame = wire::encode(&reply).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", frame.len());
        desk.point_to(&liar([head.as_bytes(), &frame].concat()).await).await.unwrap();
        let error = desk.sync_once().await.unwrap_err();
        assert_eq!(error.code, ErrorCode::BadServer, "{what}: {error}");
        assert_eq!(desk.digest().await.unwrap(), digest, "{what}");
    }
    desk.point_to(&server.url).await.unwrap();
    assert_eq!(desk.sync_once().await.unwrap().cursor, cursor, "the cursor has not moved either");
    assert_eq!(ticket(&desk, known).await.ticket.title, "Своя");
}

#[tokio::test]
async fn what_is_never_withdrawn_stays_whatever_a_server_says() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let article = desk.create_article("VPN".into(), "текст".into(), None, BTreeSet::new()).await.unwrap();
    let cursor = desk.sync_once().await.unwrap().cursor;
    let (digest, session) = (desk.digest().await.unwrap(), desk.signed_in().unwrap());
    let reply = PullReply {
        changes: vec![],
        cursor,
        head: cursor,
        scope: desk_sync::scope::open_id(),
        documents: vec![],
        withdrawn: vec![session.workspace_doc, session.personal_doc, article.article.id],
    };
    let frame = wire::encode(&reply).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", frame.len());
    desk.point_to(&liar([head.as_bytes(), &frame].concat()).await).await.unwrap();
    desk.sync_once().await.unwrap();
    assert_eq!(desk.digest().await.unwrap(), digest);
    assert!(desk.workspace().is_some() && desk.article(article.article.id).await.unwrap().is_some());
    desk.point_to(&server.url).await.unwrap();
    assert_eq!(desk.sync_once().await.unwrap().rejected, 0);
}
