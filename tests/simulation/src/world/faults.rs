//! What happens to people, devices and the server: roles, teams, revocations, deaths.

use std::collections::BTreeSet;

use desk_domain::people::Role;

use super::{Event, PING_MS, World};
use crate::{Broken, server::TEAMS};

impl World {
    pub(super) fn server_dies(&mut self, when: &str) {
        self.told(|| format!("the server dies {when}"));
        self.counts.add("server crashes", 1);
        self.server_up = false;
        self.break_lives(|_| true);
        let pause = self.chance.between(100, 30_000);
        self.after(pause, Event::ServerStarts);
    }

    pub(super) fn change_role(&mut self) -> Result<(), Broken> {
        let member = self.chance.below(self.server.accounts.len());
        let roles = [Role::Agent, Role::Agent, Role::Agent, Role::Manager, Role::Admin, Role::Requester];
        let role = self.chance.pick(&roles).copied().unwrap_or(Role::Agent);
        self.counts.add("role changes", 1);
        self.set_role(member, role)
    }

    pub(super) fn change_access(&mut self) -> Result<(), Broken> {
        if self.healed {
            return Ok(());
        }
        self.counts.add("changes of who sees what", 1);
        if self.chance.hits(400) {
            let key = TEAMS[self.chance.below(TEAMS.len())];
            let private = self.chance.hits(600);
            self.told(|| format!("the team {key} is private: {private}"));
            self.server.set_private(key, private, self.time, &self.chance)?;
        } else {
            let member = self.chance.below(self.server.accounts.len());
            let teams: BTreeSet<String> =
                TEAMS.iter().filter(|_| self.chance.hits(400)).map(|key| (*key).to_owned()).collect();
            self.told(|| format!("member {member} is in {teams:?}"));
            self.server.set_teams(member, teams, self.time, &self.chance)?;
        }
        self.hint()
    }

    pub(super) fn set_role(&mut self, member: usize, role: Role) -> Result<(), Broken> {
        self.told(|| format!("member {member} becomes {role}"));
        if self.server.accounts[member].role != role {
            let of_member = |device: usize| {
                self.server.devices.get(&self.devices[device].id).is_some_and(|(owner, _)| *owner == member)
            };
            let lives =
                self.lives.iter().filter(|(_, (device, _))| of_member(*device)).map(|(live, _)| *live);
            self.other_roles.extend(lives);
            self.after(self.chance.between(1, PING_MS), Event::Pinged);
        }
        self.server.set_role(member, role, self.time, &self.chance)?;
        self.hint()
    }

    /// The server ends the live connections of members who have another role.
    pub(super) fn end_other_roles(&mut self) {
        let lives = std::mem::take(&mut self.other_roles);
        let devices: BTreeSet<(usize, u32)> =
            lives.iter().filter_map(|live| self.lives.get(live).copied()).collect();
        self.break_lives(|of| devices.contains(&of));
    }

    pub(super) fn revoke(&mut self) {
        let device = self.chance.below(self.devices.len());
        if self.devices.iter().filter(|one| !one.is_gone()).count() < 2 {
            return;
        }
        self.told(|| format!("device {device} is revoked"));
        self.counts.add("revocations", 1);
        let id = self.devices[device].id;
        if let Some(entry) = self.server.devices.get_mut(&id) {
            entry.1 = true;
        }
        // With its copies that still go by its id.
        let with_it: BTreeSet<usize> =
            (0..self.devices.len()).filter(|other| self.devices[*other].id == id).collect();
        for other in &with_it {
            self.devices[*other].revoked = true;
        }
        self.break_lives(|(other, _)| with_it.contains(&other));
    }

    pub(super) fn crash(&mut self, device: usize) {
        if self.devices[device].running.is_none() {
            return;
        }
        self.told(|| format!("device {device} dies"));
        self.counts.add("device crashes", 1);
        self.devices[device].crash();
        self.lives.retain(|_, (other, _)| *other != device);
        let pause = self.chance.between(100, 120_000);
        self.after(pause, Event::Start(device));
    }

    /// Perhaps the device dies now.
    pub(super) fn dies(&mut self, device: usize) -> bool {
        let dies = self.faulty(self.plan.device_crash);
        if dies {
            self.crash(device);
        }
        dies
    }
}
