//! Identifiers: UUIDv7 made on the device, and the numbers people say aloud.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::UtcMillis;

/// Makes a UUIDv7 from an instant and ten random bytes; both come from the edge.
pub fn uuid_v7(now: UtcMillis, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &random).into_uuid()
}

/// Where fresh identifiers come from: the injected clock and randomness.
pub trait Ids: Send + Sync {
    /// A UUIDv7 that was never given before.
    fn fresh(&self) -> Uuid;
}

/// The text is no identifier of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct InvalidId {
    /// What was given.
    pub text: String,
    /// What was expected, for the reader.
    pub what: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| InvalidId { text: text.chars().take(64).collect(), what: $what })
            }
        }
    };
}

uuid_id!(/// A tenant.
    WorkspaceId, "workspace id");
uuid_id!(/// A person in a workspace.
    MemberId, "member id");
uuid_id!(/// One installation of the application; one Automerge actor.
    DeviceId, "device id");
uuid_id!(/// One Automerge document, whatever its kind. A ticket's, article's or incident's id is its document's id.
    DocId, "document id");
uuid_id!(/// A comment on a ticket.
    CommentId, "comment id");
uuid_id!(/// An entry of a ticket's log or of an incident's timeline.
    EntryId, "entry id");

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocKind {
    /// A ticket with its comments and log.
    Ticket,
    /// A knowledge article.
    Article,
    /// An incident with its timeline.
    Incident,
    /// The settings of a workspace: members, teams, policies, calendars… One per workspace.
    Workspace,
    /// One member's own settings, synced to that member's devices alone.
    Personal,
}

impl DocKind {
    /// All kinds, in the order of their wire numbers.
    pub const ALL: [Self; 5] = [Self::Ticket, Self::Article, Self::Incident, Self::Workspace, Self::Personal];

    /// The number that stands for the kind on the wire and in the databases. Never reused.
    pub fn code(self) -> u8 {
        match self {
            Self::Ticket => 1,
            Self::Article => 2,
            Self::Incident => 3,
            Self::Workspace => 4,
            Self::Personal => 5,
        }
    }

    /// The kind that `code` stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// The digits of Crockford's base 32: no I, L, O, U.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The eight characters after `TK-` or `INC-`: the last 40 (random) bits of the id.
fn number_digits(id: Uuid) -> String {
    let low = id.as_u128() & 0xFF_FFFF_FFFF;
    (0..8).map(|i| char::from(CROCKFORD[usize::try_from((low >> (35 - 5 * i)) & 31).unwrap_or(0)])).collect()
}

/// The number of a ticket, `TK-XXXXXXXX`, known offline since it derives from the id.
pub fn ticket_number(id: DocId) -> String {
    format!("TK-{}", number_digits(id.0))
}

/// The number of an incident, `INC-XXXXXXXX`.
pub fn incident_number(id: DocId) -> String {
    format!("INC-{}", number_digits(id.0))
}

/// Brings a number as people type it to its canonical form: case, a missing prefix, and the letters that
/// Crockford's alphabet reads as digits (`O` as `0`, `I` and `L` as `1`). `None` when it can be no number.
pub fn normalize_number(text: &str, prefix: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    let digits = upper.strip_prefix(prefix).unwrap_or(&upper).trim_start_matches('-');
    let digits: String = digits
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let valid = digits.len() == 8 && digits.bytes().all(|b| CROCKFORD.contains(&b));
    valid.then(|| format!("{prefix}-{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_derives_from_the_random_end_of_the_id() {
        let id = DocId(uuid_v7(UtcMillis(1_700_000_000_000), [0xFF; 10]));
        assert_eq!(ticket_number(id), "TK-ZZZZZZZZ");
        let id = DocId(uuid_v7(UtcMillis(1_700_000_000_000), [0, 0, 0, 0, 0, 0, 0, 0, 0, 33]));
        assert_eq!(incident_number(id), "INC-00000011");
    }

    #[test]
    fn a_number_is_read_as_people_type_it() {
        let check = |input: &str, expected: Option<&str>| {
            assert_eq!(normalize_number(input, "TK").as_deref(), expected, "{input}");
        };
        check("tk-oo0000i1", Some("TK-00000011"));
        check(" 0000001L ", Some("TK-00000011"));
        check("TK-123", None);
        check("TK-0000000U", None);
        check("приём", None);
    }
}
