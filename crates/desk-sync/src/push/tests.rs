use desk_domain::{
    edit::{Ops, TicketOp},
    ids::{DocKind, uuid_v7},
    people::Role,
    state::State,
    ticket::Priority,
};

use super::*;
use crate::{
    sample::{Device, Made, NOW, create, tag},
    wire::{Hash, Verdict},
};

fn refused(changes: &[(&Made, RejectCode)]) -> BTreeMap<Hash32, Refused> {
    let why = |code: RejectCode| Refused { code: code.as_str(), reason: "no".to_owned() };
    changes.iter().map(|(made, code)| (made.wire.hash.0, why(*code))).collect()
}

fn settled(device: &Device, waiting: &[&Made], refused: &BTreeMap<Hash32, Refused>) -> Settled {
    let waiting: Vec<_> =
        waiting.iter().map(|made| Waiting { hash: made.wire.hash.0, edit: &made.edit }).collect();
    settle(device.document.clone(), &waiting, refused, &device.author(), NOW, &device.ids).unwrap()
}

fn tags(document: &Document) -> Vec<String> {
    let State::Ticket(ticket) = document.read().unwrap() else { panic!("no ticket") };
    ticket.tags.into_iter().collect()
}

fn told(settled: &Settled) -> Vec<&str> {
    let say = |fate: &Fate| match fate {
        Fate::Again(_) => "again",
        Fate::Holds => "holds",
        Fate::Refused(why) => why.code,
    };
    settled.fates.iter().map(|(_, fate)| say(fate)).collect()
}

#[test]
fn a_refused_change_leaves_and_what_came_after_it_is_made_again() {
    let mut anna = Device::new(1, Role::Agent);
    let [_, before, wrong, after] = [create(), tag("a"), tag("b"), tag("c")].map(|op| anna.make(op));
    let refused = refused(&[(&wrong, RejectCode::Forbidden), (&after, RejectCode::DependsOnRejected)]);
    let settled = settled(&anna, &[&wrong, &after], &refused);
    assert_eq!(told(&settled), ["forbidden", "again"]);
    assert_eq!(tags(&settled.document), ["a", "c"]);
    assert!(settled.document.has(before.wire.hash.0) && !settled.document.has(after.wire.hash.0));
}

#[test]
fn what_was_typed_after_the_batch_left_is_kept_too() {
    let mut anna = Device::new(1, Role::Agent);
    let [_, wrong, later] = [create(), tag("a"), tag("b")].map(|op| anna.make(op));
    let settled = settled(&anna, &[&wrong, &later], &refused(&[(&wrong, RejectCode::Forbidden)]));
    assert_eq!((told(&settled), tags(&settled.document)), (vec!["forbidden", "again"], vec!["b".to_owned()]));
}

#[test]
fn an_edit_that_hangs_on_a_refused_one_is_refused_in_turn() {
    let mut anna = Device::new(1, Role::Agent);
    let [made, later] = [create(), tag("a")].map(|op| anna.make(op));
    let mut settled = settled(&anna, &[&made, &later], &refused(&[(&made, RejectCode::Forbidden)]));
    assert_eq!(told(&settled), ["forbidden", "depends_on_rejected"]);
    assert!(settled.document.is_empty());
}

#[test]
fn an_edit_whose_wish_holds_anyway_has_nothing_to_send() {
    let mut anna = Device::new(1, Role::Agent);
    let set = |priority| TicketOp::SetPriority { priority };
    let [_, up, down] = [create(), set(Priority::High), set(Priority::Medium)].map(|op| anna.make(op));
    let settled = settled(&anna, &[&up, &down], &refused(&[(&up, RejectCode::Forbidden)]));
    assert_eq!(told(&settled), ["forbidden", "holds"]);
}

#[test]
fn what_others_wrote_meanwhile_stays() {
    let (mut anna, mut boris) = (Device::new(1, Role::Agent), Device::new(2, Role::Agent));
    let created = anna.make(create());
    boris.document.apply(vec![created.verified()]).unwrap();
    let wrong = anna.make(tag("a"));
    anna.document.apply(vec![boris.make(tag("theirs")).verified()]).unwrap();
    // It builds on both, and is not refused for itself.
    let after = anna.make(tag("b"));
    let settled = settled(&anna, &[&wrong, &after], &refused(&[(&wrong, RejectCode::Workflow)]));
    assert_eq!(told(&settled), ["workflow", "again"]);
    assert_eq!(tags(&settled.document), ["b", "theirs"]);
}

#[test]
fn where_a_number_was_used_by_another_installation_nothing_counts_as_refused() {
    let mut anna = Device::new(1, Role::Agent);
    let [_, first, then] = [create(), tag("a"), tag("b")].map(|op| anna.make(op));
    let mut other = Device::new(1, Role::Agent);
    let elsewhere = other.make(create());
    let nothing = Edit { doc: crate::sample::doc(), ops: Ops::none(DocKind::Ticket) };
    let (here, there) = (crate::sample::doc(), DocId(uuid_v7(NOW, [7; 10])));
    let waiting = |made: &Made, doc, edit| (doc, Waiting { hash: made.wire.hash.0, edit });
    let all = [
        waiting(&first, here, &first.edit),
        waiting(&then, here, &then.edit),
        waiting(&elsewhere, there, &elsewhere.edit),
    ];
    let given = refused(&[
        (&first, RejectCode::DuplicateSeq),
        (&then, RejectCode::Forbidden),
        (&elsewhere, RejectCode::Forbidden),
    ]);
    let mut left = given.clone();
    assert_eq!(clashing(all.iter().copied(), &mut left), BTreeSet::from([here]));
    assert_eq!(left.keys().collect::<Vec<_>>(), [&elsewhere.wire.hash.0]);
    // One that was sent for another device says nothing of this one.
    let relayed = [waiting(&first, here, &nothing)];
    let mut left = given.clone();
    assert_eq!(clashing(relayed.iter().copied(), &mut left), BTreeSet::new());
    assert_eq!(left, given);
}

#[test]
fn verdicts_count_only_one_by_one_and_in_order() {
    let mut anna = Device::new(1, Role::Agent);
    let made = [create(), tag("a")].map(|op| anna.make(op).wire.hash);
    let verdict = |hash: Hash, refuse: bool| Verdict {
        hash,
        outcome: if refuse {
            Outcome::Rejected { code: RejectCode::Clock, reason: "late".into() }
        } else {
            Outcome::Accepted { seq: 1 }
        },
    };
    let read = |given: &[Verdict]| {
        verdicts(
            made.iter().map(|hash| hash.0),
            &PushReply {
                verdicts: given.to_vec(),
                head: 1,
                withdrawn: vec![],
                scope: crate::scope::open_id(),
            },
        )
    };
    let found = read(&[verdict(made[0], false), verdict(made[1], true)]).unwrap();
    assert_eq!(found.accepted, [made[0].0]);
    assert_eq!(found.refused[&made[1].0].code, "clock");
    assert_eq!(read(&[verdict(made[0], false)]), Err(NotJudged));
    assert_eq!(read(&[verdict(made[1], false), verdict(made[0], false)]), Err(NotJudged));
}

#[test]
fn a_device_has_read_what_it_sent_itself() {
    let verdict = |seq| Verdict { hash: Hash([7; 32]), outcome: Outcome::Accepted { seq } };
    let no = Verdict {
        hash: Hash([8; 32]),
        outcome: Outcome::Rejected { code: RejectCode::Forbidden, reason: String::new() },
    };
    let scope = Hash([1; 32]);
    let reply = |verdicts: Vec<Verdict>, head| PushReply { verdicts, head, withdrawn: Vec::new(), scope };
    let read = |reply: &PushReply| read_by(reply, 5, Some(scope));
    assert_eq!(read(&reply(vec![verdict(6)], 6)), Some(6));
    assert_eq!(read(&reply(vec![verdict(7), no.clone(), verdict(6)], 7)), Some(7));
    // One that was accepted before is not among what came since.
    assert_eq!(read(&reply(vec![verdict(3), verdict(6)], 6)), Some(6));
    assert_eq!(read(&reply(vec![verdict(3), verdict(6)], 7)), None, "somebody else's is between");
    assert_eq!(read(&reply(vec![verdict(7)], 7)), None);
    assert_eq!(read(&reply(vec![verdict(6), verdict(6)], 7)), None, "a server that counts wrongly");
    assert_eq!(read(&reply(vec![no], 5)), None, "nothing moved");
    assert_eq!(read(&reply(vec![verdict(6)], 4)), None);
    assert_eq!(read_by(&reply(vec![verdict(6)], 6), 5, Some(Hash([2; 32]))), None, "seen otherwise");
    assert_eq!(read_by(&reply(vec![verdict(6)], 6), 5, None), None);
    let hidden = PushReply { withdrawn: vec![crate::sample::doc()], ..reply(vec![verdict(6)], 6) };
    assert_eq!(read(&hidden), None);
}
