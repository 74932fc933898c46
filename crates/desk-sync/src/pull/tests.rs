use desk_domain::people::Role;

use super::*;
use crate::{
    sample::{Device, create, doc, tag},
    wire::LoggedChange,
};

fn reply(seqs: &[u64], cursor: u64, head: u64) -> PullReply {
    let mut anna = Device::new(1, Role::Agent);
    let mut ops = std::iter::once(create()).chain((0..).map(|n| tag(&n.to_string())));
    let mut next = || ops.next().map(|op| anna.make(op).wire).unwrap();
    let changes = seqs.iter().map(|seq| LoggedChange { seq: *seq, change: next() }).collect();
    PullReply { changes, cursor, head, scope: crate::scope::open_id(), documents: vec![], withdrawn: vec![] }
}

#[test]
fn numbers_rise_from_the_cursor_to_the_new_one() {
    let check = |seqs: &[u64], cursor, head, holds: bool| {
        let checked = check_order(&reply(seqs, cursor, head), 4);
        assert_eq!(checked.is_ok(), holds, "{seqs:?} {cursor} {head}: {checked:?}");
    };
    check(&[5, 6, 9], 9, 9, true);
    check(&[5, 6], 9, 12, true);
    check(&[], 4, 4, true);
    check(&[4], 9, 9, false);
    check(&[6, 5], 9, 9, false);
    check(&[5, 5], 9, 9, false);
    check(&[5], 4, 9, false);
    check(&[], 3, 9, false);
    check(&[5], 9, 8, false);
}

#[test]
fn one_altered_byte_refuses_the_whole_batch() {
    let mut damaged = reply(&[5, 6], 6, 6);
    damaged.changes[1].change.bytes[20] ^= 1;
    assert!(matches!(receive(damaged, 4), Err(PullError::Corrupt { seq: 6, .. })));
    assert_eq!(receive(reply(&[5, 6], 6, 6), 4).unwrap().changes[&doc()].1.len(), 2);
}

#[test]
fn a_document_is_of_one_kind() {
    let mut two = reply(&[5, 6], 6, 6);
    two.changes[1].change.kind = DocKind::Article;
    assert!(matches!(receive(two, 4), Err(PullError::OtherKind(_))));
    let other = merge(Some(Document::empty(doc(), DocKind::Article)), doc(), DocKind::Ticket, &[]);
    assert!(matches!(other, Err(PullError::OtherKind(_))));
}

#[test]
fn only_what_is_new_is_merged() {
    let mut anna = Device::new(1, Role::Agent);
    let made = [create(), tag("a"), tag("b")].map(|op| anna.make(op).verified());
    let merged = merge(None, doc(), DocKind::Ticket, &made[..2]).unwrap().unwrap();
    assert_eq!(merged.added, 2);
    let again = merge(Some(merged.document.clone()), doc(), DocKind::Ticket, &made[..2]).unwrap();
    assert!(again.is_none());
    let mut rest = merge(Some(merged.document), doc(), DocKind::Ticket, &made).unwrap().unwrap();
    assert_eq!((rest.added, rest.document.heads()), (1, anna.document.heads()));
}

#[test]
fn a_gap_in_the_log_is_noticed() {
    let mut anna = Device::new(1, Role::Agent);
    let made = [create(), tag("a"), tag("b")].map(|op| anna.make(op).verified());
    let gap = merge(None, doc(), DocKind::Ticket, &[made[0].clone(), made[2].clone()]);
    assert!(matches!(gap, Err(PullError::Apply(ApplyError::MissingDependencies { missing: 1 }))));
}

#[test]
fn a_change_of_this_device_that_it_never_made_is_foreign() {
    let mut anna = Device::new(1, Role::Agent);
    let mut boris = Device::new(2, Role::Agent);
    let [created, tagged] = [create(), tag("a")].map(|op| anna.make(op).verified());
    boris.document.apply(vec![created.clone(), tagged.clone()]).unwrap();
    let theirs = boris.make(tag("b")).verified();
    let mut copy = Document::empty(doc(), DocKind::Ticket);
    copy.apply(vec![created.clone()]).unwrap();
    assert!(!has_foreign(Some(&copy), &[created.clone(), theirs], anna.id));
    assert!(has_foreign(Some(&copy), &[tagged], anna.id));
    assert!(has_foreign(None, &[created], anna.id));
}
