//! `desk alerts …`

use std::{io::Read, path::Path, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::Desk;
use desk_domain::{
    alert::{Alert, AlertKey, AlertSettings},
    time::UtcMillis,
};

use crate::{
    args::{AlertSettingsCommand, Alerts},
    output::Output,
    shape::AlertLine,
    text,
};

/// What a person must know by an instant.
pub(super) async fn list(desk: &Desk, at: Option<UtcMillis>, output: Output) -> Result<ExitCode, ApiError> {
    print(desk.alerts_by(at.unwrap_or_else(|| desk.now())).await?, output)
}

pub(super) async fn run(desk: &Desk, command: Alerts, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Alerts::Ack { alerts } => {
            let keys = keys_of(desk, &alerts).await?;
            desk.acknowledge_alerts(&keys).await?;
        }
        Alerts::Snooze { alerts, duration } => {
            let keys = keys_of(desk, &alerts).await?;
            desk.snooze_alerts(&keys, Some(desk.now().plus_ms(duration.ms))).await?;
        }
        Alerts::Settings(AlertSettingsCommand::Show) => {
            return print_settings(&desk.alert_settings().await?, output);
        }
        Alerts::Settings(AlertSettingsCommand::Set { file }) => {
            let settings = AlertSettings::parse(&read(&file)?).map_err(|problem| {
                ApiError::new(ErrorCode::BadFile, format!("{}: {problem}", file.display()))
            })?;
            return print_settings(&desk.save_alert_settings(&settings).await?, output);
        }
    }
    print(desk.alerts_by(desk.now()).await?, output)
}

fn print(alerts: Vec<Alert>, output: Output) -> Result<ExitCode, ApiError> {
    let lines: Vec<AlertLine> = alerts.into_iter().map(AlertLine::from).collect();
    output.result(&lines, || {
        if lines.is_empty() {
            return "no alerts".to_owned();
        }
        let row = |line: &AlertLine| {
            let alert = &line.alert;
            vec![
                alert.key.due_at.to_string(),
                alert.number.clone(),
                format!("{} {} %", alert.key.rule, alert.key.percent),
                text::short(&alert.title, 80),
            ]
        };
        text::table(&["due", "number", "rule", "title"], &lines.iter().map(row).collect::<Vec<_>>())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Settings are JSON either way: what is printed can be edited and set.
fn print_settings(settings: &AlertSettings, output: Output) -> Result<ExitCode, ApiError> {
    let words = serde_json::to_string_pretty(settings)
        .map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))?;
    output.result(settings, || words)?;
    Ok(ExitCode::SUCCESS)
}

/// The alerts that are meant: by their keys, or all open ones about a ticket or incident.
async fn keys_of(desk: &Desk, names: &[String]) -> Result<Vec<AlertKey>, ApiError> {
    let open = desk.alerts_by(desk.now()).await?;
    let mut keys = Vec::new();
    for name in names {
        if let Ok(key) = name.parse() {
            keys.push(key);
            continue;
        }
        let before = keys.len();
        let of_number = open.iter().filter(|alert| alert.number.eq_ignore_ascii_case(name));
        keys.extend(of_number.map(|alert| alert.key.clone()));
        if keys.len() == before {
            let problem = format!("no alert is open for {name:?}; `desk alerts` lists them");
            return Err(ApiError::new(ErrorCode::NotFound, problem));
        }
    }
    Ok(keys)
}

fn read(file: &Path) -> Result<String, ApiError> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|problem| ApiError::new(ErrorCode::BadFile, format!("{}: {problem}", file.display())))
}
