//! A hostile snapshot: opening, reading and saving it does not panic, and what a device stores of it opens again, whatever
//! changes stand behind the document.

#![no_main]

use std::sync::LazyLock;

use desk_docs::{Document, verify};
use desk_domain::ids::{DocId, DocKind, uuid_v7};
use desk_fuzz::{NOW, base, begin, chunk, guard, kind_of};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

/// A document with the one change that made it, by kind.
static BASES: LazyLock<[(Vec<u8>, Vec<u8>); 3]> = LazyLock::new(|| {
    [DocKind::Ticket, DocKind::Article, DocKind::Incident].map(|kind| {
        let (whole, mut changes) = base(kind);
        let first = changes.swap_remove(0);
        let made = verify(&first, Sha256::digest(&first[8..]).into()).expect("it is sound");
        let mut document = Document::empty(whole.id(), kind);
        document.apply(vec![made]).expect("it is the first");
        (document.save(), first)
    })
});

/// So often that the document is written anew.
const OFTEN: usize = 9;

fuzz_target!(init: begin(), |input: &[u8]| guard(|| run(input)));

fn run(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    let which = (how >> 2) & 0x7;
    let is_single = how & 0xc0 == 0;
    let snapshot = if is_single {
        chunk(how & 0x3, rest).0
    } else if how & 0x80 == 0 {
        // A change behind a document, by itself or after others.
        let (document, change) = &BASES[usize::from(which) % 3];
        let before = if how & 0x20 == 0 { Vec::new() } else { change.repeat(OFTEN) };
        [document.as_slice(), &before, &chunk(1, rest).0].concat()
    } else {
        rest.to_vec()
    };
    let id = DocId(uuid_v7(NOW, [9; 10]));
    let Ok(mut document) = Document::open(id, kind_of(which), snapshot) else { return };
    let _ = document.read();
    if document.is_empty() {
        return;
    }
    let again =
        |bytes: &[u8]| Document::load(id, kind_of(which), bytes).expect("what was saved loads").heads();
    assert_eq!(again(&document.snapshot().bytes), document.heads());
    // With changes behind it that nobody judged, only the device that stores it looks.
    if is_single {
        assert_eq!(again(&document.save()), document.heads());
    }
}
