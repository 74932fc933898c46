//! Private teams: who sees their tickets, over every endpoint.

use desk_domain::{
    edit::{NewTicket, TicketOp},
    ids::{DocId, uuid_v7},
    people::Role,
    time::UtcMillis,
};
use desk_sync::{
    segment::Bootstrap,
    wire::{self, Documents, Hash, Heads, PullReply, RejectCode, Wanted},
};
use workernet_server::{
    http::Limits,
    members::{self, Change},
    random::{FreshIds, SystemRandom},
    teams::{self, Wish},
};

use super::live;
use super::support::{Device, TestServer, accepted, rejected, soon};

const TITLE: &str = "Увольнение Иванова";
const NOTE: &str = "wage-slip-4711";

/// A server with the private team `hr`: Kira is in it, Maria manages, Anna and Boris are agents in no team.
async fn with_hr(limits: Limits) -> TestServer {
    let server = TestServer::start_with(limits).await;
    server.member("acme", "boris", Role::Agent).await;
    server.member("acme", "kira", Role::Agent).await;
    server.member("acme", "maria", Role::Manager).await;
    set_team(&server, "hr", true).await;
    set_teams(&server, "kira", &["hr"]).await;
    server
}

pub(crate) async fn set_team(server: &TestServer, team: &str, private: bool) {
    let random = SystemRandom::new().unwrap();
    let now = desk_domain::time::Clock::now(server.clock.as_ref());
    let wish = Wish { name: None, private: Some(private) };
    let ids = FreshIds::at(now, &random);
    assert_eq!(teams::set(&server.storage, "acme", team, &wish, now, &ids).await.unwrap().private, private);
}

async fn set_teams(server: &TestServer, name: &str, named: &[&str]) {
    let random = SystemRandom::new().unwrap();
    let now = desk_domain::time::Clock::now(server.clock.as_ref());
    let change = Change::Teams(named.iter().map(|team| (*team).to_owned()).collect());
    let email = format!("{name}@acme.example");
    let ids = FreshIds::at(now, &random);
    members::change(&server.storage, "acme", &email, change, now, &ids).await.unwrap();
}

fn to_team(team: Option<&str>) -> TicketOp {
    TicketOp::SetTeam { team: team.map(str::to_owned) }
}

/// The bytes of an answer.
async fn get(device: &Device<'_>, path: &str) -> (u16, Vec<u8>) {
    let request = device.server.http.get(device.server.url(path)).bearer_auth(&device.session.access_token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

async fn heads(device: &Device<'_>) -> Heads {
    wire::decode(&get(device, "/v1/sync/heads").await.1).unwrap()
}

async fn sees(device: &Device<'_>, doc: DocId) -> bool {
    heads(device).await.documents.iter().any(|found| found.doc == doc)
}

async fn pull(device: &Device<'_>, after: u64, scope: Hash) -> PullReply {
    wire::decode(&get(device, &format!("/v1/sync/pull?after={after}&scope={scope}")).await.1).unwrap()
}

async fn wanted(device: &Device<'_>, docs: &[DocId]) -> (u16, Vec<u8>) {
    let body = wire::encode(&Wanted { docs: docs.to_vec() }).unwrap();
    let request = device.server.http.post(device.server.url("/v1/sync/documents"));
    let response = request.bearer_auth(&device.session.access_token).body(body).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

/// Everything that a device is given for the asking, unpacked: what travels compressed would hide a text.
async fn everything(device: &Device<'_>, about: &[DocId]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let reply = device.pull(after).await;
        all.extend(format!("{reply:?}").into_bytes());
        all.extend(reply.changes.iter().flat_map(|logged| logged.change.bytes.clone()));
        all.extend(reply.documents.iter().flat_map(|document| document.snapshot.clone()));
        after = reply.cursor;
        if reply.cursor == reply.head {
            break;
        }
    }
    all.extend(format!("{:?}", heads(device).await).into_bytes());
    let found: Documents = wire::decode(&wanted(device, about).await.1).unwrap();
    all.extend(found.documents.iter().flat_map(|document| document.snapshot.clone()));
    let begin: Bootstrap = wire::decode(&get(device, "/v1/sync/bootstrap").await.1).unwrap();
    for segment in begin.segments {
        let (status, bytes) = get(device, &format!("/v1/sync/segments/{}", segment.id)).await;
        assert_eq!(status, 200);
        for block in desk_sync::segment::blocks(&bytes, segment.id).unwrap() {
            all.extend(desk_docs::unpack_block(block.bytes, block.raw_bytes).unwrap());
        }
    }
    all
}

fn holds(all: &[u8], what: &[u8]) -> bool {
    all.windows(what.len()).any(|window| window == what)
}

fn tells_of(all: &[u8], doc: DocId) -> bool {
    holds(all, doc.0.as_bytes()) || holds(all, doc.to_string().as_bytes()) || holds(all, TITLE.as_bytes())
}

#[tokio::test]
async fn who_left_a_private_team_is_not_sent_its_tickets_on_a_connection_from_before() {
    let server = with_hr(Limits::default()).await;
    let mut maria = server.device("acme", "maria").await;
    let kira = server.device("acme", "kira").await;
    let (doc, create) = maria.new_ticket(TITLE);
    let to_hr = maria.on_ticket(doc, to_team(Some("hr")));
    maria.push(vec![create, to_hr]).await;
    let PullReply { cursor, scope, .. } = kira.pull(0).await;
    let mut socket = live::connect(&server, &kira.session.access_token).await.unwrap();
    assert_eq!(live::news(&mut socket).await, Err(cursor));
    live::level(&mut socket, cursor, scope).await;
    let retitled = maria.on_ticket(doc, TicketOp::SetTitle { title: format!("{TITLE}, {NOTE}") });
    let seq = accepted(&maria.push(vec![retitled.clone()]).await[0]);
    let (_, page) = live::news(&mut socket).await.expect("a page");
    assert_eq!(page.changes.iter().map(|logged| logged.change.hash).collect::<Vec<_>>(), [retitled.hash]);

    set_teams(&server, "kira", &[]).await;
    live::level(&mut socket, seq, scope).await;
    let (_, page) = live::news(&mut socket).await.expect("a page");
    assert_ne!(page.scope, scope, "she sees something else now");
    live::level(&mut socket, seq, scope).await;
    let retitled = maria.on_ticket(doc, TicketOp::SetTitle { title: TITLE.to_owned() });
    accepted(&maria.push(vec![retitled]).await[0]);
    for _ in 0..2 {
        if let Ok((_, page)) = live::news(&mut socket).await {
            assert!(page.changes.iter().all(|logged| logged.change.doc != doc), "the settings, and no more");
            assert!(page.documents.is_empty(), "{page:?}");
            live::level(&mut socket, seq, page.scope).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_outsider_finds_no_trace_of_a_private_teams_ticket_at_any_endpoint() {
    let limits = Limits { segments_behind: 0, ..Limits::default() };
    let server = with_hr(limits).await;
    let mut kira = server.device("acme", "kira").await;
    let mut boris = server.device("acme", "boris").await;
    let doc = DocId(server.fresh());
    let mut ticket = NewTicket::titled(TITLE);
    ticket.team = Some("hr".to_owned());
    let create = kira.on_ticket(doc, TicketOp::Create { ticket });
    let tag = kira.on_ticket(doc, TicketOp::SetTag { tag: NOTE.into(), on: true });
    for outcome in kira.push(vec![create.clone(), tag.clone()]).await {
        accepted(&outcome);
    }
    for (name, expected) in [("kira", true), ("maria", true), ("boris", false), ("anna", false)] {
        let device = server.device("acme", name).await;
        let all = everything(&device, &[doc]).await;
        assert_eq!(tells_of(&all, doc), expected, "{name}");
        assert_eq!(holds(&all, NOTE.as_bytes()), expected, "{name}");
    }
    // What he might push tells him nothing either.
    boris.documents.insert(doc, kira.documents[&doc].clone());
    let meddling = boris.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let unknown = DocId(server.fresh());
    let (_, _) = boris.new_ticket("other");
    boris.documents.insert(unknown, boris.documents[&doc].clone());
    let reply = boris.push_reply(vec![meddling, tag, create]).await;
    assert_eq!(reply.withdrawn, []);
    let codes: Vec<_> = reply.verdicts.iter().map(|verdict| rejected(&verdict.outcome)).collect();
    assert_eq!(codes, [RejectCode::UnknownDocument; 3]);
    server.stop().await;
}

#[tokio::test]
async fn a_ticket_leaves_and_comes_with_its_team() {
    let server = with_hr(Limits::default()).await;
    let mut anna = server.device("acme", "anna").await;
    let boris = server.device("acme", "boris").await;
    let kira = server.device("acme", "kira").await;
    let (doc, create) = anna.new_ticket(TITLE);
    accepted(&anna.push(vec![create]).await[0]);
    let start = boris.pull(0).await;
    let (cursor, scope) = (start.head, start.scope);
    assert_ne!(scope, kira.pull(0).await.scope);
    assert_eq!(scope, anna.pull(0).await.scope, "one scope, one name");
    assert!(sees(&boris, doc).await);

    // Anna escalates and does not see it any more; the answer tells her.
    let escalate = anna.on_ticket(doc, to_team(Some("hr")));
    let late = anna.on_ticket(doc, TicketOp::SetTag { tag: "late".into(), on: true });
    let reply = anna.push_reply(vec![escalate.clone(), late]).await;
    let seq = accepted(&reply.verdicts[0].outcome);
    assert_eq!(rejected(&reply.verdicts[1].outcome), RejectCode::UnknownDocument);
    assert_eq!(reply.withdrawn, [doc]);
    let again = anna.push_reply(vec![escalate]).await;
    assert_eq!(
        (accepted(&again.verdicts[0].outcome), again.withdrawn),
        (seq, vec![doc]),
        "the answer was lost"
    );

    let page = pull(&boris, cursor, scope).await;
    assert_eq!((page.changes, page.withdrawn, page.cursor), (vec![], vec![doc], seq));
    assert!(!sees(&boris, doc).await && sees(&kira, doc).await);
    // From the beginning of the log he is told that it went: its id, and nothing of it.
    let late = server.device("acme", "boris").await;
    assert!(!holds(&everything(&late, &[doc]).await, TITLE.as_bytes()));

    // Kira gives it back: it comes whole, with what happened meanwhile.
    let mut kira = kira;
    let theirs = pull(&kira, 0, kira.pull(0).await.scope).await;
    for document in theirs.documents {
        let loaded = desk_docs::Document::load(document.doc, document.kind, &document.snapshot).unwrap();
        kira.documents.insert(document.doc, loaded);
    }
    let secret = kira.on_ticket(doc, TicketOp::SetTag { tag: NOTE.into(), on: true });
    let back = kira.on_ticket(doc, to_team(None));
    for outcome in kira.push(vec![secret, back]).await {
        accepted(&outcome);
    }
    let page = pull(&boris, seq, scope).await;
    assert_eq!((page.changes.len(), page.withdrawn, page.documents.len()), (0, vec![], 1));
    let whole = &page.documents[0];
    let ticket = desk_docs::Document::load(whole.doc, whole.kind, &whole.snapshot).unwrap();
    assert!(ticket.has(kira.documents.get_mut(&doc).unwrap().heads()[0]));
    assert!(sees(&boris, doc).await);
    server.stop().await;
}

#[tokio::test]
async fn whose_scope_changed_is_told_and_nothing_else_until_they_are_level() {
    let server = with_hr(Limits::default()).await;
    let mut kira = server.device("acme", "kira").await;
    let doc = DocId(server.fresh());
    let mut ticket = NewTicket::titled(TITLE);
    ticket.team = Some("hr".to_owned());
    let create = kira.on_ticket(doc, TicketOp::Create { ticket });
    accepted(&kira.push(vec![create]).await[0]);
    let before = kira.pull(0).await;
    assert!(sees(&kira, doc).await);

    set_teams(&server, "kira", &[]).await;
    let told = pull(&kira, before.head, before.scope).await;
    assert_ne!(told.scope, before.scope);
    assert_eq!((told.cursor, told.changes, told.documents), (before.head, vec![], vec![]));
    assert!(told.head > before.head);
    assert!(!sees(&kira, doc).await);
    assert_eq!(heads(&kira).await.scope, told.scope);
    let found: Documents = wire::decode(&wanted(&kira, &[doc]).await.1).unwrap();
    assert_eq!((found.documents, found.answered), (vec![], 1));
    // Under the new one the log goes on.
    let on = pull(&kira, before.head, told.scope).await;
    assert_eq!((on.cursor, on.changes.len()), (on.head, 1), "the settings");

    // A manager sees everything, and so does everybody once the team is open.
    let random = SystemRandom::new().unwrap();
    let now = desk_domain::time::Clock::now(server.clock.as_ref());
    let ids = FreshIds::at(now, &random);
    let change = Change::Role(Role::Manager);
    members::change(&server.storage, "acme", "kira@acme.example", change, now, &ids).await.unwrap();
    assert!(sees(&kira, doc).await);
    let boris = server.device("acme", "boris").await;
    assert!(!sees(&boris, doc).await);
    set_team(&server, "hr", false).await;
    assert!(sees(&boris, doc).await);
    let found: Documents = wire::decode(&wanted(&boris, &[doc]).await.1).unwrap();
    assert_eq!(found.documents.len(), 1);
    assert_eq!(found.scope, desk_sync::scope::open_id());
    server.stop().await;
}

#[tokio::test]
async fn a_segment_that_has_more_than_its_reader_may_see_is_given_to_nobody() {
    // Segments are renewed late: what stands in them is old.
    let server = with_hr(Limits { segments_behind: 1_000, ..Limits::default() }).await;
    let mut anna = server.device("acme", "anna").await;
    let (kira, boris) = (server.device("acme", "kira").await, server.device("acme", "boris").await);
    let (doc, create) = anna.new_ticket(TITLE);
    let (other, second) = anna.new_ticket("Принтер");
    for outcome in anna.push(vec![create, second]).await {
        accepted(&outcome);
    }
    let begin = |bytes: (u16, Vec<u8>)| -> Bootstrap { wire::decode(&bytes.1).unwrap() };
    let plan = begin(get(&boris, "/v1/sync/bootstrap").await);
    let path = |segment: Hash| format!("/v1/sync/segments/{segment}");
    assert_eq!(get(&boris, &path(plan.segments[0].id)).await.0, 200);

    let moved = anna.on_ticket(doc, to_team(Some("hr")));
    accepted(&anna.push(vec![moved]).await[0]);
    assert_eq!(get(&boris, &path(plan.segments[0].id)).await.0, 404, "begun before, and not gone on with");
    let again = begin(get(&boris, "/v1/sync/bootstrap").await);
    assert_eq!(again.segments.iter().map(|segment| segment.documents).sum::<u32>(), 1);
    let all = everything(&boris, &[doc]).await;
    assert!(!holds(&all, TITLE.as_bytes()) && holds(&all, other.0.as_bytes()));
    let theirs = begin(get(&kira, "/v1/sync/bootstrap").await);
    assert_eq!(theirs.segments.len(), 2, "one of everybody's, one of the team's");
    assert_eq!(theirs.cursor, again.cursor);
    for segment in &theirs.segments {
        let is_shared = again.segments.contains(segment);
        assert_eq!(get(&boris, &path(segment.id)).await.0, if is_shared { 200 } else { 404 });
        assert_eq!(get(&kira, &path(segment.id)).await.0, 200);
    }

    // A team that becomes private takes its tickets out of what was everybody's.
    let mut kira = kira;
    let (third, create) = kira.new_ticket(NOTE);
    let to_it = kira.on_ticket(third, to_team(Some("it")));
    for outcome in kira.push(vec![create, to_it]).await {
        accepted(&outcome);
    }
    set_team(&server, "hr", false).await;
    let open = begin(get(&boris, "/v1/sync/bootstrap").await);
    assert_eq!(open.segments.iter().map(|segment| segment.documents).sum::<u32>(), 3);
    set_team(&server, "it", true).await;
    assert_eq!(get(&boris, &path(open.segments[0].id)).await.0, 404);
    let closed = begin(get(&boris, "/v1/sync/bootstrap").await);
    assert_eq!(closed.segments.iter().map(|segment| segment.documents).sum::<u32>(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_page_is_shared_by_those_who_see_the_same() {
    let server = with_hr(Limits::default()).await;
    let mut kira = server.device("acme", "kira").await;
    let (anna, boris) = (server.device("acme", "anna").await, server.device("acme", "boris").await);
    let after = kira.pull(0).await.head;
    let doc = DocId(server.fresh());
    let mut ticket = NewTicket::titled(TITLE);
    ticket.team = Some("hr".to_owned());
    let create = kira.on_ticket(doc, TicketOp::Create { ticket });
    accepted(&kira.push(vec![create]).await[0]);
    // All ask for the same cursor at once, again and again.
    for _ in 0..3 {
        let (theirs, annas, boriss) = tokio::join!(kira.pull(after), anna.pull(after), boris.pull(after));
        assert_eq!(theirs.changes.len(), 1);
        assert_eq!((annas.changes.len(), annas.cursor), (0, after + 1));
        assert_eq!(annas, boriss);
    }
    server.stop().await;
}

#[tokio::test]
async fn more_than_a_batch_of_documents_is_not_asked_for_at_once() {
    let server = with_hr(Limits::default()).await;
    let anna = server.device("acme", "anna").await;
    let docs: Vec<DocId> = (0..2_001_i64).map(|n| DocId(uuid_v7(UtcMillis(n), [1; 10]))).collect();
    assert_eq!(wanted(&anna, &docs).await.0, 413);
    assert_eq!(wanted(&anna, &docs[..2_000]).await.0, 200);
    let nonsense = server.http.post(server.url("/v1/sync/documents")).bearer_auth(&anna.session.access_token);
    assert_eq!(nonsense.body("<html>").send().await.unwrap().status().as_u16(), 400);
    let bad = get(&anna, "/v1/sync/pull?after=0&scope=x").await;
    assert_eq!(bad.0, 400);
    soon(server.stop()).await;
}
