//! A burst of similar tickets: more of them within a window than the category's own history explains.
//!
//! **Similar** are tickets of one category whose titles share two significant words (Russian and English stems, no numbers, no
//! words that any title has), or all that the shorter one has. Around each ticket of the window stand those that are similar
//! to it; the largest such group is what is looked at (of equal ones the one around the oldest ticket). Similarity is not passed
//! on from ticket to ticket, so a chain of vague titles makes no group.
//!
//! **Expected** is what came in the same window of the week, in the workspace's zone, in up to [`HISTORY_WEEKS`] weeks before: all
//! tickets of the category, similar or not, so a group has to stand out against everything that is usual. Where the windows
//! just before and after had more on average, that counts: one quiet hour in a busy morning is chance.
//!
//! **Too many**: with `s` tickets in `w` weeks the rate is known only so well. The chance of `k` or more tickets in one more such
//! window, given the history alone, is the tail of the negative binomial distribution with `r = s + ½` and `p = w / (w + 1)` (a
//! Poisson count whose rate has the posterior of Jeffreys' prior). A group of at least the rule's `min_tickets` whose chance
//! is at most [`CHANCE_MAX`], one in a hundred thousand, is a burst: each new ticket asks anew, so that at some thousand tickets a
//! month a false alarm comes once in years, not weeks. Without a whole week of history nothing is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{EVIDENCE_MAX, Evidence, Finding, RuleField, RuleProblem, range, similar};
use crate::{ids::DocId, time::UtcMillis};

/// Weeks of history that are looked at, at most.
pub const HISTORY_WEEKS: u32 = 8;
/// A group whose chance is at most this is a burst.
pub const CHANCE_MAX: f64 = 1e-5;
/// Most tickets of a window that are compared with each other; the newest ones.
pub const WINDOW_TICKETS_MAX: usize = 300;
/// An hour in milliseconds: what history is counted by.
pub const HOUR_MS: i64 = 3_600_000;
/// Most words that say what a group is about.
const ABOUT_WORDS: usize = 4;

/// Watches for bursts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// The categories that are watched, each for itself; all, and tickets without one, when there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<String>,
    /// The window, in minutes.
    pub window_min: u32,
    /// Fewer similar tickets are never a burst.
    pub min_tickets: u32,
}

/// A new ticket, as far as bursts need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// Its document.
    pub id: DocId,
    /// When it came into being.
    pub created_at: UtcMillis,
    /// Its title.
    pub title: String,
}

/// A burst of similar tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurstEvidence {
    /// The category's key; absent for tickets without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The window's first instant.
    pub from: UtcMillis,
    /// Its end: when it was found.
    pub to: UtcMillis,
    /// The similar tickets, oldest first; the first ones where there are more than [`EVIDENCE_MAX`].
    pub tickets: Vec<DocId>,
    /// How many there are.
    pub count: u32,
    /// Words that most of their titles share, as somebody wrote them.
    pub words: Vec<String>,
    /// All tickets of the category in such a window, on average, in the weeks before.
    pub expected: f64,
    /// In how many weeks.
    pub weeks: u32,
    /// The chance of so many in an ordinary week.
    pub chance: f64,
}

/// How many tickets of a category came into being in which hour: hours since 1970 in UTC, those without any left out.
pub type HourlyCounts = BTreeMap<i64, u32>;

/// What a category's history says about one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// Tickets in the same windows of the weeks before, together, or a third of those in windows thrice as long around them if
    /// that is more. Hours that a window cuts count in proportion.
    pub tickets: f64,
    /// How many weeks.
    pub weeks: u32,
}

impl History {
    /// The hours since 1970 whose counts [`of`](Self::of) looks at for this window.
    pub fn hours(from: UtcMillis, to: UtcMillis, zone: &TimeZone) -> BTreeSet<i64> {
        let length_ms = to.since(from);
        let hour = |at: UtcMillis| at.0.div_euclid(HOUR_MS);
        weeks_before(from, to, zone)
            .flat_map(|(from, to)| hour(from.plus_ms(-length_ms))..=hour(to.plus_ms(length_ms)))
            .collect()
    }

    /// The history of the window from `from` to `to`: the same civil times in the weeks before, as far back as the workspace was
    /// counting (`since`).
    pub fn of(
        counts: &HourlyCounts,
        since: UtcMillis,
        from: UtcMillis,
        to: UtcMillis,
        zone: &TimeZone,
    ) -> Self {
        let length_ms = to.since(from);
        let (mut weeks, mut own, mut around) = (0, 0.0, 0.0);
        for (from, to) in weeks_before(from, to, zone) {
            if from < since {
                break;
            }
            weeks += 1;
            own += within(counts, from, to);
            around += within(counts, from.plus_ms(-length_ms), to.plus_ms(length_ms)) / 3.0;
        }
        Self { tickets: own.max(around), weeks }
    }

    /// Tickets of a window, on average; 0 without any history.
    pub fn expected(self) -> f64 {
        if self.weeks == 0 { 0.0 } else { self.tickets / f64::from(self.weeks) }
    }

    /// The chance of `count` or more tickets in such a window: see the module. 1 without any history.
    pub fn chance(self, count: u32) -> f64 {
        if self.weeks == 0 || count == 0 || f64::from(count) <= self.expected() {
            return 1.0;
        }
        let (r, weeks) = (self.tickets + 0.5, f64::from(self.weeks));
        let other = 1.0 / (weeks + 1.0);
        // The logarithm of the first term, then the tail term by term: beyond the mean they fall, and soon no longer count.
        let mut log_term = -r * (1.0 / weeks).ln_1p();
        for k in 0..count {
            log_term += ((f64::from(k) + r) / (f64::from(k) + 1.0) * other).ln();
        }
        let (mut term, mut tail, mut k) = (log_term.exp(), 0.0, f64::from(count));
        while term > tail * 1e-12 {
            tail += term;
            term *= (k + r) / (k + 1.0) * other;
            k += 1.0;
        }
        tail.min(1.0)
    }
}

/// The same civil window in each of the weeks before, the nearest first. Where a civil time does not exist or exists twice
/// (daylight saving), the window keeps its length from its beginning.
fn weeks_before(
    from: UtcMillis,
    to: UtcMillis,
    zone: &TimeZone,
) -> impl Iterator<Item = (UtcMillis, UtcMillis)> {
    let begins = from.to_jiff().to_zoned(zone.clone());
    let length_ms = to.since(from);
    (1..=i64::from(HISTORY_WEEKS)).map_while(move |week| {
        let before = begins.checked_sub(week.weeks()).ok()?;
        let from = UtcMillis::from_jiff(before.timestamp());
        Some((from, from.plus_ms(length_ms)))
    })
}

/// The tickets of a stretch; hours that it cuts count in proportion.
fn within(counts: &HourlyCounts, from: UtcMillis, to: UtcMillis) -> f64 {
    let (first, last) = (from.0.div_euclid(HOUR_MS), to.0.div_euclid(HOUR_MS));
    let part = |(hour, count): (&i64, &u32)| {
        let begins = UtcMillis(hour * HOUR_MS);
        let covered = to.min(begins.plus_ms(HOUR_MS)).since(from.max(begins)).max(0);
        // At most an hour in milliseconds: exact.
        #[expect(clippy::cast_precision_loss, reason = "an hour has 3.6 million milliseconds")]
        let share = covered as f64 / HOUR_MS as f64;
        f64::from(*count) * share
    };
    counts.range(first..=last).map(part).sum()
}

impl Burst {
    pub(super) fn check(&self) -> Result<(), RuleProblem> {
        if self.categories.iter().any(|category| category.trim().is_empty()) {
            return Err(RuleProblem::Name(RuleField::Categories));
        }
        range(RuleField::Window, self.window_min, 5, 24 * 60)?;
        range(RuleField::Tickets, self.min_tickets, 3, 1_000)
    }

    /// Whether tickets of this category are watched.
    pub fn watches(&self, category: Option<&str>) -> bool {
        self.categories.is_empty() || category.is_some_and(|category| self.categories.contains(category))
    }

    /// When the window that ends at `now` begins.
    pub fn window_from(&self, now: UtcMillis) -> UtcMillis {
        now.plus_ms(-i64::from(self.window_min) * 60_000)
    }

    /// Whether the category's tickets of the window that ends at `now` have a burst among them. `tickets` are in any order; those
    /// outside the window, and those not after `after` (an earlier proposal's end), are passed over.
    pub fn find(
        &self,
        category: Option<&str>,
        tickets: &[NewTicket],
        after: Option<UtcMillis>,
        history: History,
        now: UtcMillis,
    ) -> Option<Finding> {
        let from = self.window_from(now);
        let mut window: Vec<&NewTicket> = tickets
            .iter()
            .filter(|ticket| from < ticket.created_at && ticket.created_at <= now)
            .filter(|ticket| after.is_none_or(|after| ticket.created_at > after))
            .collect();
        window.sort_by_key(|ticket| (ticket.created_at, ticket.id));
        window.drain(..window.len().saturating_sub(WINDOW_TICKETS_MAX));
        let is_burst = |count: u32| count >= self.min_tickets.max(1) && history.chance(count) <= CHANCE_MAX;
        // A group is no larger than the window, and the chance of more is less.
        if !is_burst(number_of(window.len())) {
            return None;
        }
        let (group, words) = largest_group(&window);
        let count = number_of(group.len());
        if !is_burst(count) {
            return None;
        }
        Some(Finding {
            subject: category.unwrap_or_default().to_owned(),
            began_at: group.first()?.created_at,
            about: words.join(", "),
            evidence: Evidence::Burst(BurstEvidence {
                category: category.map(str::to_owned),
                from,
                to: now,
                tickets: group.iter().take(EVIDENCE_MAX).map(|ticket| ticket.id).collect(),
                count,
                words,
                expected: history.expected(),
                weeks: history.weeks,
                chance: history.chance(count),
            }),
        })
    }
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The largest group of similar tickets, in the given order, and the words that most of their titles share.
fn largest_group<'a>(window: &[&'a NewTicket]) -> (Vec<&'a NewTicket>, Vec<String>) {
    let finder = similar::Words::new();
    let words: Vec<BTreeMap<String, String>> = window.iter().map(|ticket| finder.of(&ticket.title)).collect();
    let stems: Vec<BTreeSet<&str>> =
        words.iter().map(|words| words.keys().map(String::as_str).collect()).collect();
    let mut largest: Vec<usize> = Vec::new();
    for centre in &stems {
        let group: Vec<usize> = (0..stems.len())
            .filter(|at| stems.get(*at).is_some_and(|of| similar::similar(centre, of)))
            .collect();
        if group.len() > largest.len() {
            largest = group;
        }
    }
    // How often each word stands in the group, with how somebody first wrote it.
    let mut shared: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for words in largest.iter().filter_map(|at| words.get(*at)) {
        for (stem, word) in words {
            shared.entry(stem).or_insert((0, word)).0 += 1;
        }
    }
    let mut shared: Vec<(usize, &str)> =
        shared.into_values().filter(|(times, _)| times * 2 > largest.len()).collect();
    shared.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let about = shared.into_iter().take(ABOUT_WORDS).map(|(_, word)| word.to_owned()).collect();
    (largest.into_iter().filter_map(|at| window.get(at).copied()).collect(), about)
}
