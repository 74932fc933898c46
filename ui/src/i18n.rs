//! Words: both languages' Fluent files, and how dates, durations and counts are written in each.

pub(crate) mod format;

use std::fmt::Display;

use desk_api::{ApiError, ErrorCode, view::Language};
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;
use yew::prelude::*;

const RU: &str = include_str!("../locales/ru.ftl");
const EN: &str = include_str!("../locales/en.ftl");

type Bundle = FluentBundle<FluentResource>;

thread_local! {
    static RU_BUNDLE: Bundle = bundle("ru", RU);
    static EN_BUNDLE: Bundle = bundle("en", EN);
}

/// The messages of a file. A message that does not parse is left out; a test sees to it that none is.
fn bundle(language: &str, source: &str) -> Bundle {
    let locale: LanguageIdentifier = language.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new(vec![locale]);
    // The marks around inserted values break copying and text comparison, and both scripts run left to right.
    bundle.set_use_isolating(false);
    let resource = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    bundle.add_resource_overriding(resource);
    bundle
}

/// The language that is spoken now; a context of every component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct I18n {
    /// Interface language.
    pub(crate) language: Language,
}

impl I18n {
    /// The message `key`.
    pub(crate) fn t(self, key: &str) -> String {
        self.message(key, None)
    }

    /// The message `key` with values put in; see [`tr!`].
    pub(crate) fn with(self, key: &str, args: &FluentArgs<'_>) -> String {
        self.message(key, Some(args))
    }

    /// The message for a word of a closed vocabulary: `status-in_progress`.
    pub(crate) fn word(self, vocabulary: &str, word: impl Display) -> String {
        self.message(&format!("{vocabulary}-{word}"), None)
    }

    /// The message `key`, if there is one.
    pub(crate) fn maybe(self, key: &str) -> Option<String> {
        self.lookup(key, None)
    }

    /// What to tell a person of an error: the sentence for its code and, where it adds something, its own text.
    pub(crate) fn error(self, error: &ApiError) -> String {
        let sentence = self.word("error", error_word(error.code));
        // These say all there is to say; with the others the text tells which rule, which value, which file.
        let is_whole = matches!(
            error.code,
            ErrorCode::SignedOut
                | ErrorCode::WrongCredentials
                | ErrorCode::SessionExpired
                | ErrorCode::DeviceRevoked
                | ErrorCode::AccessEnded
                | ErrorCode::RateLimited
                | ErrorCode::Offline
                | ErrorCode::UpgradeRequired
                | ErrorCode::ReadOnlyStore
                | ErrorCode::DiskFull
                | ErrorCode::NewerSchema
                | ErrorCode::Cancelled
        );
        let detail = !is_whole && !error.message.is_empty();
        if detail { format!("{sentence} ({})", error.message) } else { sentence }
    }

    fn message(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        self.lookup(key, args).unwrap_or_else(|| key.to_owned())
    }

    fn lookup(self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let find = |bundle: &Bundle| {
            let pattern = bundle.get_message(key)?.value()?;
            let mut problems = Vec::new();
            Some(bundle.format_pattern(pattern, args, &mut problems).into_owned())
        };
        match self.language {
            Language::Ru => RU_BUNDLE.with(find),
            Language::En => EN_BUNDLE.with(find),
        }
    }
}

/// An error code as the Fluent files spell it.
pub(crate) fn error_word(code: ErrorCode) -> String {
    serde_json::to_value(code)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| "internal".to_owned())
}

/// A message with values: `tr!(i18n, "sync-waiting", n = 3)`.
macro_rules! tr {
    ($i18n:expr, $key:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        let mut args = fluent_bundle::FluentArgs::new();
        $(args.set(stringify!($name), $crate::i18n::value($value));)+
        $i18n.with($key, &args)
    }};
}
pub(crate) use tr;

/// A value as Fluent takes it.
pub(crate) fn value<'a>(value: impl Into<FluentValue<'a>>) -> FluentValue<'a> {
    value.into()
}

/// The language that is spoken now.
#[hook]
pub(crate) fn use_i18n() -> I18n {
    use_context::<I18n>().unwrap_or(I18n { language: Language::Ru })
}

#[cfg(test)]
mod tests;
