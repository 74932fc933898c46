//! A server that is restored from an older backup of itself.
//!
//! What its log lost comes back from the devices. Lost for good is only what no device had at that moment: everything else is in
//! the log again in the end, or stands in somebody's list of refused edits, since it is judged anew by the rights of then; unless all
//! that had it are gone, had to let go of the document, or made the edit that it was again as another change.

use desk_domain::people::Role;
use desk_sync::wire::Heads;

use super::{Event, World};
use crate::{Broken, server::Witness};

impl World {
    /// A backup of the server is made; it may be put in place later.
    pub(super) fn back_up(&mut self) {
        self.told(|| "the server is backed up".to_owned());
        self.backup = Some(self.server.clone());
    }

    /// The server is restored from its backup.
    pub(super) fn restore_server(&mut self) {
        let Some(backup) = self.backup.clone().filter(|_| !self.healed) else { return };
        let before = self.server.head();
        let lost = self.server.restore(backup);
        self.told(|| {
            format!(
                "the server is restored from a backup: {} changes of {before} are lost",
                lost.changes.len()
            )
        });
        self.counts.add("restored servers", 1);
        self.counts.add("changes that a restored server lost", lost.changes.len() as u64);
        self.ledger.lost(lost, &mut self.devices);
        // What was on its way to the server that is no more does not reach this one.
        self.queue.retain(|_, event| !matches!(event, Event::Arrives { .. }));
        self.server_dies("to be restored");
    }

    /// Administrators say again what was said since the backup.
    pub(super) fn say_roles_again(&mut self) -> Result<(), Broken> {
        for member in 0..self.server.accounts.len() {
            let role = self.server.accounts[member].role;
            self.set_role(member, if role == Role::Requester { Role::Agent } else { role })?;
        }
        Ok(())
    }

    /// A device compares what it has with what the server has, and goes on once all that is lost there waits to be sent.
    pub(super) fn compare_lost(
        &mut self,
        device: usize,
        heads: &Heads,
        witness: Witness,
    ) -> Result<(), Broken> {
        for (doc, known) in self.devices[device].differing(heads) {
            if self.dies(device) {
                return Ok(());
            }
            let offered = self.devices[device].offer_lost(doc, &known, &self.chance)?;
            self.counts.add("changes offered to a restored server", offered);
        }
        self.devices[device].end_recovery(witness, &self.chance)?;
        self.forget_live(device);
        self.told(|| format!("device {device} has offered what the server lost"));
        self.counts.add("recoveries", 1);
        self.drive(device)
    }

    /// A person signs in on a device that a restored server does not know.
    pub(super) fn sign_in(&mut self, device: usize) {
        let one = &self.devices[device];
        let member = self.server.accounts.iter().position(|account| account.id == one.member);
        if let (Some(member), false) = (member, one.is_gone()) {
            self.server.sign_in(one.id, member);
        }
    }
}
