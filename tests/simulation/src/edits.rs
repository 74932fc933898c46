//! What people do: random edits of every kind, also ones that a stale device believes to be allowed.

use desk_domain::{
    article::ArticleStatus,
    edit::{
        ArticleOp, Edit, IncidentOp, NewTicket, Ops, PersonalOp, Section, Stamped, TicketOp, WorkspaceOp,
    },
    ids::{CommentId, DocId, DocKind, Ids},
    incident::{IncidentRole, IncidentStatus, Milestone, Severity},
    state::State,
    ticket::{AuthorSide, Priority, Status, Visibility},
    time::UtcMillis,
    workspace::Workflow,
};
use workernet_server::random::FreshIds;

use crate::{chance::Chance, device::Device, server::TEAMS};

const WORDS: [&str; 12] = [
    "принтер",
    "VPN",
    "пароль",
    "mail",
    "склад",
    "ноутбук",
    "сеть",
    "invoice",
    "🖨️",
    "касса",
    "Wi-Fi",
    "доступ",
];

/// An edit by the person at a device, of a document that it has or of a new one.
pub(crate) fn random(device: &Device, members: &[String], time: UtcMillis, chance: &Chance) -> Option<Edit> {
    let now = device.now(time);
    let hand = Hand { device, members, now, chance, ids: FreshIds::at(now, chance.random()) };
    match chance.below(20) {
        0..10 => hand.ticket(),
        10..14 => hand.article(),
        14..17 => hand.incident(),
        17 => hand.personal(),
        _ => hand.workspace(),
    }
}

struct Hand<'a> {
    device: &'a Device,
    members: &'a [String],
    now: UtcMillis,
    chance: &'a Chance,
    ids: FreshIds<'a>,
}

impl Hand<'_> {
    fn words(&self, most: usize) -> String {
        let words = (0..=self.chance.below(most)).map(|_| WORDS[self.chance.below(WORDS.len())]);
        words.collect::<Vec<_>>().join(" ")
    }

    fn pick<T: Copy>(&self, all: &[T]) -> Option<T> {
        self.chance.pick(all).copied()
    }

    fn member(&self) -> Option<String> {
        self.chance.hits(800).then(|| self.chance.pick(self.members).cloned()).flatten()
    }

    fn stamped<Op>(&self, ops: Vec<Op>) -> Vec<Stamped<Op>> {
        let me = self.device.member.to_string();
        ops.into_iter().map(|op| Stamped::new(self.now, me.clone(), op)).collect()
    }

    /// A document that is here, or `None` for a new one.
    fn place(&self, kind: DocKind) -> Option<(DocId, &State)> {
        let known = self.device.of_kind(kind);
        if known.is_empty() || self.chance.hits(150) {
            return None;
        }
        let doc = self.pick(&known)?;
        Some((doc, self.device.store.documents.get(&doc)?.state.as_ref()?))
    }

    fn ticket(&self) -> Option<Edit> {
        let Some((doc, state)) = self.place(DocKind::Ticket) else {
            let ticket = NewTicket {
                description: self.words(8),
                priority: self.pick(Priority::ALL)?,
                team: self.chance.hits(300).then(|| TEAMS[self.chance.below(TEAMS.len())].to_owned()),
                ..NewTicket::titled(self.words(3))
            };
            let mut ops = vec![TicketOp::Create { ticket }];
            ops.extend(self.chance.hits(300).then(|| self.ticket_op(None)).flatten());
            return Some(Edit { doc: DocId(self.ids.fresh()), ops: Ops::Ticket(self.stamped(ops)) });
        };
        let ops: Vec<_> = (0..=self.chance.below(2)).filter_map(|_| self.ticket_op(Some(state))).collect();
        (!ops.is_empty()).then(|| Edit { doc, ops: Ops::Ticket(self.stamped(ops)) })
    }

    fn ticket_op(&self, state: Option<&State>) -> Option<TicketOp> {
        Some(match self.chance.below(18) {
            0 => TicketOp::SetTitle { title: self.words(4) },
            1 => TicketOp::SetDescription { description: self.words(10) },
            2..5 => TicketOp::SetStatus { status: self.pick(Status::ALL)? },
            5 | 6 => TicketOp::SetPriority { priority: self.pick(Priority::ALL)? },
            7 => TicketOp::SetAssignee { assignee: self.member() },
            8 => TicketOp::SetTag { tag: self.words(1), on: self.chance.hits(700) },
            9 => TicketOp::SetCustom {
                key: "asset".to_owned(),
                value: self.chance.hits(700).then(|| self.words(2)),
            },
            10 => {
                let State::Ticket(ticket) = state? else { return None };
                let comments: Vec<CommentId> = ticket.comments.iter().map(|comment| comment.id).collect();
                TicketOp::DeleteComment { id: self.pick(&comments)? }
            }
            11 | 12 => TicketOp::SetDeleted { deleted: self.chance.hits(500) },
            13 | 14 => TicketOp::SetTeam {
                team: self.chance.hits(800).then(|| TEAMS[self.chance.below(TEAMS.len())].to_owned()),
            },
            _ => TicketOp::AddComment {
                id: CommentId(self.ids.fresh()),
                visibility: self.pick(Visibility::ALL)?,
                side: AuthorSide::Staff,
                body: self.words(12),
            },
        })
    }

    /// A text as somebody would change it.
    fn retyped(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..=self.chance.below(2) {
            let at = self.chance.below(letters.len() + 1);
            if self.chance.hits(600) {
                let typed: Vec<char> = self.words(3).chars().collect();
                letters.splice(at..at, typed);
            } else {
                let to = (at + self.chance.below(8)).min(letters.len());
                letters.drain(at..to);
            }
        }
        letters.into_iter().collect()
    }

    fn article(&self) -> Option<Edit> {
        let Some((doc, State::Article(article))) = self.place(DocKind::Article) else {
            let create = ArticleOp::Create {
                title: self.words(3),
                body: self.words(30),
                category: None,
                tags: std::iter::once(self.words(1)).collect(),
            };
            let ops = Ops::Article(self.stamped(vec![create]));
            return Some(Edit { doc: DocId(self.ids.fresh()), ops });
        };
        let op = match self.chance.below(10) {
            0 => ArticleOp::SetTitle { title: self.words(4) },
            1 => ArticleOp::SetTag { tag: self.words(1), on: self.chance.hits(700) },
            2 => ArticleOp::SetStatus { status: self.pick(ArticleStatus::ALL)? },
            3 => ArticleOp::SetDeleted { deleted: self.chance.hits(500) },
            _ => ArticleOp::EditBody {
                base: self.chance.hits(800).then(|| article.body.clone()),
                body: self.retyped(&article.body),
            },
        };
        Some(Edit { doc, ops: Ops::Article(self.stamped(vec![op])) })
    }

    fn incident(&self) -> Option<Edit> {
        let Some((doc, State::Incident(incident))) = self.place(DocKind::Incident) else {
            let create = IncidentOp::Create {
                title: self.words(3),
                summary: self.words(6),
                severity: self.pick(Severity::ALL)?,
                services: std::iter::once(self.words(1)).collect(),
                impact_at: self.chance.hits(500).then_some(self.now),
            };
            let ops = Ops::Incident(self.stamped(vec![create]));
            return Some(Edit { doc: DocId(self.ids.fresh()), ops });
        };
        let op = match self.chance.below(12) {
            0 => IncidentOp::SetTitle { title: self.words(4) },
            1 => IncidentOp::SetSummary { summary: self.words(8) },
            2 => IncidentOp::SetSeverity { severity: self.pick(Severity::ALL)? },
            3..6 => IncidentOp::SetStatus { status: self.pick(IncidentStatus::ALL)? },
            6 => IncidentOp::SetService { service: self.words(1), on: self.chance.hits(700) },
            7 => IncidentOp::SetRole { role: self.pick(IncidentRole::ALL)?, member: self.member() },
            8 => IncidentOp::LinkTicket {
                ticket: self.pick(&self.device.of_kind(DocKind::Ticket))?,
                on: self.chance.hits(700),
            },
            9 => IncidentOp::SetMilestone { milestone: self.pick(Milestone::ALL)?, reached_at: self.now },
            10 => IncidentOp::AddNote { text: self.words(8) },
            _ => IncidentOp::EditPostmortem {
                base: Some(incident.postmortem.clone()),
                body: self.retyped(&incident.postmortem),
            },
        };
        Some(Edit { doc, ops: Ops::Incident(self.stamped(vec![op])) })
    }

    fn personal(&self) -> Option<Edit> {
        let doc = self.pick(&self.device.of_kind(DocKind::Personal))?;
        let op = if self.chance.hits(500) {
            PersonalOp::SetPreference { name: self.words(1), value: self.words(2) }
        } else {
            PersonalOp::Acknowledge { alert: format!("{}/{}", self.ids.fresh(), self.now.0) }
        };
        Some(Edit { doc, ops: Ops::Personal(self.stamped(vec![op])) })
    }

    fn workspace(&self) -> Option<Edit> {
        let doc = self.pick(&self.device.of_kind(DocKind::Workspace))?;
        let (section, key, value) = if self.chance.hits(700) {
            // From one status there is no way on; another time there is again.
            let mut workflow = Workflow::default();
            let from = self.pick(Status::ALL)?;
            workflow.moves.remove(&from);
            (Section::General, "workflow".to_owned(), serde_json::to_string(&workflow).ok()?)
        } else {
            (Section::Categories, self.words(0), serde_json::to_string(&self.words(2)).ok()?)
        };
        let op = WorkspaceOp::Set { section, key, value: Some(value) };
        Some(Edit { doc, ops: Ops::Workspace(self.stamped(vec![op])) })
    }
}
