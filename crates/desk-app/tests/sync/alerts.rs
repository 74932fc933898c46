//! What a member says of alerts on one device holds on the others.

use desk_domain::alert::{Alert, AlertSettings, Hold, QuietWindow, TimeOfDay, Weekday};

use super::*;

/// Two devices of the manager with the same open alerts, the second with its banners.
async fn two_devices(server: &Server, dirs: [&Path; 3]) -> (Desk, Desk, Vec<Alert>) {
    let a = server.desk(dirs[0], "anna").await;
    import_overdue(&a, "INC1").await;
    a.sync_once().await.unwrap();
    let (b, c) = (server.desk(dirs[1], "maria").await, server.desk(dirs[2], "maria").await);
    let open = b.alerts().await.unwrap().open;
    assert!(!open.is_empty());
    let keys = |alerts: &[Alert]| alerts.iter().map(|alert| alert.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&open), keys(&c.alerts().await.unwrap().open), "one alert on all devices");
    (b, c, open)
}

#[tokio::test]
async fn what_is_said_of_an_alert_holds_on_the_members_other_devices() {
    let server = Server::start().await;
    let dirs: [tempfile::TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let (b, c, open) = two_devices(&server, [dirs[0].path(), dirs[1].path(), dirs[2].path()]).await;
    let level = async || {
        b.sync_once().await.unwrap();
        c.sync_once().await.unwrap();
        c.alerts().await.unwrap()
    };
    let first = [open[0].key.clone()];
    b.acknowledge_alerts(&first).await.unwrap();
    let there = level().await;
    assert_eq!((there.open.len(), there.acknowledged.len()), (open.len() - 1, 1));
    b.reopen_alerts(&first).await.unwrap();
    assert_eq!(level().await.open.len(), open.len());
    b.acknowledge_alerts(&first).await.unwrap();
    assert_eq!(level().await.open.len(), open.len() - 1, "acknowledged after it was taken back");

    let second = [open[1].key.clone()];
    let until = b.now().plus_ms(1_800_000);
    b.snooze_alerts(&second, Some(until)).await.unwrap();
    let there = level().await;
    assert_eq!(there.snoozed.len(), 1);
    assert_eq!(
        (there.snoozed[0].state.snoozed_until, there.snoozed[0].state.held_by),
        (Some(until), Some(Hold::Snooze))
    );
    b.snooze_alerts(&second, None).await.unwrap();
    assert_eq!(level().await.snoozed, []);

    b.mark_alerts_read().await.unwrap();
    assert!(level().await.read_at.is_some());
    let settings = AlertSettings {
        quiet: vec![QuietWindow {
            days: [Weekday::Sat].into(),
            from: TimeOfDay::new(22, 0).unwrap(),
            to: TimeOfDay::new(7, 0).unwrap(),
        }],
        ..AlertSettings::standard("Asia/Almaty")
    };
    b.save_alert_settings(&settings).await.unwrap();
    level().await;
    assert_eq!(c.alert_settings().await.unwrap(), settings);
}

#[tokio::test]
async fn an_acknowledgement_elsewhere_takes_the_banner_away() {
    let server = Server::start().await;
    let dirs: [tempfile::TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let (b, c, _) = two_devices(&server, [dirs[0].path(), dirs[1].path(), dirs[2].path()]).await;
    let screen = Arc::new(Shown::default());
    let _scheduler = c.start_alerts(screen.clone());
    let a = server.desk(dirs[0].path(), "anna").await;
    import_overdue(&a, "INC2").await;
    a.sync_once().await.unwrap();
    c.sync_once().await.unwrap();
    let notice = screen.wait_for(1).await.remove(0);
    b.sync_once().await.unwrap();
    b.acknowledge_alerts(&notice.keys).await.unwrap();
    b.sync_once().await.unwrap();
    c.sync_once().await.unwrap();
    let gone = tokio::time::timeout(Duration::from_secs(20), async {
        while screen.1.lock().unwrap().len() < notice.keys.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    gone.await.unwrap();
    assert!(notice.keys.iter().all(|key| screen.1.lock().unwrap().contains(key)));
}
