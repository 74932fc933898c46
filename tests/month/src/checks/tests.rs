//! The checks can fail: a month that holds is spoiled in one place at a time.

use super::*;
use crate::{Plan, ledger::Telling, world::World};

fn month() -> (Ledger, Expected) {
    let plan = Plan { seed: 3, tickets: 250, incidents: 20 };
    let ledger = World::new(&plan).expect("a month").run().expect("runs");
    let expected = Expected::of(&ledger);
    hold(&ledger, &expected).expect("holds");
    (ledger, expected)
}

fn alone(device: &DeviceLedger) -> bool {
    device.plan.life == Life::Always
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what can go wrong")]
fn each_way_to_go_wrong_is_found() {
    let (whole, expected) = month();
    let spoiled = |what: &str, says: &str, spoil: &dyn Fn(&mut Ledger)| {
        let mut ledger = whole.clone();
        spoil(&mut ledger);
        let broken = hold(&ledger, &expected).expect_err(what).to_string();
        assert!(broken.contains(says), "{what}: {broken}");
    };
    let exact = whole.devices.iter().position(alone).expect("a device");
    let loud = |device: &DeviceLedger| {
        let heard: HashSet<_> = device.heard.iter().map(|heard| heard.key.clone()).collect();
        device
            .raised
            .iter()
            .position(|raised| !raised.silent && !heard.contains(&raised.key))
            .expect("an alert")
    };
    spoiled("a raise that was dropped", "was not raised", &|ledger| {
        let place = loud(&ledger.devices[exact]);
        ledger.devices[exact].raised.remove(place);
    });
    spoiled("a raise on a device that sleeps that was dropped", "was not raised", &|ledger| {
        let device = &mut ledger.devices[1];
        device.raised.clear();
        device.told.clear();
    });
    spoiled("a raise that was doubled", "raised twice", &|ledger| {
        let raised = ledger.devices[exact].raised[0].clone();
        ledger.devices[exact].raised.push(raised);
    });
    spoiled("an alert that nothing made", "never fell due", &|ledger| {
        let mut raised = ledger.devices[exact].raised[0].clone();
        raised.silent = true;
        raised.key.due_at = raised.key.due_at.plus_ms(1);
        ledger.devices[exact].raised.push(raised);
    });
    spoiled("an alert that nothing made on a device that sleeps", "out of nothing", &|ledger| {
        let mut raised = ledger.devices[1].raised[0].clone();
        raised.key.due_at = raised.key.due_at.plus_ms(1);
        raised.silent = true;
        ledger.devices[1].raised.push(raised);
    });
    spoiled("a raise that was late", "instead of", &|ledger| {
        ledger.devices[exact].raised[0].at.0 += 1;
    });
    spoiled("an alert kept from its member", "silent true", &|ledger| {
        let place = loud(&ledger.devices[exact]);
        ledger.devices[exact].raised[place].silent = true;
    });
    spoiled("an alert that nobody was told of", "nobody was told", &|ledger| {
        let device = &mut ledger.devices[exact];
        let key = device.raised[loud(device)].key.clone();
        device.told.retain(|telling| telling.key != key);
    });
    spoiled("a banner that came twice", "and not put off since", &|ledger| {
        let device = &mut ledger.devices[exact];
        let key = device.raised[loud(device)].key.clone();
        let telling = device.told.iter().find(|telling| telling.key == key).expect("told").clone();
        device.told.push(telling);
    });
    let listed_warning = |device: &DeviceLedger| {
        let snoozed: HashSet<_> = device.heard.iter().map(|heard| heard.key.clone()).collect();
        let is = |telling: &Telling, how| {
            telling.how == how && !telling.key.rule.is_urgent() && !snoozed.contains(&telling.key)
        };
        let at = |how| device.told.iter().position(|telling| is(telling, how));
        Some((at(Told::Listed)?, at(Told::Digest)?))
    };
    let (of, (settled, told)) = (0..)
        .zip(&whole.devices)
        .filter(|(_, device)| alone(device))
        .find_map(|(of, device): (usize, _)| Some((of, listed_warning(device)?)))
        .expect("a device with a digest");
    spoiled("a digest of what was settled", "it was settled before", &|ledger| {
        let telling = ledger.devices[of].told[told].clone();
        let other = &mut ledger.devices[of].told[settled];
        (other.how, other.clock) = (Told::Digest, telling.clock);
    });
    spoiled("a warning that stood and was only listed", "it still stood", &|ledger| {
        ledger.devices[of].told[told].how = Told::Listed;
    });
    spoiled("a banner of what was acknowledged", "though acknowledged", &|ledger| {
        let device = &mut ledger.devices[exact];
        let heard = device.heard.iter().find(|heard| heard.snoozed_until.is_none()).expect("heard").clone();
        let count = device.heard.len();
        let mut telling =
            device.told.iter().find(|telling| telling.how == Told::Banner).expect("told").clone();
        telling.key = heard.key;
        telling.heard = count;
        telling.at = heard.at.plus_ms(1);
        device.told.push(telling);
    });
    spoiled("a banner of what was put off", "though put off", &|ledger| {
        let device = &mut ledger.devices[exact];
        let said = |heard: &&crate::ledger::Heard| heard.snoozed_until.is_some();
        let place = device.heard.iter().position(|heard| said(&heard)).expect("heard");
        let (heard, count) = (device.heard[place].clone(), place + 1);
        let mut telling =
            device.told.iter().find(|telling| telling.how == Told::Banner).expect("told").clone();
        telling.key = heard.key;
        telling.heard = count;
        telling.at = heard.at.plus_ms(1);
        telling.clock = telling.at;
        device.told.insert(0, telling);
    });
    spoiled("a banner in quiet hours", "it is quiet", &|ledger| {
        let has_digest = |device: &&mut DeviceLedger| !device.plan.settings.digest.is_empty();
        let device = ledger.devices.iter_mut().find(has_digest).expect("a device with quiet hours");
        let banner = |telling: &&mut crate::ledger::Telling| telling.how == Told::Banner && !telling.is_p1;
        let telling = device.told.iter_mut().find(banner).expect("a banner");
        telling.clock = crate::plan::at(3, 23);
    });
    spoiled("a stale banner", "wrong banner", &|ledger| ledger.devices[exact].stale_banners = 1);
    let page = |event: &TimelineEvent| matches!(event, TimelineEvent::Paged { .. });
    let paged =
        whole.incidents.iter().position(|incident| incident.timeline.iter().any(|entry| page(&entry.event)));
    let paged = paged.expect("an incident with a page");
    spoiled("a page that was not sent", "should be", &|ledger| {
        let timeline = &mut ledger.incidents[paged].timeline;
        let place = timeline.iter().position(|entry| page(&entry.event)).expect("a page");
        timeline.remove(place);
    });
    spoiled("a page that was sent twice", "should be None", &|ledger| {
        let timeline = &mut ledger.incidents[paged].timeline;
        let last = timeline.iter().rev().find(|entry| page(&entry.event)).expect("a page").clone();
        timeline.push(last);
    });
}
