//! What holds when everything is sent and fetched.

use std::collections::{BTreeSet, HashMap, HashSet};

use desk_docs::{Document, verify};
use desk_domain::ids::{DocId, DocKind};
use desk_sync::{digest::Digest, wire::Hash};

use crate::{
    Broken, Counts,
    device::{Device, reopened},
    ledger::{Holder, Ledger, Made},
    server::{Kept, LoggedAs, Server},
};

/// Checks everything.
pub(crate) fn check(
    server: &Server,
    devices: &mut [Device],
    ledger: &Ledger,
    counts: &mut Counts,
) -> Result<(), Broken> {
    log_makes_the_documents(server)?;
    are_apart(devices)?;
    for device in devices.iter_mut().filter(|device| !device.is_gone()) {
        is_level_with(server, device)
            .map_err(|broken| Broken::new(format!("device {}: {broken}", device.index)))?;
    }
    restored_server_has_it_back(server, devices, ledger, counts)?;
    every_edit_is_somewhere(server, devices, ledger, counts)
}

/// The log alone, in its order, makes the server's documents, and every actor's numbers are without a gap.
fn log_makes_the_documents(server: &Server) -> Result<(), Broken> {
    let mut rebuilt: HashMap<DocId, Document> = HashMap::new();
    let mut seqs = HashMap::new();
    for logged in &server.log {
        let entry = &logged.entry;
        let change = verify(&entry.bytes, entry.hash).map_err(Broken::new)?;
        let last = seqs.entry((entry.doc, entry.actor)).or_insert(0);
        if change.seq() != *last + 1
            || change.seq() != entry.actor_seq
            || change.device() != Some(entry.actor)
        {
            return Err(Broken::new(format!("{} is no successor of its actor's {last}", Hash(entry.hash))));
        }
        *last += 1;
        let document = rebuilt.entry(entry.doc).or_insert_with(|| Document::empty(entry.doc, logged.kind));
        document.apply(vec![change]).map_err(Broken::new)?;
    }
    if rebuilt.len() != server.documents.len() {
        return Err(Broken::new("the server keeps other documents than its log makes"));
    }
    for (doc, kept) in &server.documents {
        let same =
            rebuilt.get_mut(doc).is_some_and(|document| document.heads() == kept.document.clone().heads());
        if !same {
            return Err(Broken::new(format!("the server's document {doc} is not what its log makes")));
        }
    }
    Ok(())
}

/// No two devices that have written to the workspace since they were one go by one id.
fn are_apart(devices: &[Device]) -> Result<(), Broken> {
    match devices.iter().find(|device| !device.is_gone() && device.store.twin) {
        Some(device) => Err(Broken::new(format!("device {} is still another's twin", device.index))),
        None => Ok(()),
    }
}

/// A device has what its member may see, says the same, and keeps beside each document what it says.
fn is_level_with(server: &Server, device: &mut Device) -> Result<(), Broken> {
    let account = server.accounts.iter().find(|account| account.id == device.member);
    let Some(account) = account else { return Err(Broken::new("it is nobody's")) };
    let visible = |kept: &Kept| server.sees(account, kept);
    let (mut here, mut there) = (Digest::default(), Digest::default());
    let expected = server.documents.iter().filter(|(_, kept)| visible(kept)).count();
    if device.store.documents.len() != expected {
        return Err(Broken::new(format!(
            "it has {} documents instead of {expected}",
            device.store.documents.len()
        )));
    }
    for (doc, kept) in server.documents.iter().filter(|(_, kept)| visible(kept)) {
        let Some(stored) = device.store.documents.get_mut(doc) else {
            return Err(Broken::new(format!("it lacks document {doc}")));
        };
        there.add(kept.kind, *doc, &kept.document.clone().heads());
        here.add(stored.document.kind(), *doc, &stored.document.heads());
        let logged = server.log.iter().filter(|logged| logged.entry.doc == *doc);
        let mut accepted = 0;
        for logged in logged {
            accepted += 1;
            if !stored.document.has(logged.entry.hash) {
                return Err(Broken::new(format!("{} is not in {doc}", Hash(logged.entry.hash))));
            }
        }
        let has = stored.document.changes().len();
        if has != accepted {
            return Err(Broken::new(format!("{doc} has {has} changes instead of {accepted}")));
        }
        let read = stored.document.read().map_err(Broken::new)?;
        if read != kept.document.read().map_err(Broken::new)? {
            return Err(Broken::new(format!("{doc} reads otherwise than on the server")));
        }
        if stored.state.as_ref() != Some(&read) {
            return Err(Broken::new(format!("what is kept beside {doc} is not what it says")));
        }
        if reopened(&mut stored.document)?.read().map_err(Broken::new)? != read {
            return Err(Broken::new(format!("{doc} reads otherwise from its snapshot")));
        }
        if kept.kind == DocKind::Personal && kept.owner.is_none() {
            return Err(Broken::new(format!("the personal document {doc} is nobody's")));
        }
    }
    if here.finish() == there.finish() { Ok(()) } else { Err(Broken::new("its digest is another one")) }
}

/// What a restored server lost and a device had is in the log again, or in a list of refused edits, unless every device that had
/// it is gone, had to let go of the document, or made what waited there again as another change.
fn restored_server_has_it_back(
    server: &Server,
    devices: &[Device],
    ledger: &Ledger,
    counts: &mut Counts,
) -> Result<(), Broken> {
    for (logged, holders) in &ledger.owed {
        let (doc, hash) = logged;
        let is_excused = |holder: &Holder| {
            let device = &devices[holder.device];
            device.is_gone()
                || device.let_go_of.contains(doc)
                || was_made_again(server, device, ledger, holder, *logged)
        };
        let what = if server.has(logged) {
            "lost changes that came back"
        } else if devices.iter().any(|device| device.has_rejected(*hash)) {
            "lost changes that were refused when they came back"
        } else if holders.iter().all(is_excused) {
            "lost changes that no device has any more"
        } else {
            return Err(Broken::new(format!(
                "{} of {doc} is lost, which the server had when it was restored, and {holders:?}",
                Hash(*hash)
            )));
        };
        counts.add(what, 1);
    }
    Ok(())
}

/// The change waited on the device still, and what is now in the log, or refused, or holds without a change is what the edit became
/// when it was made again: the server that does not know the change any more had taken a twin's under its number.
fn was_made_again(
    server: &Server,
    device: &Device,
    ledger: &Ledger,
    holder: &Holder,
    (doc, hash): LoggedAs,
) -> bool {
    let Some(edit) = holder.waiting.and_then(|no| ledger.edits.get(no)) else { return false };
    let mut became = edit.hashes.iter().skip_while(|made| **made != hash).skip(1);
    edit.holds || became.any(|again| server.has(&(doc, *again)) || device.has_rejected(*again))
}

/// Each edit was accepted, or refused into its device's list, or held already; once, and never two of these. On a device that is
/// gone it may also wait for ever.
fn every_edit_is_somewhere(
    server: &Server,
    devices: &[Device],
    ledger: &Ledger,
    counts: &mut Counts,
) -> Result<(), Broken> {
    let mut accepted = HashSet::new();
    for logged in server.log.iter().filter(|logged| logged.entry.member.is_some()) {
        if !ledger.has(&logged.entry.hash) && !server.own.contains(&logged.entry.hash) {
            return Err(Broken::new(format!("nobody made {}", Hash(logged.entry.hash))));
        }
        accepted.insert(logged.entry.hash);
    }
    let was_taken_later = |edit: &Made| {
        edit.hashes.iter().any(|hash| accepted.contains(hash) && ledger.forgotten.contains(hash))
    };
    for (no, edit) in ledger.edits.iter().enumerate() {
        let device = &devices[edit.device];
        let hashes: BTreeSet<_> = edit.hashes.iter().collect();
        let logged = hashes.into_iter().filter(|hash| accepted.contains(*hash)).count();
        let refused = device.store.rejected.iter().filter(|found| found.no == Some(no)).count();
        let waiting = device.store.outbox.iter().filter(|change| change.no == Some(no)).count();
        let places = (logged, refused, usize::from(edit.holds), waiting);
        // It was accepted once, and a restored server lost it: where it is then, the other check asks.
        let was_lost = edit.hashes.iter().any(|hash| ledger.lost.contains(hash));
        let fine = match places {
            (1, 0, 0, 0) | (0, 1, 0, 0) | (0, 0, 1, 0) => true,
            // Its verdict never arrived, or it was never sent.
            (0 | 1, 0, 0, 1) => device.is_gone(),
            (0 | 1, _, _, 0) if was_lost => true,
            // It let go of the document, or of what it built on, before it asked, and cannot know that the other copy had sent
            // it. Or it was refused, the server forgot that when it was restored, and took it by the rights of then when the
            // other copy asked.
            (1, 1, 0, 0) => edit.is_shared && (device.was_let_go(no) || was_taken_later(edit)),
            _ => false,
        };
        if !fine {
            return Err(Broken::new(format!(
                "edit {no} of device {} (accepted, refused, held, waiting) = {places:?}, gone {}: {}",
                edit.device,
                device.is_gone(),
                edit.what
            )));
        }
        let what = match places {
            (1, ..) => "edits accepted",
            (0, 1, ..) => "edits refused",
            (0, 0, 1, _) => "edits that held already",
            (0, 0, 0, 0) => "edits lost with a server",
            _ => "edits lost with a device",
        };
        counts.add(what, 1);
    }
    for rejected in devices.iter().flat_map(|device| &device.store.rejected) {
        if rejected.no.is_some_and(|no| ledger.edits.get(no).is_none()) {
            return Err(Broken::new(format!("what was refused was never made: {rejected:?}")));
        }
        counts.add(rejected.code, 1);
    }
    Ok(())
}
