//! The words of mails, in both languages: a mail goes to whoever is on call, and the server does not know which one they read.

use desk_domain::{
    escalation::Page,
    ids::{EntryId, MemberId},
    incident::Incident,
    time::UtcMillis,
    workspace::Workspace,
};
use uuid::Uuid;

use crate::storage::NewMail;

/// The mails of a level that was told: one for each member who is to get one. Its id derives from the step and the member.
pub fn pages(
    incident: &Incident,
    settings: &Workspace,
    page: &Page,
    entry: EntryId,
    now: UtcMillis,
) -> Vec<NewMail> {
    let recipients = page.email.iter().filter_map(|id| settings.members.get(id));
    recipients
        .map(|member| NewMail {
            id: mail_id(entry, member.id),
            recipient: member.email.clone(),
            subject: subject(incident, page),
            body: body(incident, settings, page),
            created_at: now,
        })
        .collect()
}

fn mail_id(entry: EntryId, member: MemberId) -> Uuid {
    let mut bytes = entry.0.into_bytes();
    for (byte, other) in bytes.iter_mut().zip(member.0.into_bytes()) {
        *byte ^= other;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn subject(incident: &Incident, page: &Page) -> String {
    // A title has one line; a header must not get another from anybody.
    let title: String = incident.title.chars().filter(|c| !c.is_control()).take(120).collect();
    format!("[{}] {} {title}: уровень / level {}", incident.severity, incident.number(), page.level)
}

fn body(incident: &Incident, settings: &Workspace, page: &Page) -> String {
    let names: Vec<&str> = page
        .members
        .iter()
        .filter_map(|id| settings.members.get(id))
        .map(|member| member.name.as_str())
        .collect();
    let (names, number, link) = (names.join(", "), incident.number(), link(incident));
    let summary: String = incident.summary.chars().take(2_000).collect();
    let round = page.cycle;
    format!(
        "{severity} {number} {title}\n\
         {services}\n\
         {summary}\n\n\
         Инцидент никто не взял на себя. Оповещён уровень {level} (круг {round}): {names}.\n\
         Откройте его в WorkerNet Desk и подтвердите: {link}\n\n\
         Nobody has taken the incident. Level {level} was told (round {round}): {names}.\n\
         Open it in WorkerNet Desk and acknowledge it: {link}\n",
        severity = incident.severity,
        title = incident.title,
        services = incident.services.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        level = page.level,
    )
}

/// Opens the incident in the program.
fn link(incident: &Incident) -> String {
    format!("worknet://incident/{}", incident.number())
}
