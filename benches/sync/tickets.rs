//! The tickets that are synced: 12 fields, a description of 600 characters, 5 comments, every second one in Russian, with
//! the story that a ticket has: nine changes by three devices. The same for the same number.

use std::sync::Arc;

use anyhow::Context;
use desk_docs::{Author, Document};
use desk_domain::edit::{Edit, NewTicket, Ops, Stamped, TicketOp};
use desk_domain::ids::{CommentId, DeviceId, DocId, MemberId, uuid_v7};
use desk_domain::people::Role;
use desk_domain::permissions::Actor;
use desk_domain::ticket::{AuthorSide, Priority, Status, Visibility};
use desk_domain::time::UtcMillis;
use desk_domain::workspace::Workflow;
use desk_sync::wire::{Hash, WireChange};
use workernet_server::random::{FreshIds, SeededRandom, bytes};

use crate::words::Language;

/// Devices that write a ticket, one after the other.
pub(crate) const AUTHORS: usize = 3;

/// The first ticket's instant (2026-01-05 05:00 UTC); each next one comes a minute later.
const BEGINNING_MS: i64 = 1_767_589_200_000;
const MINUTE_MS: i64 = 60_000;
/// A ticket a minute; after so many of them others come between, so that a million tickets are not of the future.
const ROUND: u32 = 400_000;
const ROUND_APART_MS: i64 = 17_000;
const DESCRIPTION: usize = 600;
const TITLE: usize = 48;
const COMMENT: usize = 160;

const CATEGORIES: [&str; 6] = ["hardware", "software", "network", "access", "mail", "pos"];
const TEAMS: [&str; 4] = ["service-desk", "field", "network", "accounts"];
const TAGS: [&str; 12] = [
    "vip",
    "printer",
    "vpn",
    "onboarding",
    "urgent-visit",
    "warranty",
    "floor-2",
    "floor-3",
    "1c",
    "scanner",
    "wifi",
    "repeat",
];
const PRIORITIES: [Priority; 5] =
    [Priority::Low, Priority::Medium, Priority::Medium, Priority::High, Priority::Urgent];

/// A member's device that writes.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) device: DeviceId,
    pub(crate) member: MemberId,
}

/// Makes tickets.
pub(crate) struct Tickets {
    writers: [Writer; AUTHORS],
    languages: [Language; 2],
    workflow: Arc<Workflow>,
}

impl Tickets {
    pub(crate) fn by(writers: [Writer; AUTHORS]) -> Self {
        let languages = [Language::russian(), Language::english()];
        Self { writers, languages, workflow: Arc::new(Workflow::default()) }
    }

    /// A ticket's changes, by who makes them, in their order.
    pub(crate) fn changes(&self, number: u32) -> anyhow::Result<[Vec<WireChange>; AUTHORS]> {
        let random = SeededRandom::new(u64::from(number));
        let (round, minute) = (i64::from(number / ROUND), i64::from(number % ROUND));
        let at = UtcMillis(BEGINNING_MS + minute * MINUTE_MS + round * ROUND_APART_MS);
        let id = DocId(uuid_v7(at, bytes(&random)));
        let mut document = Document::empty(id, desk_domain::ids::DocKind::Ticket);
        let mut changes: [Vec<WireChange>; AUTHORS] = Default::default();
        for (step, (author, op)) in (0_i64..).zip(self.story(number, at, &random)) {
            let at = at.plus_ms(step * 7 * MINUTE_MS);
            let (writer, made) = (self.writers.get(author), changes.get_mut(author));
            let (writer, made) = writer.zip(made).context("an author that there is not")?;
            let steps = vec![Stamped::new(at, writer.member.to_string(), op)];
            let edit = Edit { doc: id, ops: Ops::Ticket(steps) };
            let actor = Actor { member: Some(writer.member), role: Role::Agent };
            let author = Author { device: writer.device, actor, workflow: &self.workflow };
            let (edited, change) = document.edit(&author, &edit, at, &FreshIds::at(at, &random))?;
            document = edited;
            let change = change.context("the edit should change something")?;
            made.push(WireChange {
                doc: id,
                kind: edit.kind(),
                hash: Hash(change.hash),
                bytes: change.bytes,
            });
        }
        Ok(changes)
    }

    fn story(&self, number: u32, at: UtcMillis, random: &SeededRandom) -> Vec<(usize, TicketOp)> {
        let [russian, english] = &self.languages;
        let language = if number.is_multiple_of(2) { russian } else { english };
        let ticket = NewTicket {
            description: language.text(random, DESCRIPTION),
            priority: pick(random, &PRIORITIES),
            category: Some(pick(random, &CATEGORIES).to_owned()),
            team: Some(pick(random, &TEAMS).to_owned()),
            requester: Some(format!("user{}@shop.example", random.next() % 4_000)),
            tags: [pick(random, &TAGS), pick(random, &TAGS)].map(str::to_owned).into(),
            custom: [
                ("asset", format!("PR-{:05}", random.next() % 100_000)),
                ("site", format!("S{}", random.next() % 120)),
            ]
            .map(|(key, value)| (key.to_owned(), value))
            .into(),
            ..NewTicket::titled(language.text(random, TITLE).trim())
        };
        let comment = |minute: i64, visibility| TicketOp::AddComment {
            id: CommentId(uuid_v7(at.plus_ms(minute * MINUTE_MS), bytes(random))),
            visibility,
            side: AuthorSide::Staff,
            body: language.text(random, COMMENT).trim().to_owned(),
        };
        let assignee = Some(pick(random, &self.writers).member.to_string());
        let end = match random.next() % 10 {
            0 => Status::Pending,
            1 => Status::Open,
            _ => Status::Resolved,
        };
        vec![
            (0, TicketOp::Create { ticket }),
            (0, comment(7, Visibility::Public)),
            (0, TicketOp::SetAssignee { assignee }),
            (1, TicketOp::SetStatus { status: Status::InProgress }),
            (1, comment(28, Visibility::Public)),
            (1, comment(35, Visibility::Internal)),
            (2, comment(42, Visibility::Public)),
            (2, comment(49, Visibility::Public)),
            (2, TicketOp::SetStatus { status: end }),
        ]
    }
}

fn pick<T: Copy>(random: &SeededRandom, from: &[T]) -> T {
    let index = usize::try_from(random.next() % from.len() as u64).unwrap_or(0);
    from[index]
}
