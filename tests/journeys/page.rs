//! The page in a window, met as a person meets it: by what is shown, clicked and typed.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use desk_harness::{Driver, POLL};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;

/// How long anything may take that a person waits for, network included.
const LIMIT: Duration = Duration::from_secs(30);

/// No single call takes longer; a driver that hangs must not hang the journey.
const CALL_LIMIT: Duration = Duration::from_mins(1);

/// WebDriver's code points for keys without a character.
pub(crate) mod key {
    pub(crate) const CONTROL: char = '\u{e009}';
    pub(crate) const ENTER: char = '\u{e007}';
    pub(crate) const ESCAPE: char = '\u{e00c}';
    pub(crate) const LEFT: char = '\u{e012}';
    pub(crate) const TAB: char = '\u{e004}';
}

/// A window's page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    client: Client,
}

impl Page {
    pub(crate) async fn open(driver: &str, application: &Path) -> anyhow::Result<Self> {
        let capabilities = Driver::capabilities(application);
        let capabilities = capabilities.as_object().context("capabilities are an object")?.clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = in_time("a window", builder.connect(driver)).await?;
        Ok(Self { client })
    }

    /// Waits until the interface says that a page stands: `list` once the ticket list is painted with its rows.
    pub(crate) async fn ready(&self, what: &str) -> anyhow::Result<()> {
        self.wait_for(&format!("html[data-ready=\"{what}\"]")).await.map(drop)
    }

    /// Waits until an element is there.
    pub(crate) async fn wait_for(&self, css: &str) -> anyhow::Result<Element> {
        self.until(&format!("`{css}` to appear"), async || Ok(self.all(css).await?.into_iter().next())).await
    }

    /// Waits until no such element is there.
    pub(crate) async fn wait_gone(&self, css: &str) -> anyhow::Result<()> {
        self.until(&format!("`{css}` to go"), async || Ok(self.all(css).await?.is_empty().then_some(())))
            .await
    }

    /// Waits until an element shows text with `part` in it; returns the whole text.
    pub(crate) async fn wait_for_text(&self, css: &str, part: &str) -> anyhow::Result<String> {
        self.until(&format!("`{css}` to say {part:?}"), async || {
            for element in self.all(css).await? {
                // One that is replaced at this moment has no text; the next look finds its successor.
                let mut text = element.text().await.unwrap_or_default();
                if text.is_empty() {
                    // The driver takes text that is cut off after so many lines for text that is not shown.
                    text = element.prop("textContent").await.ok().flatten().unwrap_or_default();
                }
                if text.contains(part) {
                    return Ok(Some(text));
                }
            }
            Ok(None)
        })
        .await
    }

    /// The text of the first such element, which must be there.
    pub(crate) async fn text(&self, css: &str) -> anyhow::Result<String> {
        in_time(css, self.wait_for(css).await?.text()).await
    }

    /// The value of a form field.
    pub(crate) async fn value(&self, css: &str) -> anyhow::Result<String> {
        Ok(in_time(css, self.wait_for(css).await?.prop("value")).await?.unwrap_or_default())
    }

    /// An attribute of the first such element, which must be there; empty when it has none of that name.
    pub(crate) async fn attribute(&self, css: &str, name: &str) -> anyhow::Result<String> {
        Ok(in_time(css, self.wait_for(css).await?.attr(name)).await?.unwrap_or_default())
    }

    /// How many such elements there are now.
    pub(crate) async fn count(&self, css: &str) -> anyhow::Result<usize> {
        Ok(self.all(css).await?.len())
    }

    /// Clicks an element once it is there and can be clicked.
    pub(crate) async fn click(&self, css: &str) -> anyhow::Result<()> {
        self.until(&format!("`{css}` to be clickable"), async || {
            let Some(element) = self.all(css).await?.into_iter().next() else { return Ok(None) };
            Ok(in_time(css, element.click()).await.ok())
        })
        .await
    }

    /// Types text into a field, after what is there.
    pub(crate) async fn type_into(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let element = self.wait_for(css).await?;
        in_time(css, element.send_keys(text)).await.with_context(|| format!("typing into `{css}`"))
    }

    /// Empties a field.
    pub(crate) async fn clear(&self, css: &str) -> anyhow::Result<()> {
        let element = self.wait_for(css).await?;
        in_time(css, element.clear()).await.with_context(|| format!("clearing `{css}`"))
    }

    /// Chooses an option of a `select` by its value.
    pub(crate) async fn choose(&self, css: &str, value: &str) -> anyhow::Result<()> {
        let element = self.wait_for(css).await?;
        in_time(css, element.select_by_value(value)).await.with_context(|| format!("choosing in `{css}`"))
    }

    /// Presses keys together, wherever the focus is: the first ones are held while the last is pressed.
    pub(crate) async fn press(&self, keys: &[char]) -> anyhow::Result<()> {
        let down = keys.iter().map(|value| KeyAction::Down { value: *value });
        let up = keys.iter().rev().map(|value| KeyAction::Up { value: *value });
        let actions = down.chain(up).fold(KeyActions::new("keyboard".to_owned()), InputSource::then);
        in_time("keys", self.client.perform_actions(actions)).await.context("pressing keys")
    }

    /// Runs JavaScript in the page and returns what it returns; for measuring, not for acting.
    pub(crate) async fn script(&self, body: &str) -> anyhow::Result<Value> {
        in_time("a script", self.client.execute(body, Vec::new())).await.context("running a script")
    }

    /// Runs JavaScript in the page and returns what it hands to the function that is its last argument.
    pub(crate) async fn script_told(&self, body: &str) -> anyhow::Result<Value> {
        in_time("a script", self.client.execute_async(body, Vec::new())).await.context("running a script")
    }

    /// Waits until what the page holds has been painted.
    pub(crate) async fn painted(&self) -> anyhow::Result<()> {
        let painted = "const done = arguments[0]; \
                       requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)));";
        self.script_told(painted).await.map(drop)
    }

    /// Closes the window as a person does, which ends the application.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        in_time("the window's end", self.client.close()).await.context("closing the window")
    }

    async fn all(&self, css: &str) -> anyhow::Result<Vec<Element>> {
        in_time(css, self.client.find_all(Locator::Css(css)))
            .await
            .with_context(|| format!("looking for `{css}`"))
    }

    /// Looks again and again until there is an answer; the error shows the page's text.
    async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if start.elapsed() > LIMIT {
                let body = self.all("body").await?.into_iter().next().context("the page has no body")?;
                let shown = in_time("the page's text", body.text()).await.unwrap_or_default();
                bail!("waited {LIMIT:?} in vain for {what}; the page says:\n{shown}");
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The answer of a call, unless it takes too long.
async fn in_time<T, E>(what: &str, call: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => bail!("{what}: the driver did not answer within {CALL_LIMIT:?}"),
    }
}
