//! Of what detection keeps.

use std::collections::BTreeSet;

use desk_domain::{
    detection::{
        SignalScope,
        burst::{HOUR_MS, NewTicket},
        metric::Sample,
    },
    ids::DocId,
    time::UtcMillis,
};

use super::{NOW, hash, id, workspace};
use crate::storage::{
    Storage,
    signals::{CountedTicket, Keep, NAMES_MAX, SAMPLES_MAX, SignalToken, USE_NOTED_MS},
};

pub(in crate::storage) async fn a_token_is_found_by_its_hash_until_it_is_revoked(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    let token = |n: u8, created_at: UtcMillis| SignalToken {
        id: id(n),
        workspace: space.id,
        name: format!("backup {n}"),
        scope: SignalScope::Heartbeats,
        created_at,
        used_at: None,
        revoked_at: None,
    };
    let (first, second) = (token(1, NOW), token(2, NOW.plus_ms(1)));
    storage.add_signal_token(&first, hash(1)).await.unwrap();
    storage.add_signal_token(&second, hash(2)).await.unwrap();
    assert!(storage.add_signal_token(&token(3, NOW), hash(1)).await.is_err(), "a hash is one token's");
    assert_eq!(storage.signal_token(hash(1)).await.unwrap(), Some(first.clone()));
    assert_eq!(storage.signal_token(hash(9)).await.unwrap(), None);
    assert_eq!(storage.signal_tokens(space.id).await.unwrap(), [second, first.clone()]);
    assert_eq!(storage.signal_tokens(other.id).await.unwrap(), []);

    storage.note_token_use(first.id, NOW).await.unwrap();
    storage.note_token_use(first.id, NOW.plus_ms(USE_NOTED_MS - 1)).await.unwrap();
    let used = |at| Some(SignalToken { used_at: Some(at), ..first.clone() });
    assert_eq!(storage.signal_token(hash(1)).await.unwrap(), used(NOW));
    let later = NOW.plus_ms(USE_NOTED_MS);
    storage.note_token_use(first.id, later).await.unwrap();
    assert_eq!(storage.signal_token(hash(1)).await.unwrap(), used(later));

    assert!(storage.revoke_signal_token(first.id, NOW).await.unwrap());
    assert!(storage.revoke_signal_token(first.id, later).await.unwrap());
    assert!(!storage.revoke_signal_token(id(9), NOW).await.unwrap());
    assert_eq!(storage.signal_token(hash(1)).await.unwrap().unwrap().revoked_at, Some(NOW));
}

pub(in crate::storage) async fn a_heartbeat_keeps_its_latest_instant_and_names_are_limited(
    storage: &dyn Storage,
) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    assert!(storage.beat(space.id, "backup", NOW).await.unwrap());
    assert!(storage.beat(space.id, "backup", NOW.plus_ms(5)).await.unwrap());
    assert!(storage.beat(space.id, "backup", NOW).await.unwrap());
    let found = storage.heartbeats(space.id).await.unwrap();
    assert_eq!(found, [("backup".to_owned(), NOW.plus_ms(5))].into());
    for n in 1..NAMES_MAX {
        assert!(storage.beat(space.id, &format!("b{n}"), NOW).await.unwrap());
    }
    assert!(!storage.beat(space.id, "one-too-many", NOW).await.unwrap());
    assert!(storage.beat(space.id, "backup", NOW.plus_ms(9)).await.unwrap(), "those that are there go on");
    assert!(storage.beat(other.id, "one-too-many", NOW).await.unwrap(), "another workspace has its own");
}

pub(in crate::storage) async fn samples_are_kept_up_to_their_number(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let sample = |n: u32| Sample { at: NOW.plus_ms(i64::from(n)), value: f64::from(n) / 4.0 };
    let mut tx = storage.begin(space.id).await.unwrap();
    for n in 0..SAMPLES_MAX + 5 {
        assert!(tx.note_sample("queue", sample(n)).await.unwrap());
    }
    let all = tx.newest_samples("queue", 10_000).await.unwrap();
    assert_eq!(all, (5..SAMPLES_MAX + 5).map(sample).collect::<Vec<_>>());
    let replaced = Sample { value: -1.0, ..sample(SAMPLES_MAX + 4) };
    assert!(tx.note_sample("queue", replaced).await.unwrap());
    assert_eq!(tx.newest_samples("queue", 2).await.unwrap(), [sample(SAMPLES_MAX + 3), replaced]);
    for n in 1..NAMES_MAX {
        assert!(tx.note_sample(&format!("m{n}"), sample(1)).await.unwrap());
    }
    assert!(!tx.note_sample("one-too-many", sample(1)).await.unwrap());
    assert_eq!(tx.newest_samples("one-too-many", 1).await.unwrap(), []);
    assert!(tx.note_sample("queue", sample(9_999)).await.unwrap());
}

pub(in crate::storage) async fn tickets_are_counted_by_the_hour_and_forgotten(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    let hour = NOW.0.div_euclid(HOUR_MS);
    let ticket = |n: u8, category: &str, at_hour: i64| CountedTicket {
        category: category.to_owned(),
        ticket: NewTicket {
            id: DocId(id(n)),
            created_at: UtcMillis(at_hour * HOUR_MS + i64::from(n)),
            title: format!("касса {n}"),
        },
    };
    let keep =
        |hours: i64| Keep { tickets_since: UtcMillis((hour - 1) * HOUR_MS), hours_since: hour - hours };
    assert_eq!(storage.counting_since(space.id).await.unwrap(), None);
    let tickets =
        [ticket(1, "", hour - 9), ticket(2, "pos", hour - 1), ticket(3, "pos", hour), ticket(4, "pos", hour)];
    let mut tx = storage.begin(space.id).await.unwrap();
    tx.count_tickets(&tickets, keep(5)).await.unwrap();
    drop(tx);
    assert_eq!(storage.counting_since(space.id).await.unwrap(), None, "what is not committed is not there");
    let mut tx = storage.begin(space.id).await.unwrap();
    tx.count_tickets(&tickets, keep(5)).await.unwrap();
    tx.commit().await.unwrap();

    let hours = BTreeSet::from([hour - 9, hour - 1, hour, hour + 1]);
    let counts = storage.ticket_hours(space.id, "pos", &hours).await.unwrap();
    assert_eq!(counts, [(hour - 1, 1), (hour, 2)].into());
    assert_eq!(storage.ticket_hours(space.id, "pos", &[hour].into()).await.unwrap(), [(hour, 2)].into());
    assert_eq!(storage.ticket_hours(space.id, "", &hours).await.unwrap(), [].into(), "it is too old");
    assert_eq!(storage.ticket_hours(other.id, "pos", &hours).await.unwrap(), [].into());
    assert_eq!(storage.counting_since(space.id).await.unwrap(), Some(hour - 1));

    let after = UtcMillis((hour - 1) * HOUR_MS + 2);
    let recent = async |limit| storage.recent_tickets(space.id, "pos", after, limit).await.unwrap();
    assert_eq!(recent(9).await, [tickets[2].ticket.clone(), tickets[3].ticket.clone()]);
    assert_eq!(recent(1).await, [tickets[3].ticket.clone()], "the newest");
    assert_eq!(storage.recent_categories(space.id, after).await.unwrap(), ["pos".to_owned()].into());

    let mut tx = storage.begin(space.id).await.unwrap();
    let later = Keep { tickets_since: UtcMillis((hour + 1) * HOUR_MS), hours_since: hour };
    tx.count_tickets(&[ticket(5, "", hour + 1)], later).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(recent(9).await, [], "forgotten");
    assert_eq!(storage.counting_since(space.id).await.unwrap(), Some(hour));
    assert_eq!(storage.recent_categories(space.id, after).await.unwrap(), [String::new()].into());
}

pub(in crate::storage) async fn a_proposal_and_an_episode_stand_until_they_are_replaced(
    storage: &dyn Storage,
) {
    let space = workspace(storage, 1).await;
    let mut tx = storage.begin(space.id).await.unwrap();
    assert_eq!(tx.last_proposal("tills", "pos").await.unwrap(), None);
    tx.put_proposal("tills", "pos", DocId(id(1))).await.unwrap();
    tx.put_proposal("tills", "", DocId(id(2))).await.unwrap();
    tx.put_proposal("tills", "pos", DocId(id(3))).await.unwrap();
    assert_eq!(tx.last_proposal("tills", "pos").await.unwrap(), Some(DocId(id(3))));
    assert_eq!(tx.episode("tills").await.unwrap(), None);
    tx.put_episode("tills", Some("{}")).await.unwrap();
    tx.put_episode("tills", Some("[]")).await.unwrap();
    tx.put_episode("other", Some("1")).await.unwrap();
    assert_eq!(tx.episode("tills").await.unwrap().as_deref(), Some("[]"));
    tx.put_episode("tills", None).await.unwrap();
    assert_eq!(tx.episode("tills").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(storage.proposed_last(space.id, "tills", "").await.unwrap(), Some(DocId(id(2))));
    assert_eq!(storage.proposed_last(space.id, "tills", "x").await.unwrap(), None);
}
