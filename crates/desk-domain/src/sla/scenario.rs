//! Files of worked cases: read strictly, run through the same code as a ticket's clocks (`desk sla simulate`).

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    calendar::{Calendar, CalendarError, CompiledCalendar},
    clock::{ClockReading, ClockState, EventKind, Metric, SlaEvent, Terms, evaluate},
    policy::{CompiledTargets, Policy, Targets},
};
use crate::{ticket::Status, time::UtcMillis};

/// The format that this code reads.
pub const FORMAT: u32 = 1;

/// A file that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not JSON, or not an object with `format` and `scenarios`.
    #[error("no file of scenarios: {0}")]
    File(serde_json::Error),
    /// A format that this version does not know.
    #[error("format {0} is not known here; this version reads format {FORMAT}")]
    Format(u32),
    /// A scenario that is not of the form.
    #[error("scenario {scenario}: {error}")]
    Form {
        /// Its id, or its place in the file where it has none.
        scenario: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Two scenarios of one id.
    #[error("scenario {scenario} occurs twice")]
    Duplicate {
        /// The id.
        scenario: String,
    },
    /// A calendar that cannot be used.
    #[error("scenario {scenario}: calendar: {error}")]
    Calendar {
        /// Its id.
        scenario: String,
        /// What is wrong.
        error: CalendarError,
    },
    /// A target that is negative, no number, or longer than a hundred years.
    #[error("scenario {scenario}: the {metric} target is no sensible number of minutes")]
    Target {
        /// Its id.
        scenario: String,
        /// Which target.
        metric: Metric,
    },
    /// Events out of order, no `created`, or something before it.
    #[error("scenario {scenario}: event {index}: {problem}")]
    Event {
        /// Its id.
        scenario: String,
        /// The event's place, counted from 1.
        index: usize,
        /// What is wrong with it.
        problem: EventProblem,
    },
}

/// What can be wrong with a scenario's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// It lies before the one above it.
    #[error("it is earlier than the one before it")]
    OutOfOrder,
    /// Replies and statuses need a ticket.
    #[error("it comes before the ticket is created")]
    BeforeCreation,
    /// A ticket is created once.
    #[error("the ticket is created a second time")]
    CreatedTwice,
    /// No ticket at all.
    #[error("the ticket is never created")]
    NeverCreated,
}

/// Minutes per metric, as scenarios spell them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetsMin {
    /// From creation to the first public agent reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response: Option<f64>,
    /// From the oldest unanswered requester message to a public agent reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response: Option<f64>,
    /// From creation to resolved, closed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<f64>,
}

impl From<TargetsMin> for Targets {
    fn from(minutes: TargetsMin) -> Self {
        Self {
            first_response_min: minutes.first_response,
            next_response_min: minutes.next_response,
            resolution_min: minutes.resolution,
        }
    }
}

/// What happens in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ScenarioEventKind {
    /// The ticket is created.
    Created {
        /// Its first status.
        #[serde(default = "first_status")]
        status: Status,
    },
    /// The requester writes.
    CustomerReply,
    /// An agent answers publicly.
    AgentReply,
    /// The status moves.
    Status {
        /// To what.
        to: Status,
    },
    /// Other targets from now on.
    Targets {
        /// `null`: no policy matches any more.
        #[serde(deserialize_with = "nullable")]
        targets_min: Option<TargetsMin>,
    },
}

fn first_status() -> Status {
    Status::Open
}

/// An `Option` that must be there, if only as `null`: a forgotten field is no statement.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TargetsMin>, D::Error> {
    Option::deserialize(deserializer)
}

/// An event of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioEvent {
    /// When.
    pub at: UtcMillis,
    /// What.
    #[serde(flatten)]
    pub kind: ScenarioEventKind,
}

/// One case. Members that are not read here (`source`, `note`, `expect`) are allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// What the case is called.
    pub id: String,
    /// When time counts.
    pub calendar: Calendar,
    /// The targets from the beginning; `null`: no policy matches yet.
    #[serde(deserialize_with = "nullable")]
    pub targets_min: Option<TargetsMin>,
    /// Statuses in which the clocks stand still.
    #[serde(default = "Policy::default_pause_statuses")]
    pub pause_statuses: BTreeSet<Status>,
    /// What happens, in order.
    pub events: Vec<ScenarioEvent>,
    /// When the clocks are read.
    pub at: UtcMillis,
}

/// What a clock shows at the end of a scenario; all but the state is `null` when it is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it tells.
    pub state: ClockState,
    /// When the target runs out, while the clock runs.
    pub due_at: Option<UtcMillis>,
    /// Business seconds counted.
    pub elapsed_s: Option<i64>,
    /// Target less elapsed, negative once over.
    pub remaining_s: Option<i64>,
}

impl From<&ClockReading> for Outcome {
    fn from(reading: &ClockReading) -> Self {
        Self {
            state: reading.state,
            due_at: reading.due_at,
            elapsed_s: reading.elapsed_s,
            remaining_s: reading.remaining_s,
        }
    }
}

/// The clocks at the end of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioOutcome {
    /// The scenario's id.
    pub id: String,
    /// The first response.
    pub first_response: Outcome,
    /// The next response.
    pub next_response: Outcome,
    /// The resolution.
    pub resolution: Outcome,
}

/// What `desk sla simulate` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// One for each scenario, in the order of the file.
    pub scenarios: Vec<ScenarioOutcome>,
}

#[derive(Deserialize)]
struct RawFile {
    format: u32,
    scenarios: Vec<serde_json::Value>,
}

/// Reads a file of scenarios, each by itself so that an error names the one it is in.
pub fn parse(text: &str) -> Result<Vec<Scenario>, ScenarioError> {
    let file: RawFile = serde_json::from_str(text).map_err(ScenarioError::File)?;
    if file.format != FORMAT {
        return Err(ScenarioError::Format(file.format));
    }
    let mut ids = BTreeSet::new();
    let mut scenarios = Vec::with_capacity(file.scenarios.len());
    for (index, value) in file.scenarios.into_iter().enumerate() {
        let name = value
            .get("id")
            .and_then(|id| id.as_str())
            .map_or_else(|| format!("#{}", index + 1), str::to_owned);
        let scenario: Scenario = serde_json::from_value(value)
            .map_err(|error| ScenarioError::Form { scenario: name.clone(), error })?;
        if !ids.insert(scenario.id.clone()) {
            return Err(ScenarioError::Duplicate { scenario: name });
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

/// Runs scenarios. Nothing is reported of a file of which any scenario cannot be run.
pub fn simulate(scenarios: &[Scenario]) -> Result<Simulation, ScenarioError> {
    let scenarios = scenarios.iter().map(Scenario::run).collect::<Result<_, _>>()?;
    Ok(Simulation { scenarios })
}

impl Scenario {
    /// Runs one scenario.
    pub fn run(&self) -> Result<ScenarioOutcome, ScenarioError> {
        let scenario = || self.id.clone();
        let calendar = self
            .calendar
            .compile()
            .map_err(|error| ScenarioError::Calendar { scenario: scenario(), error })?;
        let events = self.timeline(&calendar)?;
        let clocks = evaluate(&events, self.at);
        Ok(ScenarioOutcome {
            id: scenario(),
            first_response: (&clocks.first_response).into(),
            next_response: (&clocks.next_response).into(),
            resolution: (&clocks.resolution).into(),
        })
    }

    fn timeline<'a>(&'a self, calendar: &'a CompiledCalendar) -> Result<Vec<SlaEvent<'a>>, ScenarioError> {
        let terms = |targets: Option<TargetsMin>| -> Result<Option<Terms<'a>>, ScenarioError> {
            let Some(minutes) = targets else { return Ok(None) };
            let targets: CompiledTargets = Targets::from(minutes)
                .compile()
                .map_err(|metric| ScenarioError::Target { scenario: self.id.clone(), metric })?;
            Ok(Some(Terms {
                policy: None,
                calendar,
                targets,
                pause_statuses: &self.pause_statuses,
                warn_percent: &[],
            }))
        };
        let problem = |index: usize, problem: EventProblem| ScenarioError::Event {
            scenario: self.id.clone(),
            index: index + 1,
            problem,
        };
        let mut previous = self.events.first().map_or(self.at, |event| event.at);
        let mut is_created = false;
        let mut events = Vec::with_capacity(self.events.len() + 1);
        events.push(SlaEvent { at: previous, kind: EventKind::Targets(terms(self.targets_min)?) });
        for (index, event) in self.events.iter().enumerate() {
            if event.at < previous {
                return Err(problem(index, EventProblem::OutOfOrder));
            }
            previous = event.at;
            let needs_ticket =
                !matches!(event.kind, ScenarioEventKind::Created { .. } | ScenarioEventKind::Targets { .. });
            if needs_ticket && !is_created {
                return Err(problem(index, EventProblem::BeforeCreation));
            }
            let kind = match event.kind {
                ScenarioEventKind::Created { .. } if is_created => {
                    return Err(problem(index, EventProblem::CreatedTwice));
                }
                ScenarioEventKind::Created { status } => {
                    is_created = true;
                    EventKind::Created { status }
                }
                ScenarioEventKind::CustomerReply => EventKind::CustomerReply,
                ScenarioEventKind::AgentReply => EventKind::AgentReply,
                ScenarioEventKind::Status { to } => EventKind::Status { to },
                ScenarioEventKind::Targets { targets_min } => EventKind::Targets(terms(targets_min)?),
            };
            events.push(SlaEvent { at: event.at, kind });
        }
        if !is_created {
            return Err(problem(self.events.len(), EventProblem::NeverCreated));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests;
