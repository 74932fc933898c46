//! A rule as it is typed, and read back.

use std::collections::BTreeSet;

use desk_domain::{
    detection::{
        Condition, Rule, RuleField, RuleProblem, burst::Burst, heartbeat::Heartbeat, metric::Threshold,
    },
    duration,
    incident::Severity,
};

use crate::i18n::{I18n, format};

const DAY_S: u32 = 24 * 3_600;

/// What a rule watches for, as it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// A burst of similar tickets.
    Burst,
    /// A heartbeat that stays away.
    Heartbeat,
    /// A metric beyond a threshold.
    Metric,
}

impl Watch {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Burst, Self::Heartbeat, Self::Metric];

    /// The word that rules have for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Heartbeat => "heartbeat",
            Self::Metric => "metric",
        }
    }

    /// What a rule watches for.
    pub(super) fn of(when: &Condition) -> Self {
        match when {
            Condition::Burst(_) => Self::Burst,
            Condition::Heartbeat(_) => Self::Heartbeat,
            Condition::Metric(_) => Self::Metric,
        }
    }
}

/// Why what was typed is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The field holds neither a number nor a duration.
    Unreadable(RuleField),
    /// The rule cannot be used.
    Rule(RuleProblem),
}

impl Wrong {
    /// The field that is to be mended.
    pub(super) fn field(&self) -> RuleField {
        match self {
            Self::Unreadable(field) => *field,
            Self::Rule(problem) => problem.field(),
        }
    }
}

/// The form: everything that a rule of any kind may hold, so that another kind can be looked at and given up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RuleForm {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) severity: Severity,
    pub(super) services: BTreeSet<String>,
    /// A duration, as all of those that follow.
    pub(super) quiet: String,
    pub(super) watch: Watch,
    pub(super) categories: BTreeSet<String>,
    pub(super) window: String,
    /// A number.
    pub(super) tickets: String,
    pub(super) heartbeat: String,
    pub(super) every: String,
    pub(super) grace: String,
    pub(super) metric: String,
    /// A number, or nothing.
    pub(super) above: String,
    /// A number, or nothing.
    pub(super) below: String,
    pub(super) lasting: String,
}

/// A rule to begin with.
pub(super) fn fresh_rule() -> Rule {
    Rule {
        key: String::new(),
        name: String::new(),
        enabled: true,
        severity: Severity::P3,
        services: BTreeSet::new(),
        quiet_min: 60,
        when: Condition::Burst(Burst { categories: BTreeSet::new(), window_min: 30, min_tickets: 5 }),
    }
}

/// Seconds as people write them: `1 ч 30 мин`, `45 с`, `0 с`.
pub(super) fn spell_seconds(i18n: I18n, seconds: u32) -> String {
    format::spelled(i18n, i64::from(seconds / DAY_S), i64::from(seconds % DAY_S))
}

fn read_seconds(field: RuleField, text: &str) -> Result<u32, Wrong> {
    let ms = duration::parse(text).map_err(|_| Wrong::Unreadable(field))?;
    u32::try_from(ms / 1000).map_err(|_| Wrong::Unreadable(field))
}

/// Whole minutes: half a minute more is no window that anybody means.
fn read_minutes(field: RuleField, text: &str) -> Result<u32, Wrong> {
    let seconds = read_seconds(field, text)?;
    if seconds.is_multiple_of(60) { Ok(seconds / 60) } else { Err(Wrong::Unreadable(field)) }
}

/// A number as people write it, with a point or a comma; nothing where nothing is typed.
fn read_number(field: RuleField, text: &str) -> Result<Option<f64>, Wrong> {
    let clean = text.trim().replace(',', ".").replace(['\u{a0}', '\u{202f}', ' '], "");
    if clean.is_empty() {
        return Ok(None);
    }
    clean.parse().map(Some).map_err(|_| Wrong::Unreadable(field))
}

impl RuleForm {
    /// What stands in a rule; the fields of the other kinds hold what one of them may begin with.
    pub(super) fn of(i18n: I18n, rule: &Rule) -> Self {
        let seconds = |seconds| spell_seconds(i18n, seconds);
        let mut form = Self {
            name: rule.name.clone(),
            enabled: rule.enabled,
            severity: rule.severity,
            services: rule.services.clone(),
            quiet: seconds(rule.quiet_min.saturating_mul(60)),
            watch: Watch::of(&rule.when),
            categories: BTreeSet::new(),
            window: seconds(1_800),
            tickets: "5".to_owned(),
            heartbeat: String::new(),
            every: seconds(3_600),
            grace: seconds(300),
            metric: String::new(),
            above: String::new(),
            below: String::new(),
            lasting: seconds(300),
        };
        let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        match &rule.when {
            Condition::Burst(burst) => {
                form.categories.clone_from(&burst.categories);
                form.window = seconds(burst.window_min.saturating_mul(60));
                form.tickets = burst.min_tickets.to_string();
            }
            Condition::Heartbeat(heartbeat) => {
                form.heartbeat.clone_from(&heartbeat.heartbeat);
                form.every = seconds(heartbeat.every_s);
                form.grace = seconds(heartbeat.grace_s);
            }
            Condition::Metric(threshold) => {
                form.metric.clone_from(&threshold.metric);
                form.above = number(threshold.above);
                form.below = number(threshold.below);
                form.lasting = seconds(threshold.for_s);
            }
        }
        form
    }

    /// The rule under `key`, as far as it can be read. Whether it can be used is the domain's to say.
    pub(super) fn read(&self, key: String) -> Result<Rule, Wrong> {
        let when = match self.watch {
            Watch::Burst => Condition::Burst(Burst {
                categories: self.categories.clone(),
                window_min: read_minutes(RuleField::Window, &self.window)?,
                min_tickets: self
                    .tickets
                    .trim()
                    .parse()
                    .map_err(|_| Wrong::Unreadable(RuleField::Tickets))?,
            }),
            Watch::Heartbeat => Condition::Heartbeat(Heartbeat {
                heartbeat: self.heartbeat.trim().to_owned(),
                every_s: read_seconds(RuleField::Every, &self.every)?,
                grace_s: read_seconds(RuleField::Grace, &self.grace)?,
            }),
            Watch::Metric => Condition::Metric(Threshold {
                metric: self.metric.trim().to_owned(),
                above: read_number(RuleField::Above, &self.above)?,
                below: read_number(RuleField::Below, &self.below)?,
                for_s: read_seconds(RuleField::For, &self.lasting)?,
            }),
        };
        Ok(Rule {
            key,
            name: self.name.trim().to_owned(),
            enabled: self.enabled,
            severity: self.severity,
            services: self.services.clone(),
            quiet_min: read_minutes(RuleField::Quiet, &self.quiet)?,
            when,
        })
    }
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    const RU: I18n = I18n { language: Language::Ru };

    fn rules() -> [Rule; 3] {
        let burst = Burst { categories: ["hardware".to_owned()].into(), window_min: 90, min_tickets: 7 };
        let heartbeat = Heartbeat { heartbeat: "backup.night".into(), every_s: 86_400, grace_s: 45 };
        let threshold = Threshold { metric: "queue".into(), above: Some(500.5), below: Some(-1.0), for_s: 0 };
        [Condition::Burst(burst), Condition::Heartbeat(heartbeat), Condition::Metric(threshold)].map(|when| {
            Rule {
                key: "k".into(),
                name: "Правило".into(),
                enabled: false,
                services: ["Кассы".to_owned()].into(),
                when,
                ..fresh_rule()
            }
        })
    }

    #[test]
    fn a_rule_is_read_back_as_it_was() {
        for i18n in [RU, I18n { language: Language::En }] {
            for rule in rules() {
                assert_eq!(RuleForm::of(i18n, &rule).read("k".into()), Ok(rule));
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_field() {
        let [burst, heartbeat, metric] = rules().map(|rule| RuleForm::of(RU, &rule));
        let check = |form: RuleForm, field: RuleField| {
            assert_eq!(form.read("k".into()), Err(Wrong::Unreadable(field)), "{form:?}");
        };
        check(RuleForm { window: "скоро".into(), ..burst.clone() }, RuleField::Window);
        check(RuleForm { window: "90 с".into(), ..burst.clone() }, RuleField::Window);
        check(RuleForm { tickets: "пять".into(), ..burst.clone() }, RuleField::Tickets);
        check(RuleForm { quiet: String::new(), ..burst }, RuleField::Quiet);
        check(RuleForm { every: "-1".into(), ..heartbeat }, RuleField::Every);
        check(RuleForm { above: "много".into(), ..metric.clone() }, RuleField::Above);
        let typed = RuleForm { above: " 1 500,5 ".into(), below: String::new(), ..metric };
        let Ok(Rule { when: Condition::Metric(read), .. }) = typed.read("k".into()) else {
            panic!("{typed:?}")
        };
        assert_eq!((read.above, read.below), (Some(1_500.5), None));
    }
}
