//! Shapes. Status, priority and severity differ by shape, so colour is never all that tells them apart.

use desk_domain::{
    article::ArticleStatus,
    ids::DocKind,
    incident::{IncidentStatus, Severity},
    ticket::{Priority, Status},
};
use yew::prelude::*;

fn icon(class: &'static str, shape: Html) -> Html {
    html! {
        <svg class={classes!("icon", class)} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"
            fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
            { shape }
        </svg>
    }
}

fn path(d: &'static str) -> Html {
    html! { <path d={d} /> }
}

/// An empty ring, a half-filled one, a pause, a tick, a filled tick, a cross.
pub(crate) fn status(status: Status) -> Html {
    match status {
        Status::Open => icon("status-open", html! { <circle cx="8" cy="8" r="5.5" /> }),
        Status::InProgress => icon(
            "status-in_progress",
            html! { <><circle cx="8" cy="8" r="5.5" /><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" /></> },
        ),
        Status::Pending => icon(
            "status-pending",
            html! { <><circle cx="8" cy="8" r="5.5" /><path d="M6.4 5.8v4.4M9.6 5.8v4.4" /></> },
        ),
        Status::Resolved => icon(
            "status-resolved",
            html! { <><circle cx="8" cy="8" r="5.5" /><path d="M5.5 8.2l1.8 1.8 3.2-3.8" /></> },
        ),
        Status::Closed => icon(
            "status-closed",
            html! {
                <>
                    <circle cx="8" cy="8" r="6" fill="currentColor" stroke="none" />
                    <path class="icon-cut" d="M5.5 8.2l1.8 1.8 3.2-3.8" />
                </>
            },
        ),
        Status::Cancelled => icon(
            "status-cancelled",
            html! { <><circle cx="8" cy="8" r="5.5" /><path d="M6 6l4 4M10 6l-4 4" /></> },
        ),
    }
}

/// One to three bars, then a triangle and a filled square with an exclamation mark.
pub(crate) fn priority(priority: Priority) -> Html {
    let bars = |lit: u8| {
        let class = |bar: u8| if bar < lit { "bar" } else { "bar bar-off" };
        html! {
            <>
                <rect class={class(0)} x="2" y="9.5" width="3" height="4" rx=".8" />
                <rect class={class(1)} x="6.5" y="6" width="3" height="7.5" rx=".8" />
                <rect class={class(2)} x="11" y="2.5" width="3" height="11" rx=".8" />
            </>
        }
    };
    match priority {
        Priority::Low => icon("priority-low", bars(1)),
        Priority::Medium => icon("priority-medium", bars(2)),
        Priority::High => icon("priority-high", bars(3)),
        Priority::Urgent => icon(
            "priority-urgent",
            html! { <><path d="M8 2.2l6.2 11.3H1.8z" /><path d="M8 6.4v3M8 11.4v.1" /></> },
        ),
        Priority::Critical => icon(
            "priority-critical",
            html! {
                <>
                    <rect x="1.8" y="1.8" width="12.4" height="12.4" rx="2.5" fill="currentColor" stroke="none" />
                    <path class="icon-cut" d="M8 4.6v4.2M8 11.3v.1" />
                </>
            },
        ),
    }
}

/// The badge of a severity: its own text is its shape.
pub(crate) fn severity(severity: Severity) -> Html {
    html! { <span class={classes!("severity", format!("severity-{severity}"))}>{ severity.as_str() }</span> }
}

/// As the ticket's status shapes.
pub(crate) fn incident_status(status: IncidentStatus) -> Html {
    match status {
        IncidentStatus::Open => icon(
            "status-alarm",
            html! { <><circle cx="8" cy="8" r="5.5" /><path d="M8 5.2v3.4M8 10.8v.1" /></> },
        ),
        IncidentStatus::Investigating => icon(
            "status-in_progress",
            html! { <><circle cx="7" cy="7" r="4.2" /><path d="M10.2 10.2l3.3 3.3" /></> },
        ),
        IncidentStatus::Identified => icon(
            "status-in_progress",
            html! { <><circle cx="8" cy="8" r="5.5" /><circle cx="8" cy="8" r="2" fill="currentColor" /></> },
        ),
        IncidentStatus::Monitoring => icon("status-pending", path("M1.8 8.5h3l2-4.5 2.6 8 2-3.5h2.8")),
        IncidentStatus::Resolved => self::status(Status::Resolved),
        IncidentStatus::Closed => self::status(Status::Closed),
    }
}

/// A pencil, an open page, a box.
pub(crate) fn article_status(status: ArticleStatus) -> Html {
    match status {
        ArticleStatus::Draft => icon("status-pending", path("M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z")),
        ArticleStatus::Published => {
            icon("status-resolved", path("M4 2.5h8v11H4zM6.3 5.5h3.4M6.3 8h3.4M6.3 10.5h2"))
        }
        ArticleStatus::Archived => icon("status-closed-line", path("M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.7h3")),
    }
}

/// A thing of the navigation or the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    /// The member's own tickets.
    Mine,
    /// Nobody's tickets.
    Unassigned,
    /// Tickets.
    Ticket,
    /// Breached clocks.
    Clock,
    /// Everything.
    All,
    /// Knowledge.
    Article,
    /// Incidents.
    Incident,
    /// Alerts.
    Bell,
    /// Refused edits.
    Refused,
    /// Sync.
    Sync,
    /// Settings.
    Settings,
    /// Search.
    Search,
    /// Make something new.
    Plus,
    /// Close.
    Cross,
    /// Navigation.
    Fold,
    /// Go back.
    Left,
    /// Chosen.
    Check,
    /// A conflict or a warning.
    Warning,
    /// Not sent yet.
    Upload,
    /// An internal note.
    Lock,
    /// A command.
    Command,
    /// A person.
    Person,
    /// A tag.
    Tag,
    /// Change.
    Edit,
}

impl From<DocKind> for Glyph {
    fn from(kind: DocKind) -> Self {
        match kind {
            DocKind::Ticket => Self::Ticket,
            DocKind::Article => Self::Article,
            DocKind::Incident => Self::Incident,
            DocKind::Workspace | DocKind::Personal => Self::Settings,
        }
    }
}

/// Draws a glyph.
pub(crate) fn glyph(glyph: Glyph) -> Html {
    let d = match glyph {
        Glyph::Mine | Glyph::Person => {
            "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.5c.5-2.6 2.6-3.7 5.2-3.7s4.7 1.1 5.2 3.7"
        }
        Glyph::Unassigned => {
            "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.5c.5-2.6 2.6-3.7 5.2-3.7M11 10.5l3 3M14 10.5l-3 3"
        }
        Glyph::Ticket => "M2 5.5V4h12v1.5a2.5 2.5 0 0 0 0 5V12H2v-1.5a2.5 2.5 0 0 0 0-5zM9.5 4v8",
        Glyph::Clock => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5",
        Glyph::All => "M2.5 4h11M2.5 8h11M2.5 12h11",
        Glyph::Article => {
            "M8 4C6.5 2.9 4.5 2.7 2.2 3v9.5c2.3-.3 4.3-.1 5.8 1 1.5-1.1 3.5-1.3 5.8-1V3C11.5 2.7 9.5 2.9 8 4zM8 4v9.5"
        }
        Glyph::Incident => "M8.8 1.8L3 9h4l-.8 5.2L12.5 6.5h-4z",
        Glyph::Bell => {
            "M3.5 11.5h9c-1-1-1.3-2-1.3-4.5 0-2.3-1.3-4-3.2-4S4.8 4.7 4.8 7c0 2.5-.3 3.5-1.3 4.5zM6.7 13.5c.5.7 2.1.7 2.6 0"
        }
        Glyph::Refused => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4",
        Glyph::Sync => {
            "M13.5 6.5A5.7 5.7 0 0 0 3.3 5M2.5 9.5A5.7 5.7 0 0 0 12.7 11M3 2v3.2h3.2M13 14v-3.2H9.8"
        }
        Glyph::Settings => "M2 4.5h6M12 4.5h2M10 2.8v3.4M2 11.5h2M8 11.5h6M6 9.8v3.4",
        Glyph::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3.3 3.3",
        Glyph::Plus => "M8 3v10M3 8h10",
        Glyph::Cross => "M4 4l8 8M12 4l-8 8",
        Glyph::Fold => "M2.5 3h11v10h-11zM6 3v10",
        Glyph::Left => "M10 3L5 8l5 5",
        Glyph::Check => "M3 8.5l3.2 3.2L13 4.5",
        Glyph::Warning => "M8 2.2l6.2 11.3H1.8zM8 6.4v3M8 11.4v.1",
        Glyph::Upload => "M8 13V4M4.5 7.3L8 3.8l3.5 3.5",
        Glyph::Lock => "M3.5 7.5h9v6h-9zM5.3 7.5V5a2.7 2.7 0 0 1 5.4 0v2.5",
        Glyph::Command => "M3 4l4 4-4 4M8.5 12.5H13",
        Glyph::Tag => "M2.5 2.5h5.5l5.5 5.5-5.5 5.5L2.5 8zM5.3 5.3v.1",
        Glyph::Edit => "M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z",
    };
    icon("glyph", path(d))
}
