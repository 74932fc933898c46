//! What holds when the month is over.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use desk_domain::{
    alert::{AlertKey, Topic},
    ids::{DocId, MemberId},
    incident::{Incident, TimelineEvent},
    time::UtcMillis,
};

use crate::{
    Broken, Figures,
    ledger::{DeviceLedger, Ledger, Raised, Told},
    oracle::{self, Due, Paged},
    plan::{BEGIN, DAY_MS, HOUR_MS, Life},
};

/// What must have happened.
pub(crate) struct Expected {
    dues: HashMap<AlertKey, Due>,
    pages: HashMap<DocId, Vec<Paged>>,
    windows: oracle::Windows,
}

impl Expected {
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let windows = oracle::Windows::new();
        let (mut dues, mut pages) = (HashMap::new(), HashMap::new());
        for ticket in &ledger.tickets {
            let found = oracle::ticket(ticket, &windows, &ledger.people, ledger.end, ledger.end);
            dues.extend(found.into_iter().map(|due| (due.key.clone(), due)));
        }
        for incident in &ledger.incidents {
            let (sent, found) = oracle::incident(incident, &ledger.people, ledger.end, ledger.end);
            pages.insert(incident.id, sent);
            dues.extend(found.into_iter().map(|due| (due.key.clone(), due)));
        }
        Self { dues, pages, windows }
    }
}

/// Checks everything, and counts.
pub(crate) fn check(ledger: &Ledger) -> Result<Figures, Broken> {
    let expected = Expected::of(ledger);
    hold(ledger, &expected)?;
    Ok(figures(ledger, &expected))
}

/// Holds what happened against what must have happened.
pub(crate) fn hold(ledger: &Ledger, expected: &Expected) -> Result<(), Broken> {
    for incident in &ledger.incidents {
        pages_follow_the_policy(incident, expected.pages.get(&incident.id).map_or(&[], Vec::as_slice))?;
    }
    for (index, device) in ledger.devices.iter().enumerate() {
        let of_device = || {
            once(device)?;
            told_as_the_member_wants(device)?;
            what_was_settled_is_only_listed(device, expected)?;
            nothing_settled_is_told(device)?;
            everything_is_told(device)?;
            if device.plan.life == Life::Always {
                exact(device, device.member(&ledger.people), expected)
            } else {
                nothing_is_missed(device, expected)?;
                nothing_is_made_up(device, ledger, expected)
            }
        };
        of_device().map_err(|broken| Broken::new(format!("device {index}: {broken}")))?;
    }
    Ok(())
}

/// Each page once, at its instant, for those who were on call then, in the order of the policy.
fn pages_follow_the_policy(incident: &Incident, expected: &[Paged]) -> Result<(), Broken> {
    let mut sent: Vec<Paged> = incident
        .timeline
        .iter()
        .filter_map(|entry| match &entry.event {
            TimelineEvent::Paged { level, cycle, members, .. } => {
                let mut members = members.clone();
                members.sort_unstable();
                Some(Paged { at: entry.at, level: *level, cycle: *cycle, members })
            }
            _ => None,
        })
        .collect();
    sent.sort_by_key(|page| (page.at, page.cycle, page.level));
    if sent == expected {
        return Ok(());
    }
    let place = sent.iter().zip(expected).take_while(|(sent, expected)| sent == expected).count();
    Err(Broken::new(format!(
        "incident {}: page {} is {:?} and should be {:?}",
        incident.id,
        place + 1,
        sent.get(place),
        expected.get(place)
    )))
}

/// No alert is raised twice.
fn once(device: &DeviceLedger) -> Result<(), Broken> {
    let mut seen = HashSet::new();
    match device.raised.iter().find(|raised| !seen.insert(&raised.key)) {
        Some(twice) => Err(Broken::new(format!("{} was raised twice, again at {}", twice.key, twice.at))),
        None => Ok(()),
    }
}

/// On a device that knows everything in time: exactly what falls due, exactly when, and the member's business marked as such.
fn exact(device: &DeviceLedger, member: MemberId, expected: &Expected) -> Result<(), Broken> {
    let heard: BTreeMap<String, UtcMillis> = first_heard(device);
    let raised: HashMap<&AlertKey, &Raised> =
        device.raised.iter().map(|raised| (&raised.key, raised)).collect();
    for raised in &device.raised {
        let Some(due) = expected.dues.get(&raised.key) else {
            return Err(Broken::new(format!(
                "{} was raised at {} and never fell due",
                raised.key, raised.at
            )));
        };
        if raised.at != due.since() {
            let since = due.since();
            return Err(Broken::new(format!(
                "{} was raised at {} instead of {since}",
                raised.key, raised.at
            )));
        }
        if raised.silent == due.members.contains(&member) {
            let silent = raised.silent;
            return Err(Broken::new(format!("{}: silent {silent}, for {:?}", raised.key, due.members)));
        }
    }
    let missing = expected.dues.values().filter(|due| !raised.contains_key(&due.key));
    // What was settled on another device before it fell due here is known from there.
    let mut missing =
        missing.filter(|due| heard.get(&due.key.to_string()).is_none_or(|at| *at > due.since()));
    match missing.next() {
        Some(due) => Err(Broken::new(format!("{} fell due at {} and was not raised", due.key, due.since()))),
        None => Ok(()),
    }
}

/// When the device first heard of each alert from its member.
fn first_heard(device: &DeviceLedger) -> BTreeMap<String, UtcMillis> {
    let mut first = BTreeMap::new();
    for heard in &device.heard {
        first.entry(heard.key.to_string()).or_insert(heard.at);
    }
    first
}

/// What stood there while the device was awake, connected and had the right time was raised, wherever it was before.
fn nothing_is_missed(device: &DeviceLedger, expected: &Expected) -> Result<(), Broken> {
    let raised: HashSet<&AlertKey> = device.raised.iter().map(|raised| &raised.key).collect();
    let heard = first_heard(device);
    for due in expected.dues.values().filter(|due| !raised.contains(&due.key)) {
        if heard.contains_key(&due.key.to_string()) {
            continue;
        }
        let seen = due.spans.iter().any(|(from, until)| {
            device.attentive.iter().any(|(begin, end)| from.max(begin) < until.min(end))
        });
        if seen {
            return Err(Broken::new(format!("{} stood at {:?} and was not raised", due.key, due.spans)));
        }
    }
    Ok(())
}

/// What was raised and never fell due had to fall due by what the device knew and its clock showed.
fn nothing_is_made_up(device: &DeviceLedger, ledger: &Ledger, expected: &Expected) -> Result<(), Broken> {
    let tickets: HashMap<DocId, _> = ledger.tickets.iter().map(|ticket| (ticket.id, ticket)).collect();
    let incidents: HashMap<DocId, _> =
        ledger.incidents.iter().map(|incident| (incident.id, incident)).collect();
    for raised in device.raised.iter().filter(|raised| !fell_due(raised, expected)) {
        let past_clock = raised.clock.plus_ms(1);
        let known_due = if let Some(ticket) = tickets.get(&raised.key.subject) {
            oracle::ticket(ticket, &expected.windows, &ledger.people, raised.known, past_clock)
        } else if let Some(incident) = incidents.get(&raised.key.subject) {
            oracle::incident(incident, &ledger.people, raised.known, raised.known.plus_ms(1)).1
        } else {
            Vec::new()
        };
        if known_due.iter().all(|due| due.key != raised.key) {
            return Err(Broken::new(format!("{} was raised at {} out of nothing", raised.key, raised.at)));
        }
    }
    Ok(())
}

/// It was to be raised, by then.
fn fell_due(raised: &Raised, expected: &Expected) -> bool {
    expected.dues.get(&raised.key).is_some_and(|due| due.since() <= raised.at)
}

/// No alert is told twice, but once more after each time that it was put off.
fn nothing_settled_is_told(device: &DeviceLedger) -> Result<(), Broken> {
    if device.stale_banners > 0 {
        let count = device.stale_banners;
        return Err(Broken::new(format!("{count} alerts stand in a wrong banner, or in none")));
    }
    let mut heard: HashMap<&AlertKey, Vec<(usize, Option<UtcMillis>)>> = HashMap::new();
    for (place, one) in device.heard.iter().enumerate() {
        heard.entry(&one.key).or_default().push((place, one.snoozed_until));
    }
    // How much was heard when each alert was last told.
    let mut last: HashMap<&AlertKey, usize> = HashMap::new();
    for telling in &device.told {
        let told =
            |what: &str| Err(Broken::new(format!("{} was told at {} {what}", telling.key, telling.at)));
        let of_alert = heard.get(&telling.key).map_or(&[][..], Vec::as_slice);
        let before = of_alert.iter().filter(|(place, _)| *place < telling.heard);
        if before.clone().any(|(_, until)| until.is_none()) {
            return told("though acknowledged");
        }
        let put_off = before.filter_map(|(place, until)| Some((*place, (*until)?))).next_back();
        if put_off.is_some_and(|(_, until)| until > telling.clock) {
            return told("though put off");
        }
        if let Some(previous) = last.insert(&telling.key, telling.heard)
            && put_off.is_none_or(|(place, _)| place < previous)
        {
            return told("and before, and not put off since");
        }
    }
    Ok(())
}

/// What was raised and is the member's business was told somehow, or settled before, or waits for a digest or the end of quiet
/// hours that is still to come.
fn everything_is_told(device: &DeviceLedger) -> Result<(), Broken> {
    let told: HashSet<&AlertKey> = device.told.iter().map(|telling| &telling.key).collect();
    let heard: HashSet<&AlertKey> = device.heard.iter().map(|heard| &heard.key).collect();
    let held: HashSet<&AlertKey> = device.held.iter().collect();
    let mut lost = device.raised.iter().filter(|raised| {
        let key = &raised.key;
        !raised.silent && !told.contains(key) && !heard.contains(key) && !held.contains(key)
    });
    match lost.next() {
        Some(lost) => Err(Broken::new(format!("nobody was told of {}, raised at {}", lost.key, lost.at))),
        None => Ok(()),
    }
}

/// Quiet hours are quiet but for P1, digests come at their times, and what is only listed comes as no banner.
fn told_as_the_member_wants(device: &DeviceLedger) -> Result<(), Broken> {
    let has_digest = !device.plan.settings.digest.is_empty();
    let snoozed: HashSet<&AlertKey> =
        device.heard.iter().filter(|heard| heard.snoozed_until.is_some()).map(|heard| &heard.key).collect();
    for telling in &device.told {
        let wrong = |what| Err(Broken::new(format!("{}, told at {}: {what}", telling.key, telling.at)));
        let of_day = telling.clock.since(BEGIN).rem_euclid(DAY_MS);
        let is_quiet = !(7 * HOUR_MS..22 * HOUR_MS).contains(&of_day);
        let is_warning = !telling.key.rule.is_urgent();
        if !has_digest {
            if telling.how != Told::Banner {
                return wrong("only banners are wanted");
            }
            continue;
        }
        match telling.how {
            Told::Banner if is_quiet && !telling.is_p1 => return wrong("it is quiet"),
            Told::Banner if is_warning && !snoozed.contains(&telling.key) => {
                return wrong("it is for the digest");
            }
            Told::Summary if of_day != 7 * HOUR_MS && !snoozed.contains(&telling.key) => {
                // What fell due in quiet hours and is heard of later, by a change or a page, is told at once.
                let due = telling.key.due_at.since(BEGIN).rem_euclid(DAY_MS);
                if is_quiet || (7 * HOUR_MS..22 * HOUR_MS).contains(&due) {
                    return wrong("no quiet hours ended");
                }
            }
            Told::Digest if ![9 * HOUR_MS, 17 * HOUR_MS].contains(&of_day) => {
                return wrong("no digest is due");
            }
            Told::Digest if !is_warning => return wrong("a digest is for warnings"),
            Told::Listed if matches!(Topic::of(telling.key.rule), Topic::SlaBreach) => {
                return wrong("a banner is wanted");
            }
            Told::Banner | Told::Summary | Told::Digest | Told::Listed => {}
        }
    }
    Ok(())
}

/// A warning or a page that waited is told as long as it stands, and only listed when somebody settled it meanwhile.
fn what_was_settled_is_only_listed(device: &DeviceLedger, expected: &Expected) -> Result<(), Broken> {
    // What the others know, and when, is not what happened.
    if device.plan.life != Life::Always {
        return Ok(());
    }
    let snoozed: HashSet<&AlertKey> =
        device.heard.iter().filter(|heard| heard.snoozed_until.is_some()).map(|heard| &heard.key).collect();
    let waits = |key: &AlertKey| matches!(Topic::of(key.rule), Topic::SlaWarning | Topic::Escalation);
    for telling in device.told.iter().filter(|told| waits(&told.key) && !snoozed.contains(&told.key)) {
        let Some(due) = expected.dues.get(&telling.key) else { continue };
        let wrong = |what| Err(Broken::new(format!("{}, told at {}: {what}", telling.key, telling.at)));
        match telling.how {
            Told::Summary | Told::Digest if !due.stood_at(telling.at) => {
                return wrong("it was settled before");
            }
            Told::Listed if due.stood_on_at(telling.at) => return wrong("it still stood"),
            Told::Banner | Told::Summary | Told::Digest | Told::Listed => {}
        }
    }
    Ok(())
}

fn figures(ledger: &Ledger, expected: &Expected) -> Figures {
    let mut figures = Figures::default();
    let devices = &ledger.devices;
    let sum = |count: fn(&DeviceLedger) -> usize| devices.iter().map(count).sum::<usize>();
    let told = |how: Told| {
        devices.iter().flat_map(|device| &device.told).filter(|telling| telling.how == how).count()
    };
    let concerned: BTreeSet<MemberId> = devices.iter().map(|device| device.member(&ledger.people)).collect();
    let due = expected.dues.values().flat_map(|due| &due.members).filter(|member| concerned.contains(member));
    figures.add("tickets", ledger.tickets.len());
    figures.add("incidents", ledger.incidents.len());
    figures.add("edits", ledger.edits);
    figures.add("devices", devices.len());
    figures.add("alerts due", expected.dues.len());
    figures.add("alerts due, by member with a device", due.count());
    figures.add(
        "alerts raised on devices",
        sum(|device| device.raised.iter().filter(|one| !one.silent).count()),
    );
    figures.add(
        "not the member's business",
        sum(|device| device.raised.iter().filter(|one| one.silent).count()),
    );
    figures.add("raised early or in vain by a device that could not know", {
        devices.iter().flat_map(|device| &device.raised).filter(|raised| !fell_due(raised, expected)).count()
    });
    figures.add("banners", sum(|device| device.banners));
    figures.add("summaries after quiet hours", sum(|device| device.summaries));
    figures.add("digests", sum(|device| device.digests));
    figures.add("alerts told in banners", told(Told::Banner));
    figures.add("alerts told in summaries", told(Told::Summary));
    figures.add("alerts told in digests", told(Told::Digest));
    figures.add("alerts only listed", told(Told::Listed));
    figures.add("acknowledgements heard", {
        sum(|device| device.heard.iter().filter(|heard| heard.snoozed_until.is_none()).count())
    });
    figures.add("snoozes heard", {
        sum(|device| device.heard.iter().filter(|heard| heard.snoozed_until.is_some()).count())
    });
    figures.add("pages", expected.pages.values().map(Vec::len).sum());
    let entries = |kind: fn(&TimelineEvent) -> bool| {
        ledger
            .incidents
            .iter()
            .flat_map(|incident| &incident.timeline)
            .filter(|entry| kind(&entry.event))
            .count()
    };
    figures
        .add("incidents acknowledged", entries(|event| matches!(event, TimelineEvent::Acknowledged { .. })));
    figures.add(
        "acknowledgements run out",
        entries(|event| matches!(event, TimelineEvent::AcknowledgementExpired)),
    );
    figures
}

#[cfg(test)]
mod tests;
