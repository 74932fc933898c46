//! The few WebDriver calls that `run --headless` makes, blocking.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use desk_harness::{Driver, POLL};
use serde_json::{Value, json};

/// No single call takes longer on a machine that works, the application's start included.
const CALL_LIMIT: Duration = Duration::from_mins(1);

/// A driven window.
#[derive(Debug)]
pub(crate) struct Session {
    agent: ureq::Agent,
    url: String,
}

impl Session {
    /// Has the driver start the application and open its window.
    pub(crate) fn open(driver: &Driver, application: &Path) -> anyhow::Result<Self> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(CALL_LIMIT))
            // WebDriver says what went wrong in the body.
            .http_status_as_error(false)
            .build()
            .into();
        let base = driver.url();
        let wanted = json!({ "capabilities": { "alwaysMatch": Driver::capabilities(application) } });
        let response = agent.post(format!("{base}/session")).send_json(&wanted);
        let value = value_of(response).context("the application did not open its window")?;
        let id = value.get("sessionId").and_then(Value::as_str).context("WebDriver gave no session")?;
        Ok(Self { agent, url: format!("{base}/session/{id}") })
    }

    /// Waits until an element is there, but not once a `failed` one is; `go_on` is asked before every look and ends the
    /// wait with its error.
    pub(crate) fn wait_for(
        &self,
        css: &str,
        failed: &str,
        limit: Duration,
        mut go_on: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            go_on()?;
            if self.has(css)? {
                return Ok(());
            }
            if self.has(failed)? {
                bail!("the page could not start; it says: {:?}", self.said()?);
            }
            if start.elapsed() > limit {
                bail!("the page did not show `{css}` within {limit:?}; it says: {:?}", self.said()?);
            }
            std::thread::sleep(POLL);
        }
    }

    fn has(&self, css: &str) -> anyhow::Result<bool> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = value_of(self.agent.post(format!("{}/elements", self.url)).send_json(&wanted))?;
        Ok(found.as_array().is_some_and(|elements| !elements.is_empty()))
    }

    /// Waits until an element's text has not changed for `quiet` and no `blank` one is there.
    pub(crate) fn wait_until_still(
        &self,
        css: &str,
        blank: &str,
        quiet: Duration,
        limit: Duration,
        mut go_on: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut before = (self.text(css)?, Instant::now());
        while before.1.elapsed() < quiet {
            go_on()?;
            if start.elapsed() > limit {
                bail!("`{css}` was not still within {limit:?}; the page says: {:?}", self.said()?);
            }
            std::thread::sleep(POLL);
            let now = self.text(css)?;
            if now != before.0 || self.has(blank)? {
                before = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// What the page says, shortened, for an error message.
    fn said(&self) -> anyhow::Result<String> {
        Ok(self.text("body")?.chars().take(500).collect())
    }

    /// The text of an element that is there.
    fn text(&self, css: &str) -> anyhow::Result<String> {
        let wanted = json!({ "using": "css selector", "value": css });
        let element = value_of(self.agent.post(format!("{}/element", self.url)).send_json(&wanted))?;
        let id = element
            .as_object()
            .and_then(|element| element.values().next())
            .and_then(Value::as_str)
            .with_context(|| format!("the page has no `{css}`"))?;
        let text = value_of(self.agent.get(format!("{}/element/{id}/text", self.url)).call())?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until what the page holds has been painted: a picture of a page that was never painted is white.
    pub(crate) fn painted(&self) -> anyhow::Result<()> {
        // The second frame begins when the first has been painted.
        let script = "const done = arguments[0]; \
                      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)));";
        let wanted = json!({ "script": script, "args": [] });
        value_of(self.agent.post(format!("{}/execute/async", self.url)).send_json(&wanted)).map(drop)
    }

    /// Closes the window, which ends the application.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        value_of(self.agent.delete(&self.url).call()).map(drop)
    }
}

/// What WebDriver answered, or the error it tells.
fn value_of(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
    let mut response = response.context("WebDriver does not answer")?;
    let status = response.status();
    let body: Value = response
        .body_mut()
        .with_config()
        // A picture of a large window in base 64.
        .limit(64 << 20)
        .read_json()
        .context("WebDriver's answer is no JSON")?;
    let value = body.get("value").cloned().unwrap_or_default();
    if !status.is_success() {
        let said = value.get("message").and_then(Value::as_str).unwrap_or("nothing more");
        bail!("WebDriver answered {status}: {said}");
    }
    Ok(value)
}
