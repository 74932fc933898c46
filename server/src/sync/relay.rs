//! Changes that another device made, sent by one that has them: what the log lost when the server was restored from a
//! backup. Their authors may be gone, so whoever has them brings them.
//!
//! A change bears no signature: that its author made it is believed of the member who sends it, whom the log names. This is
//! why it is taken only for a time after a device has shown that the log was once longer.

use std::collections::{HashMap, hash_map::Entry};

use desk_domain::{ids::DeviceId, permissions::Actor, time::UtcMillis};

use super::push::Incoming;
use crate::storage::{MemberRecord, Storage, StorageError};

/// Says by whose rights changes of other devices are judged, while the workspace takes them at all: by those of the device's
/// member as they stand now. A device that the server does not know (it signed in after the backup) or that is the server's
/// own is judged by the sender's role, with whatever name stands in the change.
///
/// # Errors
/// When the storage fails.
pub async fn admit(
    storage: &dyn Storage,
    sender: &MemberRecord,
    device: DeviceId,
    now: UtcMillis,
    changes: &mut [Incoming],
) -> Result<(), StorageError> {
    if !changes.iter().any(|incoming| incoming.is_by_another(device)) {
        return Ok(());
    }
    if storage.recovering_until(sender.workspace).await?.is_none_or(|until| until <= now) {
        return Ok(());
    }
    let mut authors: HashMap<DeviceId, Actor> = HashMap::new();
    for incoming in changes.iter_mut().filter(|incoming| incoming.is_by_another(device)) {
        let Some(author) = incoming.author() else { continue };
        let actor = match authors.entry(author) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let owner = storage.owner_of_device(sender.workspace, author).await?;
                unknown.insert(match owner {
                    Some(owner) => Actor { member: Some(owner.id), role: owner.role },
                    None => Actor { member: None, role: sender.role },
                })
            }
        };
        incoming.relayed_for = Some(actor.clone());
    }
    Ok(())
}
