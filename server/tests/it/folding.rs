//! Large documents: changed without being written anew, and folded in the background.

use std::time::Duration;

use desk_domain::edit::TicketOp;
use workernet_server::{
    http::Limits,
    storage::{Log, Storage},
};

use super::support::{TestServer, accepted};

/// A text that makes a document large.
fn long_text(number: u32) -> String {
    (0..60_000_u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761 + number) >> 27) as u8 % 26))
        .collect()
}

#[tokio::test]
async fn a_large_document_is_the_same_for_everybody_before_and_after_it_is_folded() {
    // Nothing is folded by itself before the test says so.
    let server = TestServer::start_with(Limits { fold: Duration::from_hours(1), ..Limits::default() }).await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("Отчёт");
    let first = anna.on_ticket(doc, TicketOp::SetDescription { description: long_text(0) });
    for outcome in anna.push(vec![create, first]).await {
        accepted(&outcome);
    }
    for number in 0..5 {
        let change = anna.on_ticket(doc, TicketOp::SetTag { tag: number.to_string(), on: true });
        accepted(&anna.push(vec![change]).await[0]);
    }
    let heads = anna.documents.get_mut(&doc).unwrap().heads();
    let stored = server.storage.document(doc).await.unwrap().unwrap();
    assert_eq!(stored.heads, heads);
    // A server that starts anew decides by the document with everything that was accepted.
    let mut second = server.device("acme", "anna").await;
    second.catch_up(0).await;
    let change = second.on_ticket(doc, TicketOp::SetTag { tag: "после".into(), on: true });
    accepted(&second.push(vec![change]).await[0]);
    assert_eq!(server.storage.fold_some(10).await.unwrap(), 1);
    assert_eq!(server.storage.fold_some(10).await.unwrap(), 0);
    let folded = server.storage.document(doc).await.unwrap().unwrap();
    assert_eq!(folded.heads, second.documents.get_mut(&doc).unwrap().heads());
    assert_eq!(second.ticket(doc).tags.len(), 6);
    // And goes on from there.
    let change = second.on_ticket(doc, TicketOp::SetTag { tag: "дальше".into(), on: true });
    accepted(&second.push(vec![change]).await[0]);
    server.stop().await;
}
