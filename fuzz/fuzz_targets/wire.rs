//! Every message of the wire: nothing that arrives panics, and what decodes comes back the same from its own bytes.

#![no_main]

use desk_docs::{read_block, unpack_block};
use desk_fuzz::{begin, frame, guard};
use desk_sync::{
    live::{Told, What},
    segment::{Bootstrap, blocks, id_of},
    wire::{Message, PullReply, Push, PushReply, decode, encode},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: begin(), |input: &[u8]| guard(|| run(input)));

fn run(input: &[u8]) {
    let Some((which, rest)) = input.split_first() else { return };
    match which % 7 {
        0 => round::<Push>(rest),
        1 => round::<PushReply>(rest),
        2 => round::<PullReply>(rest),
        3 => round::<Bootstrap>(rest),
        4 => segment(rest),
        5 => told(rest),
        _ => drop(read_block(rest)),
    }
}

/// A frame as it comes, and one whose header and checksum are right around the same body.
fn round<M: Message + PartialEq + std::fmt::Debug>(input: &[u8]) {
    for frame in [input.to_vec(), frame(M::CODE, input)] {
        if let Ok(message) = decode::<M>(&frame) {
            let again = encode(&message).expect("what was decoded can be sent");
            assert_eq!(decode::<M>(&again).expect("what was encoded decodes"), message);
        }
    }
}

/// What goes over the live connection.
fn told(input: &[u8]) {
    if let Ok(told) = Told::decode(input) {
        assert_eq!(told.encode().as_deref(), Ok(input));
        match told.what {
            What::Page { .. } => round::<PullReply>(told.frame),
            What::Edit => round::<Push>(told.frame),
            What::Verdicts { .. } => round::<PushReply>(told.frame),
        }
    }
}

fn segment(input: &[u8]) {
    let Ok(packed) = blocks(input, id_of(input)) else { return };
    for block in packed {
        if let Ok(raw) = unpack_block(block.bytes, block.raw_bytes) {
            drop(read_block(&raw));
        }
    }
}
