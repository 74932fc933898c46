//! Inputs to begin with: real changes, snapshots and frames.

use std::{fs, io, path::Path};

use desk_domain::ids::DocKind;
use desk_sync::live::{Told, What};
use desk_sync::wire::{
    Hash, LoggedChange, Outcome, PullReply, Push, PushReply, RejectCode, Verdict, WholeDocument, WireChange,
    encode,
};
use sha2::{Digest, Sha256};

use crate::{base, body_of};

/// Writes the inputs of all targets into folders of their names in `dir`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(dir: &Path) -> io::Result<()> {
    let mut wire_changes = Vec::new();
    for (number, kind) in (0_u8..).zip([DocKind::Ticket, DocKind::Article, DocKind::Incident]) {
        let (mut document, changes) = base(kind);
        for bytes in &changes {
            // On the finished document, on an empty one, and as a whole chunk.
            put(dir, "change", &[&[number], body_of(bytes)].concat())?;
            put(dir, "change", &[&[0x42 + number], body_of(bytes)].concat())?;
            put(dir, "change", &[&[0x80 | number], &bytes[..]].concat())?;
            // Behind a document, by itself and after others.
            put(dir, "snapshot", &[&[0x40 | number << 2], body_of(bytes)].concat())?;
            put(dir, "snapshot", &[&[0x60 | number << 2], body_of(bytes)].concat())?;
            let hash = Hash(Sha256::digest(&bytes[8..]).into());
            wire_changes.push(WireChange { doc: document.id(), kind, hash, bytes: bytes.clone() });
        }
        for snapshot in [document.save(), document.save_compressed()] {
            put(dir, "snapshot", &[&[number << 2], body_of(&snapshot)].concat())?;
            put(dir, "snapshot", &[&[0x80 | number << 2], &snapshot[..]].concat())?;
        }
    }
    let (hash, doc) = (wire_changes[0].hash, wire_changes[0].doc);
    let verdicts = vec![
        Verdict { hash, outcome: Outcome::Accepted { seq: 300 } },
        Verdict { hash, outcome: Outcome::Rejected { code: RejectCode::Clock, reason: "ahead".to_owned() } },
    ];
    let changes = (1..).zip(&wire_changes).map(|(seq, change)| LoggedChange { seq, change: change.clone() });
    let pull = PullReply {
        changes: changes.collect(),
        cursor: 40,
        head: 41,
        scope: desk_sync::scope::open_id(),
        documents: vec![WholeDocument { doc, kind: wire_changes[0].kind, snapshot: vec![7; 40] }],
        withdrawn: vec![doc],
    };
    let wrong = io::Error::other;
    put(dir, "wire", &[&[0], &encode(&Push { changes: wire_changes }).map_err(wrong)?[..]].concat())?;
    put(
        dir,
        "wire",
        &[
            &[1],
            &encode(&PushReply { verdicts, head: 7, withdrawn: vec![doc], scope: hash }).map_err(wrong)?[..],
        ]
        .concat(),
    )?;
    let frame = encode(&pull).map_err(wrong)?;
    put(dir, "wire", &[&[2], &frame[..]].concat())?;
    let page = What::Page { after: 39, is_proposed: false };
    for what in [page, What::Edit, What::Verdicts { sent_at_ms: 39 }] {
        let told = Told { what, witness: "proof", frame: &frame }.encode().map_err(wrong)?;
        put(dir, "wire", &[&[5], &told[..]].concat())?;
    }
    Ok(())
}

fn put(dir: &Path, target: &str, input: &[u8]) -> io::Result<()> {
    let dir = dir.join(target);
    fs::create_dir_all(&dir)?;
    let name: String = Sha256::digest(input).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    fs::write(dir.join(name), input)
}
