//! A hostile change: whatever it says, judging and applying it does not panic, a document that took it still loads, and
//! one that took a change which the judge let through still reads.

#![no_main]

use std::sync::LazyLock;

use desk_docs::{Document, judge};
use desk_domain::{ids::DocKind, workspace::Workflow};
use desk_fuzz::{NOW, author, base, begin, change, guard, kind_of};
use libfuzzer_sys::fuzz_target;

static BASES: LazyLock<[Document; 3]> =
    LazyLock::new(|| [DocKind::Ticket, DocKind::Article, DocKind::Incident].map(|kind| base(kind).0));

fuzz_target!(init: begin(), |input: &[u8]| guard(|| run(input)));

fn run(input: &[u8]) {
    let Some(change) = change(input) else { return };
    let which = input[0] & 0x7f;
    // Also on a document that nobody has written to: the change that makes one.
    let kind = kind_of(which);
    let mut document = if which & 0x40 == 0 {
        BASES[usize::from(which) % 3].clone()
    } else {
        Document::empty(BASES[0].id(), kind)
    };
    let workflow = Workflow::default();
    let judged = judge(&document, &change, &author(1 + (which & 1), &workflow), NOW);
    let is_birth = change.deps().next().is_none();
    let is_new = document.is_empty();
    if document.apply(vec![change]).is_err() {
        return;
    }
    let snapshot = document.save();
    let mut loaded = Document::load(document.id(), document.kind(), &snapshot)
        .expect("a document that took a change loads");
    assert_eq!(loaded.heads(), document.heads());
    let read = loaded.read();
    // The server refuses a second birth before it asks the judge.
    if judged.is_ok() && is_birth == is_new {
        read.expect("what the judge let through reads");
    }
}
