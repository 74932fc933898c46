//! One member's own settings; they sync to that member's devices alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ids::DocId, time::UtcMillis};

/// The personal settings document, read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// The document's id.
    pub id: DocId,
    /// Interface language, theme and the like, by name.
    pub preferences: BTreeMap<String, String>,
    /// Alerts that were acknowledged on any device, by alert key, with the instant.
    pub acknowledged: BTreeMap<String, UtcMillis>,
    /// The document's schema number.
    pub schema: u32,
}
