//! `desk service …`

use std::process::ExitCode;

use desk_api::{ApiError, ErrorCode};
use desk_app::Desk;
use desk_domain::workspace::Service;

use super::workspace;
use crate::{args, output::Output, shape::ServiceLine, text};

/// Runs what is asked for; each prints the services as they are then.
pub(super) async fn run(desk: &Desk, command: args::Service, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        args::Service::List => {}
        args::Service::Set { key, name, team, escalation } => {
            let known = workspace(desk)?.services.remove(&key);
            let mut service = known.unwrap_or_default();
            let some = |text: String| (!text.is_empty()).then_some(text);
            service.name = name.unwrap_or(service.name);
            service.team = team.map_or(service.team, some);
            service.escalation = escalation.map_or(service.escalation, some);
            desk.save_service(&key, Some(&service)).await?;
        }
        args::Service::Remove { key } => {
            if !workspace(desk)?.services.contains_key(&key) {
                let what = format!("there is no service {key:?}; see `desk service list`");
                return Err(ApiError::new(ErrorCode::NotFound, what));
            }
            desk.save_service(&key, None::<&Service>).await?;
        }
    }
    let settings = workspace(desk)?;
    let lines: Vec<ServiceLine> =
        settings.services.iter().map(|(key, service)| ServiceLine::new(key, service, &settings)).collect();
    output.result(&lines, || {
        if lines.is_empty() {
            return "no services".to_owned();
        }
        let row = |line: &ServiceLine| {
            let service = line.service.clone();
            let (team, escalation) =
                (service.team.unwrap_or_default(), service.escalation.unwrap_or_default());
            vec![line.key.clone(), service.name, team, escalation, line.problem.clone().unwrap_or_default()]
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        text::table(&["key", "name", "team", "escalation", "problem"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
