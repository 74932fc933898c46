//! On-call schedules: who is on call at an instant.
//!
//! Layers stand in order; at an instant the first that has somebody counts, so that later ones fill what it leaves open.
//! An override stands above all layers; of several at one instant the last in the list counts.
//!
//! Turns change at civil times: a hand-over at 09:00 is at 09:00 on both sides of a change to summer time, and a turn
//! over such a night is an hour shorter or longer. A hand-over at a time that the night leaves out is at the instant of
//! the change; at a time that comes twice, the first time.

use jiff::{
    SignedDuration, ToSpan,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    sla::{
        CalendarError, WeekHours,
        calendar::{DayWindows, zone},
    },
    time::UtcMillis,
};

/// The longest turn: a year.
const LONGEST_TURN_H: u32 = 366 * 24;
/// The longest period that is cut into stretches at once.
pub const LONGEST_PERIOD_MS: i64 = 400 * 24 * 3_600_000;
/// Most layers of a schedule, members of a layer, and overrides.
const MOST: usize = 500;

/// Who is on call when, as the workspace's settings keep it; [`Schedule::compile`] checks and prepares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// What to call it.
    pub name: String,
    /// IANA time zone in which hand-overs and hours are meant.
    pub zone: String,
    /// The first that has somebody counts.
    pub layers: Vec<Layer>,
    /// Who stands in for whoever the layers name; the last of several counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// A rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What to call it.
    pub name: String,
    /// Whose turns follow each other, from the first hand-over on.
    pub members: Vec<MemberId>,
    /// How long a turn is.
    pub rotation: Rotation,
    /// The first hand-over, civil time in the schedule's zone; nobody is on call before it. Its time of day is that of every
    /// hand-over of a daily or weekly rotation.
    pub starts: DateTime,
    /// Hours of the week in which the layer is on duty; none means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<WeekHours>,
}

/// How long a turn is, in civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "every", rename_all = "snake_case")]
pub enum Rotation {
    /// A day.
    Day,
    /// A week.
    Week,
    /// Another length.
    Custom {
        /// Hours, from 1 to those of a year.
        hours: u32,
    },
}

impl Rotation {
    /// The length of a turn in civil hours.
    pub fn hours(self) -> u32 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Custom { hours } => hours,
        }
    }
}

/// Somebody stands in for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Who.
    pub member: MemberId,
    /// From when.
    pub from: UtcMillis,
    /// Until when; this instant is no longer theirs.
    pub until: UtcMillis,
}

/// Why a schedule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It has no name.
    #[error("the schedule has no name; give it one")]
    NoName,
    /// The zone is none.
    #[error(transparent)]
    Zone(#[from] CalendarError),
    /// Nobody could ever be on call.
    #[error("the schedule has no rotation; add one")]
    NoLayers,
    /// A rotation of nobody.
    #[error("the rotation {layer:?} has no members; add at least one")]
    NoMembers {
        /// Its name.
        layer: String,
    },
    /// A turn of an impossible length.
    #[error("a turn of the rotation {layer:?} takes {hours} hours; use 1 to {LONGEST_TURN_H}")]
    Length {
        /// The rotation's name.
        layer: String,
        /// What was given.
        hours: u32,
    },
    /// The first hand-over lies where calendars end.
    #[error("the rotation {layer:?} begins in the year {year}; use one from 1970 to 2200")]
    Starts {
        /// The rotation's name.
        layer: String,
        /// What was given.
        year: i16,
    },
    /// Hours that are none.
    #[error("the hours of the rotation {layer:?}: {source}")]
    Hours {
        /// The rotation's name.
        layer: String,
        /// What is wrong with them.
        source: CalendarError,
    },
    /// An override that never holds.
    #[error("the override from {from} ends at {until}, before it begins; swap the two")]
    Reversed {
        /// When it is to begin.
        from: UtcMillis,
        /// When it is to end.
        until: UtcMillis,
    },
    /// More of something than anybody has.
    #[error(
        "the schedule has more than {MOST} rotations, members of one or overrides; take off what is over"
    )]
    TooMany,
}

/// Where a stretch's member comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// Somebody stands in.
    Override,
    /// A rotation.
    Layer {
        /// Its name.
        layer: String,
    },
    /// Nobody is on call: a gap.
    Gap,
}

/// A part of a period in which one member, or nobody, is on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// From when.
    pub from: UtcMillis,
    /// Until when; this instant is the next stretch's.
    pub until: UtcMillis,
    /// Who; `None` in a gap.
    pub member: Option<MemberId>,
    /// By what.
    #[serde(flatten)]
    pub source: Source,
}

/// A schedule, checked and prepared.
#[derive(Clone, Debug)]
pub struct CompiledSchedule {
    zone: TimeZone,
    layers: Vec<CompiledLayer>,
    overrides: Vec<Override>,
}

#[derive(Clone, Debug)]
struct CompiledLayer {
    name: String,
    members: Vec<MemberId>,
    hours: i64,
    starts: DateTime,
    windows: Option<DayWindows>,
}

impl Schedule {
    /// Whether it can be used.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), ScheduleError> {
        self.compile().map(drop)
    }

    /// Checks the schedule and prepares it.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn compile(&self) -> Result<CompiledSchedule, ScheduleError> {
        if self.name.trim().is_empty() {
            return Err(ScheduleError::NoName);
        }
        let zone = zone(&self.zone)?;
        if self.layers.is_empty() {
            return Err(ScheduleError::NoLayers);
        }
        let too_many = self.layers.iter().any(|layer| layer.members.len() > MOST);
        if too_many || self.layers.len() > MOST || self.overrides.len() > MOST {
            return Err(ScheduleError::TooMany);
        }
        for stand_in in &self.overrides {
            if stand_in.until <= stand_in.from {
                return Err(ScheduleError::Reversed { from: stand_in.from, until: stand_in.until });
            }
        }
        let layers = self.layers.iter().map(Layer::compile).collect::<Result<_, _>>()?;
        Ok(CompiledSchedule { zone, layers, overrides: self.overrides.clone() })
    }
}

impl Layer {
    fn compile(&self) -> Result<CompiledLayer, ScheduleError> {
        let layer = || self.name.chars().take(64).collect::<String>();
        if self.members.is_empty() {
            return Err(ScheduleError::NoMembers { layer: layer() });
        }
        let hours = self.rotation.hours();
        if !(1..=LONGEST_TURN_H).contains(&hours) {
            return Err(ScheduleError::Length { layer: layer(), hours });
        }
        let year = self.starts.year();
        if !(1970..=2200).contains(&year) {
            return Err(ScheduleError::Starts { layer: layer(), year });
        }
        let windows = self.hours.as_ref().map(WeekHours::windows).transpose();
        let windows = windows.map_err(|source| ScheduleError::Hours { layer: layer(), source })?;
        Ok(CompiledLayer {
            name: self.name.clone(),
            members: self.members.clone(),
            hours: i64::from(hours),
            starts: self.starts,
            windows,
        })
    }
}

impl CompiledSchedule {
    /// Who is on call at an instant, and by what; nobody in a gap.
    pub fn at(&self, at: UtcMillis) -> (Option<MemberId>, Source) {
        let stands_in = |found: &&Override| found.from <= at && at < found.until;
        if let Some(found) = self.overrides.iter().rev().find(stands_in) {
            return (Some(found.member), Source::Override);
        }
        for layer in &self.layers {
            if let Some(member) = layer.at(&self.zone, at) {
                return (Some(member), Source::Layer { layer: layer.name.clone() });
            }
        }
        (None, Source::Gap)
    }

    /// Who is on call in a period (of at most [`LONGEST_PERIOD_MS`], what is longer is cut off), without a hole: gaps are
    /// stretches, too. Neighbours with the same member by the same rotation are one.
    pub fn stretches(&self, from: UtcMillis, until: UtcMillis) -> Vec<Stretch> {
        let until = until.min(from.plus_ms(LONGEST_PERIOD_MS));
        let mut cuts = vec![from];
        for stand_in in &self.overrides {
            cuts.extend([stand_in.from, stand_in.until]);
        }
        let changes =
            self.zone.following(from.to_jiff()).map(|change| UtcMillis::from_jiff(change.timestamp()));
        cuts.extend(changes.take_while(|at| *at < until));
        for layer in &self.layers {
            layer.cuts(&self.zone, from, until, &mut cuts);
        }
        cuts.retain(|at| *at >= from && *at < until);
        cuts.sort_unstable();
        cuts.dedup();
        let mut stretches: Vec<Stretch> = Vec::new();
        for at in cuts {
            let (member, source) = self.at(at);
            match stretches.last_mut() {
                Some(last) if last.member == member && last.source == source => {}
                Some(last) => {
                    last.until = at;
                    stretches.push(Stretch { from: at, until, member, source });
                }
                None => stretches.push(Stretch { from: at, until, member, source }),
            }
        }
        stretches
    }
}

impl CompiledLayer {
    fn at(&self, zone: &TimeZone, at: UtcMillis) -> Option<MemberId> {
        if let Some(windows) = &self.windows
            && !windows.contain(zone.to_datetime(at.to_jiff()))
        {
            return None;
        }
        let turn = usize::try_from(self.turn(zone, at)?).ok()?;
        self.members.get(turn % self.members.len()).copied()
    }

    /// Which turn it is, from 0; `None` before the first hand-over.
    fn turn(&self, zone: &TimeZone, at: UtcMillis) -> Option<i64> {
        let civil = zone.to_datetime(at.to_jiff());
        let mut turn = civil.duration_since(self.starts).as_secs().div_euclid(self.hours * 3_600);
        // The civil distance is off by what the zone's changes added or left out: by a turn or, of short ones, a few.
        while self.hand_over(zone, turn + 1).is_some_and(|next| next <= at) {
            turn += 1;
        }
        while turn >= 0 && self.hand_over(zone, turn).is_some_and(|this| this > at) {
            turn -= 1;
        }
        (turn >= 0).then_some(turn)
    }

    /// When a turn begins; `None` where calendars end.
    fn hand_over(&self, zone: &TimeZone, turn: i64) -> Option<UtcMillis> {
        let hours = SignedDuration::from_secs(turn.checked_mul(self.hours)?.checked_mul(3_600)?);
        Some(instants(zone, self.starts.checked_add(hours).ok()?)[0])
    }

    /// Instants of a period at which somebody else may be on call.
    fn cuts(&self, zone: &TimeZone, from: UtcMillis, until: UtcMillis, cuts: &mut Vec<UtcMillis>) {
        let mut turn = self.turn(zone, from).unwrap_or(0);
        while let Some(at) = self.hand_over(zone, turn).filter(|at| *at < until) {
            cuts.push(at);
            turn += 1;
        }
        let Some(windows) = &self.windows else { return };
        let mut day = zone.to_datetime(from.to_jiff()).date();
        let last = zone.to_datetime(until.to_jiff()).date();
        while day <= last {
            for civil in windows.edges(day) {
                cuts.extend(instants(zone, civil));
            }
            match day.checked_add(1.day()) {
                Ok(next) => day = next,
                Err(_) => return,
            }
        }
    }
}

/// The instants at which clocks show a civil time: twice the same for most, both for one that comes twice, twice the instant
/// of the change for one that is left out.
fn instants(zone: &TimeZone, civil: DateTime) -> [UtcMillis; 2] {
    let at = |offset: jiff::tz::Offset| {
        offset.to_timestamp(civil).map_or(UtcMillis(i64::MAX), UtcMillis::from_jiff)
    };
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => [at(offset); 2],
        AmbiguousOffset::Fold { before, after } => [at(before), at(after)],
        AmbiguousOffset::Gap { before, .. } => {
            let late = at(before);
            let change = zone.preceding(late.plus_ms(1).to_jiff()).next();
            [change.map_or(late, |change| UtcMillis::from_jiff(change.timestamp())); 2]
        }
    }
}

#[cfg(test)]
mod tests;
