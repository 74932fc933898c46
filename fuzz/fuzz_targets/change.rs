//! A hostile change: whatever it says, judging it, applying it and opening the document again does not panic, and a document
//! that took a change which the judge let through opens and reads.

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
    // A device looks whether the document opens before it stores it; the server relies on the judge.
    let loaded = Document::load(document.id(), document.kind(), &document.save());
    // The server refuses a second birth before it asks the judge.
    if judged.is_ok() && is_birth == is_new {
        let mut loaded = loaded.expect("a document that took what the judge let through opens");
        assert_eq!(loaded.heads(), document.heads());
        loaded.read().expect("what the judge let through reads");
    } else if let Ok(loaded) = loaded {
        let _ = loaded.read();
    }
}
