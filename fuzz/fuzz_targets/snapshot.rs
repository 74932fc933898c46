//! A hostile snapshot: opening, reading and saving it does not panic.

#![no_main]

use desk_docs::Document;
use desk_domain::ids::{DocId, uuid_v7};
use desk_fuzz::{NOW, begin, chunk, guard, kind_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: begin(), |input: &[u8]| guard(|| run(input)));

fn run(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    let snapshot = if how & 0x80 == 0 { chunk(how & 0x3, rest).0 } else { rest.to_vec() };
    let id = DocId(uuid_v7(NOW, [9; 10]));
    let Ok(mut document) = Document::load(id, kind_of(how >> 2), &snapshot) else { return };
    let _ = document.read();
    let saved = document.save();
    if !document.is_empty() {
        let mut again = Document::load(id, document.kind(), &saved).expect("what was saved loads");
        assert_eq!(again.heads(), document.heads());
    }
}
