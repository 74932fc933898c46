use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn vectors() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/sla_scenarios.json");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_worked_case_of_the_vectors_holds() {
    let text = vectors();
    let scenarios = parse(&text).unwrap();
    let result = serde_json::to_value(simulate(&scenarios).unwrap()).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let cases = file["scenarios"].as_array().unwrap();
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    let mut facts = 0;
    let mut wrong = Vec::new();
    for (case, outcome) in cases.iter().zip(result["scenarios"].as_array().unwrap()) {
        assert_eq!(case["id"], outcome["id"]);
        for (metric, expected) in case["expect"].as_object().unwrap() {
            for (field, value) in expected.as_object().unwrap() {
                facts += 1;
                if outcome[metric][field] != *value {
                    wrong.push(format!(
                        "{} {metric}.{field}: {} instead of {value}",
                        case["id"], outcome[metric][field]
                    ));
                }
            }
        }
    }
    assert!(facts >= 50, "only {facts} facts");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_idle_clock_shows_null() {
    let text = json!({"format": 1, "scenarios": [{
        "id": "idle",
        "calendar": {"zone": "UTC", "always_open": true},
        "targets_min": {"resolution": 60},
        "events": [{"at": "2026-01-05T10:00:00Z", "event": "created"}],
        "at": "2026-01-05T10:30:00Z"
    }]});
    let result = simulate(&parse(&text.to_string()).unwrap()).unwrap();
    let idle = json!({"state": "idle", "due_at": null, "elapsed_s": null, "remaining_s": null});
    assert_eq!(
        serde_json::to_value(result).unwrap(),
        json!({"scenarios": [{
            "id": "idle",
            "first_response": idle,
            "next_response": idle,
            "resolution": {"state": "running", "due_at": "2026-01-05T11:00:00Z", "elapsed_s": 1800, "remaining_s": 1800}
        }]})
    );
}

#[test]
fn bad_input_is_refused_with_the_name_of_the_scenario() {
    let good = json!({
        "id": "S7",
        "calendar": {"zone": "UTC", "hours": {"mon": [["09:00", "18:00"]]}},
        "targets_min": {"resolution": 60},
        "events": [{"at": "2026-01-05T10:00:00Z", "event": "created"}],
        "at": "2026-01-05T10:30:00Z"
    });
    let run = |scenario: &Value| {
        let text = json!({"format": 1, "scenarios": [scenario]}).to_string();
        parse(&text).and_then(|scenarios| simulate(&scenarios))
    };
    run(&good).unwrap();
    let check = |pointer: &str, value: Value, expected: &str| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let message = run(&bad).unwrap_err().to_string();
        assert!(message.contains("scenario S7") && message.contains(expected), "{message}");
    };
    check("/calendar/zone", json!("Mars/Olympus"), "Mars/Olympus");
    check("/calendar/hours/mon/0/1", json!("08:00"), "ends before it begins");
    check("/calendar/hours/mon/0/0", json!("9"), "no time of day");
    check("/calendar/hours", json!({"monday": []}), "unknown field");
    check("/calendar/hours", json!({}), "never open");
    check("/targets_min/resolution", json!(-1), "resolution target");
    check("/targets_min/resolution", json!(1e300), "resolution target");
    check("/targets_min/resolution", json!("60"), "invalid type");
    check("/targets_min", json!({"first_respones": 1}), "unknown field");
    check("/at", json!("noon"), "no instant");
    check("/events", json!([]), "never created");
    check("/events/0/event", json!("exploded"), "unknown variant");
    check("/events/0/event", json!("agent_reply"), "event 1: it comes before the ticket is created");
    let created = &good["events"][0];
    check("/events", json!([created, created]), "event 2: the ticket is created a second time");
    check(
        "/events",
        json!([created, {"at": "2026-01-05T09:59:59Z", "event": "customer_reply"}]),
        "event 2: it is earlier",
    );
    check("/events", json!([created, {"at": "2026-01-05T11:00:00Z", "event": "targets"}]), "targets_min");
    check(
        "/events",
        json!([created, {"at": "2026-01-05T11:00:00Z", "event": "status", "to": "done"}]),
        "unknown variant",
    );
}

#[test]
fn a_file_that_is_none_is_refused() {
    for (text, expected) in [
        ("", "no file of scenarios"),
        ("[]", "no file of scenarios"),
        (r#"{"format": 2, "scenarios": []}"#, "format 2"),
        (r#"{"format": 1}"#, "missing field `scenarios`"),
        (r#"{"format": 1, "scenarios": [7]}"#, "scenario #1"),
    ] {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    let twice = json!({
        "id": "A", "calendar": {"zone": "UTC", "always_open": true}, "targets_min": null,
        "events": [{"at": "2026-01-05T10:00:00Z", "event": "created"}], "at": "2026-01-05T10:30:00Z"
    });
    let text = json!({"format": 1, "scenarios": [twice, twice]}).to_string();
    assert!(matches!(parse(&text), Err(ScenarioError::Duplicate { .. })));
}
