//! Where the interface is, as the address after `#`: a reload keeps the place, and Back goes back.

use std::fmt::Write as _;

use desk_domain::ids::{DocId, DocKind};
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, closure::Closure};

use crate::{
    store::{Store, StoreKey},
    tickets::filter::ListQuery,
};

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The ticket list, with a ticket beside it.
    Tickets {
        /// Which tickets.
        query: ListQuery,
        /// The one that is open.
        open: Option<DocId>,
    },
    /// The form of a new ticket.
    NewTicket,
    /// The articles, with one beside them.
    Knowledge {
        /// The one that is open.
        open: Option<DocId>,
        /// It is being edited.
        editing: bool,
    },
    /// The form of a new article.
    NewArticle,
    /// The incidents, with one beside them.
    Incidents {
        /// The one that is open.
        open: Option<DocId>,
    },
    /// The form that declares an incident.
    NewIncident {
        /// The ticket that it is declared from.
        ticket: Option<DocId>,
    },
    /// Response times of incidents.
    IncidentMetrics,
    /// Who is on call, and by which settings.
    OnCall,
    /// What a person must know.
    Alerts,
    /// Which of it reaches them how.
    AlertSettings,
    /// Refused edits.
    Rejected,
    /// How sync stands.
    Sync,
    /// Language and theme.
    Settings,
    /// SLA policies and calendars.
    Sla,
    /// Services, and the rules that propose incidents.
    Detection,
}

impl Default for Route {
    fn default() -> Self {
        Self::Tickets { query: ListQuery::default(), open: None }
    }
}

impl Route {
    /// The page of a document, in the list that is open now if it is one of its kind.
    pub(crate) fn of(kind: DocKind, doc: DocId) -> Self {
        match kind {
            DocKind::Ticket => Self::ticket(doc),
            DocKind::Article => Self::Knowledge { open: Some(doc), editing: false },
            DocKind::Incident => Self::Incidents { open: Some(doc) },
            DocKind::Workspace | DocKind::Personal => Self::Settings,
        }
    }

    /// A ticket, in the list that is open now.
    pub(crate) fn ticket(doc: DocId) -> Self {
        let query = match &*ROUTE.current() {
            Self::Tickets { query, .. } => query.clone(),
            _ => ListQuery::default(),
        };
        Self::Tickets { query, open: Some(doc) }
    }

    /// As it stands after `#`.
    pub(crate) fn to_hash(&self) -> String {
        match self {
            Self::Tickets { query, open } => {
                let mut hash = String::from("/tickets");
                if let Some(open) = open {
                    let _ = write!(hash, "/{open}");
                }
                let pairs = query.to_pairs();
                for (i, (key, value)) in pairs.iter().enumerate() {
                    hash.push(if i == 0 { '?' } else { '&' });
                    let _ = write!(hash, "{key}={}", encode(value));
                }
                hash
            }
            Self::NewTicket => "/tickets/new".to_owned(),
            Self::Knowledge { open: None, .. } => "/knowledge".to_owned(),
            Self::Knowledge { open: Some(id), editing: false } => format!("/knowledge/{id}"),
            Self::Knowledge { open: Some(id), editing: true } => format!("/knowledge/{id}/edit"),
            Self::NewArticle => "/knowledge/new".to_owned(),
            Self::Incidents { open: None } => "/incidents".to_owned(),
            Self::Incidents { open: Some(id) } => format!("/incidents/{id}"),
            Self::NewIncident { ticket: None } => "/incidents/new".to_owned(),
            Self::NewIncident { ticket: Some(ticket) } => format!("/incidents/new/{ticket}"),
            Self::IncidentMetrics => "/incidents/metrics".to_owned(),
            Self::OnCall => "/on-call".to_owned(),
            Self::Alerts => "/alerts".to_owned(),
            Self::AlertSettings => "/alerts/settings".to_owned(),
            Self::Rejected => "/rejected".to_owned(),
            Self::Sync => "/sync".to_owned(),
            Self::Settings => "/settings".to_owned(),
            Self::Sla => "/settings/sla".to_owned(),
            Self::Detection => "/settings/detection".to_owned(),
        }
    }

    /// Reads what stands after `#`; what is unknown leads to the ticket list.
    pub(crate) fn parse(hash: &str) -> Self {
        let hash = hash.trim_start_matches('#').trim_start_matches('/');
        let (path, search) = hash.split_once('?').unwrap_or((hash, ""));
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let id = |text: &str| text.parse::<DocId>().ok();
        match steps.as_slice() {
            ["tickets", "new"] => Self::NewTicket,
            ["tickets", rest @ ..] => Self::Tickets {
                query: ListQuery::from_pairs(&pairs(search)),
                open: rest.first().and_then(|step| id(step)),
            },
            ["knowledge", "new"] => Self::NewArticle,
            ["knowledge", rest @ ..] => Self::Knowledge {
                open: rest.first().and_then(|step| id(step)),
                editing: rest.get(1) == Some(&"edit"),
            },
            ["incidents", "new", rest @ ..] => {
                Self::NewIncident { ticket: rest.first().and_then(|step| id(step)) }
            }
            ["incidents", "metrics"] => Self::IncidentMetrics,
            ["incidents", rest @ ..] => Self::Incidents { open: rest.first().and_then(|step| id(step)) },
            ["on-call"] => Self::OnCall,
            ["alerts"] => Self::Alerts,
            ["alerts", "settings"] => Self::AlertSettings,
            ["rejected"] => Self::Rejected,
            ["sync"] => Self::Sync,
            ["settings"] => Self::Settings,
            ["settings", "sla"] => Self::Sla,
            ["settings", "detection"] => Self::Detection,
            _ => Self::default(),
        }
    }
}

fn pairs(search: &str) -> Vec<(String, String)> {
    search
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), decode(value)))
        .collect()
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b',' | b':' | b'@' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%');
        if let Some(byte) = byte {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

thread_local! {
    /// Where the interface is now.
    pub(crate) static ROUTE: Store<Route> = Store::new(Route::default());
}

fn location() -> Option<web_sys::Location> {
    web_sys::window().map(|window| window.location())
}

fn read() -> Route {
    Route::parse(&location().and_then(|location| location.hash().ok()).unwrap_or_default())
}

/// Follows the address from now on.
pub(crate) fn start() {
    ROUTE.put(read());
    let followed = Closure::<dyn Fn()>::new(|| {
        let route = read();
        if *ROUTE.current() != route {
            ROUTE.put(route);
        }
    });
    if let Some(window) = web_sys::window() {
        let _ = window.add_event_listener_with_callback("hashchange", followed.as_ref().unchecked_ref());
    }
    followed.forget();
}

/// Goes to a page; Back returns.
pub(crate) fn go(route: Route) {
    if let Some(location) = location() {
        let _ = location.set_hash(&route.to_hash());
    }
    if *ROUTE.current() != route {
        ROUTE.put(route);
    }
}

/// Goes to a page without a step in the history: moving along a list, typing into a filter.
pub(crate) fn replace(route: Route) {
    if *ROUTE.current() == route {
        return;
    }
    ROUTE.put(route);
    // Browsers allow some hundred history writes a minute; j held down makes more. The last place is what counts.
    Timeout::new(120, || {
        let hash = format!("#{}", ROUTE.current().to_hash());
        let history = web_sys::window().and_then(|window| window.history().ok());
        if let Some(history) = history {
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&hash));
        }
    })
    .forget();
}

#[cfg(test)]
mod tests {
    use desk_api::view::{AssigneeFilter, TicketSort};
    use desk_domain::ticket::{Priority, Status};

    use super::*;
    use crate::tickets::filter::View;

    #[test]
    fn every_page_is_found_again_by_its_address() {
        let id = "0199d2b4-3c00-7000-8000-000000000001".parse().expect("an id");
        let query = ListQuery {
            view: View::Unassigned,
            statuses: Some([Status::Open, Status::InProgress].into()),
            priorities: [Priority::Critical].into(),
            assignee: Some(AssigneeFilter::Is("Resolver 12 & Söhne".into())),
            team: Some("service-desk".into()),
            tag: Some("принтер/сеть".into()),
            category: Some("a=b".into()),
            due: Some(crate::tickets::filter::Due::FourHours),
            text: "100% сломан?".into(),
            sort: Some(TicketSort::Due),
        };
        for route in [
            Route::default(),
            Route::Tickets { query: query.clone(), open: None },
            Route::Tickets { query, open: Some(id) },
            Route::NewTicket,
            Route::Sla,
            Route::Detection,
            Route::Knowledge { open: None, editing: false },
            Route::Knowledge { open: Some(id), editing: false },
            Route::Knowledge { open: Some(id), editing: true },
            Route::NewArticle,
            Route::Incidents { open: None },
            Route::Incidents { open: Some(id) },
            Route::NewIncident { ticket: None },
            Route::NewIncident { ticket: Some(id) },
            Route::IncidentMetrics,
            Route::OnCall,
            Route::Alerts,
            Route::AlertSettings,
            Route::Rejected,
            Route::Sync,
            Route::Settings,
        ] {
            assert_eq!(Route::parse(&format!("#{}", route.to_hash())), route, "{}", route.to_hash());
        }
    }

    #[test]
    fn an_address_that_is_none_leads_to_the_tickets() {
        for hash in ["", "#", "#/nowhere", "#/tickets/not-an-id", "#/tickets?status=nonsense&view=%zz"] {
            assert_eq!(Route::parse(hash), Route::default(), "{hash}");
        }
    }
}
