//! Services and rules of detection, as managers write them.

use desk_api::ErrorCode;
use desk_domain::{
    detection::{Condition, Rule, metric::Threshold},
    incident::Severity,
    workspace::Service,
};

use super::Server;

#[tokio::test]
async fn a_manager_writes_services_and_rules_and_an_agent_does_not() {
    let server = Server::start().await;
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let anna = server.desk(dirs[0].path(), "anna").await;
    let maria = server.desk(dirs[1].path(), "maria").await;
    let mail = Service { name: "Почта".into(), ..Service::default() };
    let queue = Rule {
        key: String::new(),
        name: "Очередь писем".into(),
        enabled: true,
        severity: Severity::P2,
        services: ["Почта".to_owned()].into(),
        quiet_min: 60,
        when: Condition::Metric(Threshold {
            metric: "mail.queue".into(),
            above: Some(500.0),
            below: None,
            for_s: 300,
        }),
    };
    let early = maria.save_rule("queue", Some(&queue)).await.unwrap_err();
    assert_eq!((early.code, early.field.as_deref()), (ErrorCode::Invalid, Some("services")), "{early}");
    assert_eq!(anna.save_service("mail", Some(&mail)).await.unwrap_err().code, ErrorCode::Forbidden);
    maria.save_service("mail", Some(&mail)).await.unwrap();
    assert_eq!(anna.save_rule("queue", None).await.unwrap_err().code, ErrorCode::Forbidden);
    maria.save_rule("queue", Some(&queue)).await.unwrap();
    let twice = maria.save_service("post", Some(&mail)).await.unwrap_err();
    assert_eq!((twice.code, twice.field.as_deref()), (ErrorCode::Invalid, Some("name")), "{twice}");

    // The server takes them, and everybody has them, the rule under the key that it was written to.
    let pushed = maria.sync_once().await.unwrap();
    assert_eq!(pushed.rejected, 0, "{pushed:?}");
    anna.sync_once().await.unwrap();
    let settings = anna.workspace().unwrap();
    assert_eq!(settings.services["mail"], mail);
    assert_eq!(settings.detection["queue"], Rule { key: "queue".into(), ..queue.clone() });

    // A rule that names a service follows its new name, and back where that is undone; both in one change.
    let renamed = Service { name: "Почтовый сервер".into(), ..mail.clone() };
    let rule_names =
        |names: &str| Rule { key: "queue".into(), services: [names.to_owned()].into(), ..queue.clone() };
    maria.save_service("mail", Some(&renamed)).await.unwrap();
    let pushed = maria.sync_once().await.unwrap();
    assert_eq!((pushed.pushed, pushed.rejected), (1, 0), "{pushed:?}");
    anna.sync_once().await.unwrap();
    let settings = anna.workspace().unwrap();
    assert_eq!(settings.services["mail"], renamed);
    assert_eq!(settings.detection["queue"], rule_names("Почтовый сервер"));
    maria.save_service("mail", Some(&mail)).await.unwrap();
    assert_eq!(maria.workspace().unwrap().detection["queue"], rule_names("Почта"));
    maria.save_service("mail", None).await.unwrap();
    maria.save_rule("queue", None).await.unwrap();
    let settings = maria.workspace().unwrap();
    assert!(settings.services.is_empty() && settings.detection.is_empty());
}
