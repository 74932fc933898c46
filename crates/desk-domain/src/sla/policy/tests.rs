use super::*;
use crate::sla::cases::{policy, targets};

fn set<T: Ord>(members: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    members.into_iter().collect()
}

fn words(members: &[&str]) -> BTreeSet<String> {
    members.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_condition_has_to_fit_and_one_member_of_each() {
    let when = PolicyMatch {
        priorities: set([Priority::High, Priority::Critical]),
        categories: words(&["network", "access"]),
        teams: words(&["field"]),
        requesters: words(&["anna@example.org", "@partner.example", "Борис"]),
        tags: words(&["gold", "silver"]),
    };
    let fits = Traits {
        category: Some("access"),
        team: Some("field"),
        requester: Some("anna@example.org"),
        tags: set(["new", "silver"]),
        ..Traits::of_priority(Priority::High)
    };
    let check = |traits: Traits<'_>, expected: bool| {
        assert_eq!(when.matches(&traits), expected, "{traits:?}");
        assert!(PolicyMatch::default().matches(&traits));
    };
    check(fits.clone(), true);
    check(Traits { priority: Priority::Low, ..fits.clone() }, false);
    check(Traits { category: None, ..fits.clone() }, false);
    check(Traits { category: Some("Access"), ..fits.clone() }, false);
    check(Traits { team: Some("desk"), ..fits.clone() }, false);
    check(Traits { tags: set(["new"]), ..fits.clone() }, false);
    check(Traits { tags: set([]), ..fits.clone() }, false);
    for (requester, expected) in [
        (None, false),
        (Some("ANNA@example.ORG"), true),
        (Some("hanna@example.org"), false),
        (Some("vera@Partner.Example"), true),
        (Some("vera@sub.partner.example"), false),
        (Some("partner.example"), false),
        (Some("БОРИС"), true),
        (Some(""), false),
    ] {
        check(Traits { requester, ..fits.clone() }, expected);
    }
}

#[test]
fn a_useless_policy_is_refused_with_the_reason() {
    let good = policy("gold", PolicyMatch::default(), &[(Priority::High, 60.)]);
    assert_eq!(good.check(), Ok(()));
    let check = |change: &dyn Fn(&mut Policy), expected: &str| {
        let mut policy = good.clone();
        change(&mut policy);
        let message = policy.check().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    check(&|policy| policy.name = " ".into(), "no name");
    check(&|policy| policy.targets.clear(), "no target");
    check(&|policy| policy.targets = [(Priority::High, Targets::default())].into(), "no target");
    check(&|policy| policy.when.priorities = set([Priority::Low]), "no target");
    for minutes in [0., -1., f64::NAN, f64::INFINITY, 1e12, 1e-9] {
        check(
            &|policy| {
                policy.targets.insert(Priority::Low, targets(minutes));
            },
            "resolution target for low is no sensible time",
        );
    }
    check(&|policy| policy.pause_statuses = set(Status::ALL.iter().copied()), "pauses in every status");
    check(&|policy| policy.warn_percent = vec![75, 100], "100 %");
    check(&|policy| policy.warn_percent = vec![0], "0 %");

    let mut fine = good.clone();
    fine.warn_percent = vec![99, 1, 1];
    fine.targets.insert(Priority::Low, Targets::default());
    assert_eq!(fine.check(), Ok(()));
    fine.warn_percent.clear();
    fine.pause_statuses.clear();
    assert_eq!(fine.check(), Ok(()));
}

#[test]
fn rules_are_checked_as_a_whole() {
    let always = BTreeMap::from([("always".to_owned(), Calendar::always())]);
    let gold = policy("gold", PolicyMatch::default(), &[(Priority::High, 60.)]);
    // The same order twice is no mistake: the key decides.
    let rules = SlaRules { policies: vec![gold.clone(), gold.clone()], calendars: always.clone() };
    assert_eq!(rules.check(), []);
    let mut broken = rules.clone();
    broken.calendars.insert("mars".to_owned(), Calendar { zone: "Mars".into(), ..Calendar::always() });
    broken.policies[0].calendar = "office".to_owned();
    broken.policies[1].targets.clear();
    let found: Vec<String> = broken.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "calendar \"mars\": \"Mars\" is no IANA time zone, like Asia/Almaty",
            "policy \"gold\": it has no target for any priority that it is for; give it one",
            "policy \"gold\": there is no calendar \"office\"",
        ]
    );
}
