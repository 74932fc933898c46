//! One transaction for everything, checked heads, the outbox and what belongs to the device.

use std::collections::BTreeMap;

use desk_api::view::{Draft, NextDue, TicketFilter, TicketSort};
use desk_domain::{
    alert::{AlertKey, AlertRule, AlertState, Delivery, Hold},
    ids::{DocKind, MemberId},
    projection::{Deadline, Row},
    sla::Metric,
    state::State,
    ticket::{Priority, Ticket},
};
use desk_store::{AlertDecision, AlertWrite, Batch, DocWrite, Health, Rejection, StoreError};
use futures::{StreamExt, stream};

use crate::sample::*;

async fn list(store: &desk_store::Store) -> Vec<String> {
    let rows =
        store.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 100, NOW).await.expect("lists");
    rows.into_iter().map(|row| row.title).collect()
}

#[tokio::test]
async fn a_document_comes_back_as_it_was_written() {
    let place = Place::new();
    let store = place.open().await;
    let write = DocWrite {
        heads: vec![hash(9), hash(3)],
        snapshot: b"abc".repeat(3_000),
        ..new_ticket(ticket(1, "Принтер"))
    };
    let committed = store.commit(&Batch::of_docs(vec![write.clone()])).await.expect("commits");
    assert_eq!((committed.kinds, committed.docs), (vec![DocKind::Ticket], vec![id(1)]));
    store.close().await;

    let store = place.open().await;
    let stored = store.document(id(1)).await.expect("reads").expect("is there");
    assert_eq!(stored.snapshot, write.snapshot);
    assert_eq!(stored.heads, [hash(3), hash(9)]);
    assert!(stored.projected);
    assert_eq!(store.heads(id(1)).await.expect("reads"), Some(vec![hash(3), hash(9)]));
    assert_eq!(store.document(id(2)).await.expect("reads"), None);
    assert_eq!(list(&store).await, ["Принтер"]);
}

#[tokio::test]
async fn a_document_is_written_only_over_the_heads_that_the_writer_saw() {
    let place = Place::new();
    let (window, command_line) = (place.open().await, place.open().await);
    window.commit(&Batch::of_docs(vec![new_ticket(ticket(1, "один"))])).await.expect("commits");

    let is_stale = |result| matches!(result, Err(StoreError::Stale { doc }) if doc == id(1));
    let first = again(State::Ticket(Box::new(ticket(1, "два"))), 1);
    command_line.commit(&Batch::of_docs(vec![first.clone()])).await.expect("commits");
    // The window still has the old heads; what else is in its batch is not written either.
    let batch = Batch { cursor: Some(7), ..Batch::of_docs(vec![new_ticket(ticket(2, "x")), first]) };
    assert!(is_stale(window.commit(&batch).await));
    assert!(is_stale(window.commit(&Batch::of_docs(vec![new_ticket(ticket(1, "три"))])).await));
    let unknown = again(State::Ticket(Box::new(ticket(3, "x"))), 1);
    assert!(
        matches!(window.commit(&Batch::of_docs(vec![unknown])).await, Err(StoreError::Stale { doc }) if doc == id(3))
    );
    assert_eq!(list(&window).await, ["два"]);
    assert_eq!(window.cursor().await.expect("reads"), 0);
}

#[tokio::test]
async fn batches_that_are_written_as_one_are_all_there_or_none_of_them() {
    let place = Place::new();
    let store = place.open().await;
    let titles = ["один", "два", "три"];
    let part = |number: u128| {
        let title = titles[usize::try_from(number).expect("is small") - 1];
        Batch { cursor: Some(7), ..Batch::of_docs(vec![new_ticket(ticket(number, title))]) }
    };
    let broken = Err(StoreError::Invalid { why: "it cannot be made".to_owned() });
    let ids = [id(1), id(2), id(3)];
    let refused = store.commit_parts(&ids, stream::iter([Ok(part(1)), Ok(part(2)), broken])).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    let twice = store.commit_parts(&ids, stream::iter([Ok::<_, StoreError>(part(1)), Ok(part(1))])).await;
    assert!(matches!(twice, Err(StoreError::Invalid { .. })), "{twice:?}");
    let unasked = store.commit_parts(&ids[..1], stream::iter([Ok::<_, StoreError>(part(2))])).await;
    assert!(matches!(unasked, Err(StoreError::Invalid { .. })), "{unasked:?}");
    assert_eq!((list(&store).await, store.cursor().await.expect("reads")), (vec![], 0));

    // Nobody sees any of it before all of it is there, although the next part is made while one is written.
    let elsewhere = place.open().await;
    let parts = stream::iter(1..=3).then(|number| {
        let elsewhere = &elsewhere;
        async move {
            assert_eq!(list(elsewhere).await, Vec::<String>::new());
            Ok::<_, StoreError>(part(number))
        }
    });
    let committed = store.commit_parts(&ids, parts).await.expect("commits");
    assert_eq!((committed.kinds, committed.docs), (vec![DocKind::Ticket], vec![id(1), id(2), id(3)]));
    let mut listed = list(&elsewhere).await;
    listed.sort();
    assert_eq!(
        (listed, store.cursor().await.expect("reads")),
        (vec!["два", "один", "три"].into_iter().map(str::to_owned).collect(), 7)
    );
}

#[tokio::test]
async fn a_batch_that_contradicts_itself_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let check = async |batch: Batch| {
        assert!(matches!(store.commit(&batch).await, Err(StoreError::Invalid { .. })), "{batch:?}");
    };
    let write = || new_ticket(ticket(1, "x"));
    check(Batch::of_docs(vec![write(), write()])).await;
    check(Batch::of_docs(vec![DocWrite { kind: DocKind::Article, ..write() }])).await;
    check(Batch { drop_docs: vec![id(1)], ..Batch::of_docs(vec![write()]) }).await;
    check(Batch { outbox: vec![unsent(1, 1, 1)], ..Batch::default() }).await;
    let twice = vec![unsent(1, 1, 1), unsent(1, 1, 1)];
    check(Batch { outbox: twice, ..Batch::of_docs(vec![write()]) }).await;
    assert_eq!(store.documents_len().await.expect("counts"), 0);
}

#[tokio::test]
async fn the_outbox_is_sent_in_order_and_in_pieces() {
    let place = Place::new();
    let store = place.open().await;
    let outbox = vec![unsent(1, 1, 600), unsent(2, 2, 600), unsent(1, 3, 5_000), unsent(2, 4, 10)];
    let docs = vec![new_ticket(ticket(1, "a")), new_ticket(ticket(2, "b"))];
    store.commit(&Batch { outbox: outbox.clone(), ..Batch::of_docs(docs) }).await.expect("commits");

    let sent = async |bytes, changes| {
        let batch = store.outbox_batch(bytes, changes).await.expect("reads");
        batch.into_iter().map(|change| change.hash[0]).collect::<Vec<u8>>()
    };
    assert_eq!(sent(1_200, 10).await, [1, 2]);
    assert_eq!(sent(1_199, 10).await, [1]);
    assert_eq!(sent(100_000, 3).await, [1, 2, 3]);
    assert_eq!(sent(10, 10).await, [1], "one is always sent");
    let second = store.outbox_batch(1_200, 10).await.expect("reads")[1].seq;
    let rest = store.outbox_after(second, 5_010, 10).await.expect("reads");
    assert_eq!(rest.iter().map(|change| change.hash[0]).collect::<Vec<_>>(), [3, 4]);
    let of_two = store.outbox_of(id(2)).await.expect("reads");
    assert_eq!(of_two.iter().map(|change| change.hash[0]).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(of_two[0].edit, edit(id(2), "Принтер"));
    assert_eq!((of_two[0].kind, of_two[0].edited_at), (DocKind::Ticket, NOW.plus_ms(2)));

    let unsent_rows = async || {
        let rows = store
            .list_tickets(&TicketFilter::default(), TicketSort::Created, 0, 9, NOW)
            .await
            .expect("lists");
        rows.into_iter().filter(|row| row.unsent).map(|row| row.title).collect::<Vec<_>>()
    };
    assert_eq!(unsent_rows().await, ["b", "a"]);
    // Accepted twice, as after a lost answer.
    for _ in 0..2 {
        let accepted = Batch { accepted: vec![hash(1), hash(3)], cursor: Some(5), ..Batch::default() };
        store.commit(&accepted).await.expect("commits");
    }
    assert_eq!(sent(100_000, 10).await, [2, 4]);
    assert_eq!(unsent_rows().await, ["b"]);
    assert_eq!((store.outbox_len().await.expect("counts"), store.cursor().await.expect("reads")), (2, 5));
}

#[tokio::test]
async fn a_refused_edit_moves_to_the_list_with_everything_that_was_in_it() {
    let place = Place::new();
    let store = place.open().await;
    let docs = vec![new_ticket(ticket(1, "a"))];
    let outbox = vec![unsent(1, 1, 600), unsent(1, 2, 20)];
    store.commit(&Batch { outbox, ..Batch::of_docs(docs) }).await.expect("commits");
    let rejection = |change| Rejection {
        hash: hash(change),
        code: "forbidden".to_owned(),
        reason: "the role does not allow it".to_owned(),
        subject: "TK-00000001".to_owned(),
        rejected_at: NOW,
    };
    // The remaining edit is replayed: another change with the same content.
    let batch = Batch {
        rejected: vec![rejection(1), rejection(77)],
        accepted: vec![hash(2)],
        outbox: vec![unsent(1, 3, 20)],
        ..Batch::default()
    };
    let committed = store.commit(&batch).await.expect("commits");
    assert_eq!(committed.rejected.len(), 1);
    assert_eq!(store.outbox_of(id(1)).await.expect("reads").len(), 1);

    let listed = store.rejected().await.expect("lists");
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].code.as_str(), &listed[0].edit), ("forbidden", &edit(id(1), "Принтер")));
    let whole = store.rejected_change(committed.rejected[0]).await.expect("reads").expect("is there");
    assert_eq!((whole.doc, whole.hash, whole.bytes.len()), (id(1), hash(1), 600));
    assert_eq!(whole.edit, listed[0]);
    assert_eq!(store.rejected_len().await.expect("counts"), 1);

    let id = whole.edit.id;
    assert!(store.discard_rejected(id, NOW).await.expect("discards"));
    assert!(!store.discard_rejected(id, NOW).await.expect("discards"));
    assert_eq!(
        (store.rejected().await.expect("lists"), store.rejected_len().await.expect("counts")),
        (vec![], 0)
    );
    assert!(store.restore_rejected(id).await.expect("restores"));
    assert_eq!(store.rejected().await.expect("lists"), listed);
    // A month after it was discarded it is gone for good.
    assert!(store.discard_rejected(id, NOW).await.expect("discards"));
    assert!(!store.discard_rejected(0, NOW.plus_ms(31 * 24 * 3_600_000)).await.expect("discards"));
    assert!(!store.restore_rejected(id).await.expect("restores"));
}

#[tokio::test]
async fn a_refused_edit_is_proposed_again_once() {
    let place = Place::new();
    let store = place.open().await;
    let docs = vec![new_ticket(ticket(1, "a"))];
    store.commit(&Batch { outbox: vec![unsent(1, 1, 60)], ..Batch::of_docs(docs) }).await.expect("commits");
    let rejection = Rejection {
        hash: hash(1),
        code: "forbidden".to_owned(),
        reason: String::new(),
        subject: "TK-00000001".to_owned(),
        rejected_at: NOW,
    };
    let refused =
        store.commit(&Batch { rejected: vec![rejection], ..Batch::default() }).await.expect("commits");
    let again = |change| Batch {
        proposed_again: refused.rejected.clone(),
        outbox: vec![unsent(1, change, 60)],
        ..Batch::default()
    };
    store.commit(&again(2)).await.expect("commits");
    assert_eq!(store.rejected().await.expect("lists"), []);
    let second = store.commit(&again(3)).await;
    assert!(matches!(second, Err(StoreError::NotRejected { .. })), "{second:?}");
    assert_eq!(store.outbox_len().await.expect("counts"), 1, "nothing of the second was written");
}

#[tokio::test]
async fn a_document_that_is_out_of_sight_goes_with_all_its_rows() {
    let place = Place::new();
    let store = place.open().await;
    let mut seen = ticket(1, "Принтер");
    seen.tags.insert("железо".to_owned());
    seen.source = Some(source("INC1"));
    let deadline = Deadline {
        rule: AlertRule::ResolutionBreach,
        percent: 100,
        metric: None,
        due_at: NOW,
        members: Vec::new(),
    };
    let write = DocWrite { deadlines: vec![deadline], ..new_ticket(seen) };
    store
        .commit(&Batch { outbox: vec![unsent(1, 1, 5)], ..Batch::of_docs(vec![write]) })
        .await
        .expect("commits");

    let drop = Batch { drop_docs: vec![id(1), id(99)], ..Batch::default() };
    assert!(matches!(store.commit(&drop).await, Err(StoreError::Unsent { doc }) if doc == id(1)));
    let committed = store.commit(&Batch { accepted: vec![hash(1)], ..drop }).await.expect("commits");
    assert_eq!(committed.docs, [id(1)]);
    assert_eq!(list(&store).await, [""; 0]);
    assert_eq!(store.find_source("servicenow-csv", "INC1").await.expect("finds"), None);
    assert_eq!(store.deadlines_until(NOW).await.expect("reads"), []);
    assert_eq!(store.search("принтер", 9, None).await.expect("finds"), []);
    assert_eq!(store.check().await.expect("checks"), Health::default());
}

#[tokio::test]
async fn a_document_of_an_unknown_schema_is_kept_without_rows() {
    let place = Place::new();
    let store = place.open().await;
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(1, "Принтер"))])).await.expect("commits");
    let newer = DocWrite {
        row: None,
        schema: 99,
        snapshot: b"from the future".to_vec(),
        ..again(State::Ticket(Box::new(ticket(1, "x"))), 1)
    };
    store.commit(&Batch::of_docs(vec![newer])).await.expect("commits");
    assert_eq!(list(&store).await, [""; 0]);
    assert_eq!(store.search("принтер", 9, None).await.expect("finds"), []);
    let stored = store.document(id(1)).await.expect("reads").expect("is there");
    assert_eq!(
        (stored.schema, stored.projected, stored.snapshot.as_slice()),
        (99, false, &b"from the future"[..])
    );
    assert!(store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn an_alert_is_raised_once_and_only_added_to() {
    let place = Place::new();
    let store = place.open().await;
    let deadline = |percent, ms| Deadline {
        rule: AlertRule::ResolutionWarning,
        percent,
        metric: Some(Metric::Resolution),
        due_at: NOW.plus_ms(ms),
        members: Vec::new(),
    };
    let write = DocWrite {
        next_due: Some(NextDue { metric: Metric::Resolution, due_at: NOW.plus_ms(900) }),
        deadlines: vec![deadline(75, -500), deadline(90, 300)],
        ..new_ticket(ticket(1, "Принтер"))
    };
    store.commit(&Batch::of_docs(vec![write])).await.expect("commits");
    assert_eq!(store.next_deadline_after(NOW).await.expect("reads"), Some(NOW.plus_ms(300)));
    assert_eq!(store.next_deadline_after(NOW.plus_ms(300)).await.expect("reads"), None);
    let due = store.deadlines_until(NOW).await.expect("reads");
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].title.as_str(), due[0].metric), ("Принтер", Some(Metric::Resolution)));
    assert_eq!((due[0].priority, due[0].severity), (Some(Priority::Medium), None));
    assert_eq!(store.deadlines_until(NOW.plus_ms(300)).await.expect("reads").len(), 2);

    let key = due[0].key.clone();
    let record = async |write: AlertWrite| {
        store.commit(&Batch { alerts: vec![write], ..Batch::default() }).await.expect("commits")
    };
    let raise = |key: &AlertKey, ms, silent| AlertWrite::Raise {
        key: key.clone(),
        at: NOW.plus_ms(ms),
        silent,
        settled: false,
    };
    assert!(!store.alert_is_known(&key).await.expect("reads"));
    assert_eq!(record(raise(&key, 0, false)).await.new_alerts, std::slice::from_ref(&key));
    assert_eq!(record(raise(&key, 99, false)).await.new_alerts, []);
    assert!(store.alert_is_known(&key).await.expect("reads"));
    assert_eq!(store.deadlines_until(NOW).await.expect("reads"), []);
    let open = store.alerts_open(NOW, 9).await.expect("reads");
    assert_eq!((open.len(), open[0].state.raised_at, open[0].title.as_str()), (1, Some(NOW), "Принтер"));

    // Derived anew, the deadline is known to have been raised; moved, it is another alert.
    let derived = |ms| DocWrite {
        deadlines: vec![deadline(75, ms)],
        ..again(State::Ticket(Box::new(ticket(1, "Принтер"))), 1)
    };
    store.replace_projection(&[derived(-500)]).await.expect("derives");
    assert_eq!(store.deadlines_until(NOW).await.expect("reads"), []);
    store.replace_projection(&[derived(-400)]).await.expect("derives");
    let moved = store.deadlines_until(NOW).await.expect("reads");
    assert_eq!(moved.len(), 1);
    // It is somebody else's business: known, and never listed.
    record(raise(&moved[0].key, 0, true)).await;
    assert_eq!(store.deadlines_until(NOW).await.expect("reads"), []);
    assert_eq!(store.alerts_open_len(NOW, 9).await.expect("counts"), 1);
    assert_eq!(store.alerts_pending().await.expect("reads").len(), 1);
}

#[tokio::test]
async fn a_decision_is_kept_only_where_nothing_overtook_it() {
    let place = Place::new();
    let store = place.open().await;
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(1, "Принтер"))])).await.expect("commits");
    let key = AlertKey { subject: id(1), rule: AlertRule::ResolutionBreach, percent: 100, due_at: NOW };
    let record = async |write: AlertWrite| {
        store.commit(&Batch { alerts: vec![write], ..Batch::default() }).await.expect("commits")
    };
    let state = async || {
        let mut all = store.alerts_open(NOW, 9).await.expect("reads");
        all.extend(store.alerts_snoozed(NOW, 9).await.expect("reads"));
        all.extend(store.alerts_acknowledged(9).await.expect("reads"));
        assert_eq!(all.len(), 1);
        all.remove(0).state
    };
    let decide = async |was: AlertState, delivery| {
        let is = was.after(delivery, NOW.plus_ms(1));
        let decision = AlertDecision { key: key.clone(), was, is };
        store.decide(&[decision]).await.expect("decides").len()
    };
    record(AlertWrite::Raise { key: key.clone(), at: NOW, silent: false, settled: false }).await;
    let raised = state().await;
    let until = NOW.plus_ms(60_000);
    assert_eq!(decide(raised, Delivery::Hold { by: Hold::Quiet, until }).await, 1);
    let waits = state().await;
    assert_eq!((waits.held_by, waits.held_until), (Some(Hold::Quiet), Some(until)));

    // Put off while it was being decided upon: the decision is void.
    let later = NOW.plus_ms(90_000);
    let snooze = || AlertWrite::Snooze { key: key.clone(), at: NOW, until: later };
    let settled = async |ms| {
        store.alerts_settled(std::slice::from_ref(&key), NOW.plus_ms(ms)).await.expect("reads").len()
    };
    assert_eq!(settled(0).await, 0);
    record(snooze()).await;
    assert_eq!((settled(0).await, settled(90_000).await), (1, 0));
    assert_eq!(decide(waits, Delivery::Show { sound: true }).await, 0);
    let snoozed = state().await;
    assert!(snoozed.is_snoozed(NOW) && snoozed.is_pending());
    assert_eq!(store.alerts_open_len(NOW, 9).await.expect("counts"), 0);
    assert_eq!(store.alerts_open_len(later, 9).await.expect("counts"), 1);
    record(AlertWrite::Wake { key: key.clone(), at: NOW }).await;
    assert!(!state().await.is_pending(), "who ends a snooze has seen it");
    record(snooze()).await;

    assert_eq!(decide(state().await, Delivery::Show { sound: true }).await, 1);
    assert_eq!(decide(snoozed, Delivery::Show { sound: true }).await, 0, "shown already");
    assert_eq!(store.alerts_pending().await.expect("reads"), []);

    let acknowledge = |ms| AlertWrite::Acknowledge { key: key.clone(), at: NOW.plus_ms(ms) };
    record(acknowledge(5)).await;
    record(acknowledge(9)).await;
    assert_eq!(state().await.acknowledged_at, Some(NOW.plus_ms(5)));
    assert_eq!(settled(90_000).await, 1);
    record(snooze()).await;
    assert_eq!(state().await.snoozed_until, Some(later), "what is acknowledged is not put off");
    let reopen = |ms| AlertWrite::Reopen { key: key.clone(), at: NOW.plus_ms(ms) };
    record(reopen(4)).await;
    assert!(state().await.acknowledged_at.is_some(), "the acknowledgement came after that");
    record(reopen(6)).await;
    assert_eq!(
        (state().await.acknowledged_at, store.alerts_open_len(later, 9).await.expect("counts")),
        (None, 1)
    );
}

#[tokio::test]
async fn an_incidents_escalation_is_in_its_line_and_among_the_deadlines() {
    let place = Place::new();
    let store = place.open().await;
    let escalation = Deadline {
        rule: AlertRule::IncidentEscalation,
        percent: 2,
        metric: None,
        due_at: NOW.plus_ms(60_000),
        members: vec![MemberId(id(7).0), MemberId(id(8).0)],
    };
    let mut running = new(State::Incident(Box::new(incident(1, "Сеть", ""))));
    if let Some(Row::Incident(line)) = &mut running.row {
        line.escalates_at = Some(NOW.plus_ms(60_000));
    }
    let mut over = incident(2, "Почта", "");
    over.status = desk_domain::incident::IncidentStatus::Resolved;
    over.created_at = NOW.plus_ms(5_000);
    let docs = vec![
        new(State::Incident(Box::new(over))),
        DocWrite { deadlines: vec![escalation.clone()], ..running },
    ];
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    let rows = store.list_incidents().await.expect("lists");
    assert_eq!(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["Сеть", "Почта"]);
    assert_eq!(rows[0].escalates_at, Some(NOW.plus_ms(60_000)));
    assert_eq!(store.incident_by_number(&rows[0].number).await.expect("finds"), [id(1)]);
    let due = store.deadlines_until(NOW.plus_ms(60_000)).await.expect("reads");
    assert_eq!((due[0].kind, due[0].number.as_str()), (DocKind::Incident, rows[0].number.as_str()));
    assert_eq!((due[0].key.percent, &due[0].members), (2, &escalation.members));
}

#[tokio::test]
async fn deadlines_follow_the_document_whatever_of_them_moved() {
    let place = Place::new();
    let store = place.open().await;
    let page = |percent, after_ms, members: &[u128]| Deadline {
        rule: AlertRule::IncidentEscalation,
        percent,
        metric: None,
        due_at: NOW.plus_ms(after_ms),
        members: members.iter().map(|member| MemberId(id(*member).0)).collect(),
    };
    let steps = [
        vec![page(2, 60_000, &[8]), page(1, 50_000, &[7])],
        // As they were.
        vec![page(1, 50_000, &[7]), page(2, 60_000, &[8])],
        vec![page(1, 50_000, &[7]), page(2, 70_000, &[8])],
        vec![page(1, 50_000, &[7]), page(2, 70_000, &[8, 9])],
        vec![page(1, 50_000, &[7])],
        vec![],
        vec![page(3, 10_000, &[])],
    ];
    let mut heads = None;
    for (step, deadlines) in steps.into_iter().enumerate() {
        let changed = incident(1, &format!("Сеть {step}"), "");
        let mut write = new(State::Incident(Box::new(changed)));
        write.heads = vec![[u8::try_from(step).expect("small"); 32]];
        write.expected_heads = heads.replace(write.heads.clone());
        write.deadlines = deadlines.clone();
        store.commit(&Batch::of_docs(vec![write])).await.expect("commits");
        let due = store.deadlines_until(NOW.plus_ms(100_000)).await.expect("reads");
        let mut found: Vec<_> =
            due.iter().map(|due| (due.key.percent, due.key.due_at, due.members.clone())).collect();
        found.sort();
        let mut wanted: Vec<_> =
            deadlines.into_iter().map(|wanted| (wanted.percent, wanted.due_at, wanted.members)).collect();
        wanted.sort();
        assert_eq!(found, wanted, "step {step}");
    }
}

#[tokio::test]
async fn drafts_and_facts_are_kept_until_they_are_dropped() {
    let place = Place::new();
    let store = place.open().await;
    let draft = |key: &str, body: &str| Draft { key: key.to_owned(), body: body.to_owned(), saved_at: NOW };
    store.save_draft(draft("reply/1", "Здрав")).await.expect("saves");
    store.save_draft(draft("reply/1", "Здравствуйте")).await.expect("saves");
    store.save_draft(draft("new-ticket", "{}")).await.expect("saves");
    assert_eq!(store.draft("reply/1").await.expect("reads"), Some(draft("reply/1", "Здравствуйте")));
    assert_eq!(store.drafts().await.expect("reads").len(), 2);
    store.save_draft(draft("new-ticket", "")).await.expect("drops");
    let batch = Batch { drop_drafts: vec!["reply/1".to_owned()], ..Batch::default() };
    store.commit(&batch).await.expect("commits");
    assert_eq!(store.drafts().await.expect("reads"), []);

    store.set_meta("session", Some(&[0, 255, 7])).await.expect("sets");
    store.set_meta("device", Some(b"abc")).await.expect("sets");
    assert_eq!(store.meta("session").await.expect("reads"), Some(vec![0, 255, 7]));
    assert_eq!(store.meta_text("device").await.expect("reads").as_deref(), Some("abc"));
    assert!(store.meta_text("session").await.is_err());
    store.set_meta("session", None).await.expect("removes");
    assert_eq!(store.meta("session").await.expect("reads"), None);
}

#[tokio::test]
async fn an_imported_document_is_found_by_its_source() {
    let place = Place::new();
    let store = place.open().await;
    let imported = |n| Ticket { source: Some(source("INC0000045")), ..ticket(n, "x") };
    store.commit(&Batch::of_docs(vec![new_ticket(imported(7))])).await.expect("commits");
    assert_eq!(store.find_source("servicenow-csv", "INC0000045").await.expect("finds"), Some(id(7)));
    assert_eq!(store.find_source("github-archive", "INC0000045").await.expect("finds"), None);
    // Another device imported the same file; a deleted ticket is still known.
    let deleted = Ticket { deleted: true, ..imported(3) };
    store.commit(&Batch::of_docs(vec![new_ticket(deleted)])).await.expect("commits");
    assert_eq!(store.find_source("servicenow-csv", "INC0000045").await.expect("finds"), Some(id(3)));
}

#[tokio::test]
async fn documents_are_read_in_pages_in_the_order_of_their_ids() {
    let place = Place::new();
    let store = place.open().await;
    let mut docs: Vec<_> = (0..25).rev().map(|n| new_ticket(ticket(n, "x"))).collect();
    docs.push(new(State::Article(Box::new(article(100, "a", "b")))));
    let personal = desk_domain::personal::Personal {
        id: id(200),
        preferences: BTreeMap::new(),
        acknowledged: BTreeMap::new(),
        schema: 1,
    };
    docs.push(new(State::Personal(Box::new(personal))));
    store.commit(&Batch::of_docs(docs)).await.expect("commits");

    let mut seen = Vec::new();
    loop {
        let page = store.documents_of_kind(DocKind::Ticket, seen.last().copied(), 10).await.expect("reads");
        if page.is_empty() {
            break;
        }
        assert!(page.iter().all(|doc| doc.snapshot == format!("snapshot of {}", doc.id).into_bytes()));
        seen.extend(page.into_iter().map(|doc| doc.id));
    }
    assert_eq!(seen, (0..25).map(id).collect::<Vec<_>>());
    let digest = store.digest_rows(Some(id(23)), 100).await.expect("reads");
    assert_eq!(digest.iter().map(|row| row.id).collect::<Vec<_>>(), [id(24), id(100)]);
    assert_eq!(digest[0].heads, [hash(1)]);
}

#[tokio::test]
async fn a_check_finds_what_is_missing_and_a_repair_mends_it() {
    let place = Place::new();
    let store = place.open().await;
    let writes: Vec<DocWrite> = (0..200).map(|n| new_ticket(ticket(n, "Принтер"))).collect();
    store.commit(&Batch::of_docs(writes.clone())).await.expect("commits");
    let good = store.check().await.expect("checks");
    assert!(good.is_good() && good.documents == 200, "{good:?}");

    store.rebuild_search().await.expect("empties");
    let health = store.check().await.expect("checks");
    assert_eq!((health.not_indexed, health.is_good()), (200, false), "{health:?}");
    assert_eq!(store.search("принтер", 9, None).await.expect("finds"), []);
    let seen: Vec<DocWrite> =
        writes.into_iter().map(|write| DocWrite { expected_heads: Some(vec![hash(1)]), ..write }).collect();
    store.replace_projection(&seen).await.expect("repairs");
    assert_eq!(store.check().await.expect("checks"), good);
    assert_eq!(store.search("принтер", 9, None).await.expect("finds").len(), 9);
    let unknown = DocWrite { id: id(999), ..new_ticket(ticket(999, "x")) };
    assert!(matches!(store.replace_projection(&[unknown]).await, Err(StoreError::Stale { .. })));
}

#[tokio::test]
async fn a_checkpoint_moves_the_log_into_the_file() {
    let place = Place::new();
    let store = place.open().await;
    store
        .commit(&Batch::of_docs((0..400).map(|n| new_ticket(ticket(n, "x"))).collect()))
        .await
        .expect("commits");
    let before = std::fs::metadata(place.path()).expect("is there").len();
    store.checkpoint().await.expect("checkpoints");
    assert!(std::fs::metadata(place.path()).expect("is there").len() > before);
    assert_eq!(list(&store).await.len(), 100);
}
