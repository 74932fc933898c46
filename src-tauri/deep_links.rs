//! Links from outside: `worknet://ticket/TK-…` and `worknet://incident/INC-…`.
//!
//! The installers register the scheme. Linux and Windows start the application with the link as an argument, and a second start
//! hands it to the first; macOS sends it as an event.

use desk_api::event::{LinkFailed, LinkProblem, Open};
use desk_app::Desk;
use desk_domain::ids::DocKind;
use tauri::{AppHandle, Manager, Url};

use crate::{events, state, window};

const SCHEME: &str = "worknet";

/// The first link among a start's arguments.
pub(crate) fn among(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| is_ours(argument))
}

fn is_ours(text: &str) -> bool {
    text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
        && text[SCHEME.len()..].starts_with(':')
}

/// Opens what a link names, or says in the window why that is not possible.
pub(crate) fn follow(app: &AppHandle, link: &str) {
    let (app, link) = (app.clone(), link.to_owned());
    window::open(&app);
    tauri::async_runtime::spawn(async move {
        let problem = match parse(&link) {
            None => LinkProblem::Malformed,
            Some((kind, number)) => match app.state::<state::Open>().desk() {
                Err(_) => return,
                Ok(desk) => match find(desk, kind, &number).await {
                    Some(open) => return events::when_heard(&app, open),
                    None => LinkProblem::Unknown,
                },
            },
        };
        events::when_heard(&app, LinkFailed { link: link.chars().take(120).collect(), problem });
    });
}

/// What a link names: the kind, and the number as it was written.
fn parse(link: &str) -> Option<(DocKind, String)> {
    let url = Url::parse(link).ok().filter(|url| url.scheme() == SCHEME)?;
    let kind = match url.host_str()?.to_ascii_lowercase().as_str() {
        "ticket" => DocKind::Ticket,
        "incident" => DocKind::Incident,
        _ => return None,
    };
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let number = parts.next()?;
    let prefix = if kind == DocKind::Ticket { "TK-" } else { "INC-" };
    let is_number = number.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        && number[prefix.len()..].bytes().all(|byte| byte.is_ascii_alphanumeric())
        && number.len() > prefix.len();
    (is_number && parts.next().is_none()).then(|| (kind, number.to_owned()))
}

async fn find(desk: &Desk, kind: DocKind, number: &str) -> Option<Open> {
    let found = match kind {
        DocKind::Incident => desk.find_incident(number).await,
        DocKind::Ticket | DocKind::Article | DocKind::Workspace | DocKind::Personal => {
            desk.find_ticket(number).await
        }
    };
    found.ok().map(|doc| Open { kind, doc })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_ticket_or_an_incident_and_nothing_else() {
        let check = |link: &str, expected: Option<(DocKind, &str)>| {
            assert_eq!(parse(link), expected.map(|(kind, number)| (kind, number.to_owned())), "{link}");
        };
        check("worknet://ticket/TK-0123ABCD", Some((DocKind::Ticket, "TK-0123ABCD")));
        check("WORKNET://Ticket/tk-0123abcd/", Some((DocKind::Ticket, "tk-0123abcd")));
        check("worknet://incident/INC-0123ABCD", Some((DocKind::Incident, "INC-0123ABCD")));
        for wrong in [
            "worknet:",
            "worknet://",
            "worknet://ticket",
            "worknet://ticket/",
            "worknet://ticket/INC-0123ABCD",
            "worknet://ticket/TK-",
            "worknet://ticket/TK-1/2",
            "worknet://ticket/TK-%2e%2e",
            "worknet://article/TK-1",
            "https://ticket/TK-0123ABCD",
            "worknet://ticket/тк-1",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_link_is_found_among_arguments() {
        let arguments = ["desk", "--hidden", "WorkNet://ticket/TK-1"].map(str::to_owned);
        assert_eq!(among(&arguments), Some("WorkNet://ticket/TK-1"));
        assert_eq!(among(&arguments[..2]), None);
    }
}
