//! Incidents, from one that everybody has reviewed to one that nobody has taken yet, and one that a rule proposes.

use std::collections::BTreeSet;

use desk_domain::{
    detection::{Evidence, heartbeat::HeartbeatEvidence},
    edit::{Edit, IncidentOp, Ops, Stamped},
    ids::{DocId, Ids},
    incident::{IncidentRole, IncidentStatus, Severity},
    people::SERVER_NAME,
    time::UtcMillis,
};

use super::{Cast, chance::Chance, duty};
use crate::random::FreshIds;

const MINUTE: i64 = 60_000;
/// The sequence of throws for incidents.
const INCIDENTS: u64 = 3;

/// An incident as it is told.
struct Tale {
    title: &'static str,
    summary: &'static str,
    severity: Severity,
    services: &'static [&'static str],
    /// How long ago it was declared, in minutes.
    ago_min: i64,
    /// Moves, with the minutes after the declaration.
    moves: &'static [(i64, IncidentStatus)],
    /// What was written down, with the minutes after the declaration.
    notes: &'static [(i64, &'static str)],
    postmortem: &'static str,
}

const TALES: [Tale; 5] = [
    Tale {
        title: "1С недоступна во всех магазинах",
        summary: "Сервер 1С не принимает подключения, кассы работают автономно, обмен остановлен.",
        severity: Severity::P1,
        services: &["1C", "POS", "warehouse"],
        ago_min: 21 * 24 * 60,
        moves: &[
            (3, IncidentStatus::Investigating),
            (24, IncidentStatus::Identified),
            (51, IncidentStatus::Monitoring),
            (112, IncidentStatus::Resolved),
            (2 * 24 * 60, IncidentStatus::Closed),
        ],
        notes: &[
            (6, "Служба rphost перезапускается каждые 40 секунд, в журнале нехватка памяти."),
            (24, "Причина: фоновое перепроведение за квартал запустили в 10:15 без окна работ."),
            (38, "Сеансы перепроведения завершены, память освобождается."),
            (51, "Магазины подключаются, очередь обмена 12 400 сообщений, убывает."),
        ],
        postmortem: "## Что случилось\nПерепроведение за квартал запущено в рабочее время и заняло всю память сервера.\n\n## Почему\n- нет ограничения памяти на фоновые задания;\n- права на регламентные операции у 14 человек.\n\n## Что меняем\n1. Ограничение 8 ГБ на процесс.\n2. Регламентные операции только с 19:00 до 6:00.\n3. Оповещение при 85 % памяти.\n",
    },
    Tale {
        title: "Site-to-site VPN down, Astana office offline",
        summary: "The Astana office has no access to shared folders, telephony and 1C.",
        severity: Severity::P2,
        services: &["VPN", "telephony", "file-shares"],
        ago_min: 12 * 24 * 60,
        moves: &[
            (7, IncidentStatus::Investigating),
            (40, IncidentStatus::Identified),
            (75, IncidentStatus::Monitoring),
            (190, IncidentStatus::Resolved),
        ],
        notes: &[
            (9, "Tunnel flaps every 90 seconds, the provider reports no outage."),
            (
                40,
                "The certificate of the Astana gateway expired at 08:00; renewal failed since the last update.",
            ),
            (70, "New certificate installed by hand, tunnel is up, phones register again."),
        ],
        postmortem: "## Summary\nAn expired gateway certificate took the Astana office offline for 75 minutes.\n\n## Follow-up\n- renewals are monitored, alert 21 days ahead;\n- a second tunnel over LTE is ordered.\n",
    },
    Tale {
        title: "Задержка почты до 40 минут",
        summary: "Исходящие письма стоят в очереди шлюза, входящие приходят.",
        severity: Severity::P3,
        services: &["e-mail"],
        ago_min: 4 * 24 * 60,
        moves: &[
            (15, IncidentStatus::Investigating),
            (65, IncidentStatus::Monitoring),
            (180, IncidentStatus::Resolved),
        ],
        notes: &[
            (20, "В очереди 3 800 писем: рассылка отдела маркетинга без согласования."),
            (60, "Рассылка приостановлена, очередь убывает по 100 писем в минуту."),
        ],
        postmortem: "",
    },
    Tale {
        title: "Оплата картой с ошибками в трёх магазинах",
        summary: "Каждая четвёртая оплата завершается таймаутом. Наличные и QR работают.",
        severity: Severity::P2,
        services: &["POS", "payments"],
        ago_min: 165,
        moves: &[(6, IncidentStatus::Investigating), (70, IncidentStatus::Identified)],
        notes: &[
            (12, "Сбой на терминалах одного банка: Мега, Достык Плаза, Керуен."),
            (70, "Банк подтвердил перегрузку узла авторизации, переключают на резерв."),
        ],
        postmortem: "",
    },
    Tale {
        title: "Monitoring: no data from warehouse sensors",
        summary: "Temperature sensors of cold room 2 have sent nothing for half an hour.",
        severity: Severity::P4,
        services: &["monitoring"],
        ago_min: 35,
        moves: &[],
        notes: &[],
        postmortem: "",
    },
];

/// All incidents, each as one edit with the instant of its last step; oldest first. `tickets` are linked to those
/// that they could belong to.
pub(super) fn tell(cast: &Cast, tickets: &[DocId]) -> Result<Vec<(Edit, UtcMillis)>, serde_json::Error> {
    let mut told: Vec<_> = (0..).zip(&TALES).map(|(index, tale)| one(cast, index, tale, tickets)).collect();
    told.push(proposed(cast)?);
    Ok(told)
}

/// The nightly backup did not report an hour ago; nobody has looked at it yet.
fn proposed(cast: &Cast) -> Result<(Edit, UtcMillis), serde_json::Error> {
    let chance = Chance::of(cast.seed, INCIDENTS, TALES.len() as u64);
    let due_at = cast.now.plus_ms(-60 * MINUTE);
    let late_ms = (i64::from(duty::BACKUP_EVERY_S) + i64::from(duty::BACKUP_GRACE_S)) * 1_000;
    let evidence = Evidence::Heartbeat(HeartbeatEvidence {
        heartbeat: duty::BACKUP.to_owned(),
        last_at: due_at.plus_ms(-late_ms),
        due_at,
        every_s: duty::BACKUP_EVERY_S,
        grace_s: duty::BACKUP_GRACE_S,
    });
    let create = IncidentOp::Create {
        title: duty::BACKUP_NAME.to_owned(),
        summary: String::new(),
        severity: Severity::P3,
        services: ["1C".to_owned()].into(),
        impact_at: Some(due_at),
    };
    let propose = IncidentOp::Propose {
        rule: duty::BACKUP.to_owned(),
        severity: Severity::P3,
        evidence: serde_json::to_string(&evidence)?,
    };
    let doc = DocId(FreshIds::at(due_at, chance.random()).fresh());
    let steps = [create, propose].map(|op| Stamped::new(due_at, SERVER_NAME, op)).into();
    Ok((Edit { doc, ops: Ops::Incident(steps) }, due_at))
}

fn one(cast: &Cast, index: u64, tale: &Tale, tickets: &[DocId]) -> (Edit, UtcMillis) {
    let chance = Chance::of(cast.seed, INCIDENTS, index);
    let declared = cast.now.plus_ms(-tale.ago_min * MINUTE);
    let doc = DocId(FreshIds::at(declared, chance.random()).fresh());
    let (commander, scribe) = (cast.any_agent(&chance), cast.any_agent(&chance));
    let impact_at = Some(declared.plus_ms(-chance.between(4, 15) * MINUTE));
    let services: BTreeSet<String> = tale.services.iter().map(|name| (*name).to_owned()).collect();
    let create = IncidentOp::Create {
        title: tale.title.to_owned(),
        summary: tale.summary.to_owned(),
        severity: tale.severity,
        services,
        impact_at,
    };
    let after = |minutes: i64| declared.plus_ms(minutes * MINUTE);
    let mut steps = vec![(declared, scribe.clone(), create)];
    for (minutes, status) in tale.moves {
        steps.push((after(*minutes), commander.clone(), IncidentOp::SetStatus { status: *status }));
    }
    for (minutes, text) in tale.notes {
        steps.push((
            after(*minutes).plus_ms(20_000),
            scribe.clone(),
            IncidentOp::AddNote { text: (*text).to_owned() },
        ));
    }
    if !tale.moves.is_empty() {
        for (role, member) in [(IncidentRole::Commander, &commander), (IncidentRole::Scribe, &scribe)] {
            let at = after(4).plus_ms(if role == IncidentRole::Scribe { 5_000 } else { 0 });
            steps.push((at, commander.clone(), IncidentOp::SetRole { role, member: Some(member.clone()) }));
        }
        for minute in 0..chance.between(1, 3) {
            let Some(ticket) = chance.pick(tickets) else { continue };
            steps.push((after(10 + minute), scribe.clone(), IncidentOp::LinkTicket { ticket, on: true }));
        }
    }
    if !tale.postmortem.is_empty() {
        let (base, body) = (None, tale.postmortem.to_owned());
        steps.push((after(tale.ago_min / 2), commander, IncidentOp::EditPostmortem { base, body }));
    }
    steps.sort_by_key(|(at, _, _)| *at);
    let last = steps.last().map_or(declared, |(at, _, _)| *at);
    let steps = steps.into_iter().map(|(at, by, op)| Stamped::new(at, by, op)).collect();
    (Edit { doc, ops: Ops::Incident(steps) }, last)
}
