//! Language and theme: applied at once, saved for the member, remembered for the next start's first paint.

use std::rc::Rc;

use desk_api::{
    ErrorCode,
    call::{SaveSettings, SignOut},
    view::{Language, SessionView, Settings, SyncPhase, Theme},
};
use web_sys::Storage;
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{I18n, tr, use_i18n},
    live::SYNC,
    route::{self, Route},
    session::use_session,
    sign_in::SignInForm,
    store::{Store, StoreKey, use_store},
    widgets::{
        field::{Choice, Select},
        page::Page,
        toast,
    },
};

thread_local! {
    /// The settings that are in effect.
    pub(crate) static SETTINGS: Store<Settings> = Store::new(Settings::default());
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn language_word(language: Language) -> &'static str {
    match language {
        Language::Ru => "ru",
        Language::En => "en",
    }
}

fn theme_word(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

/// Puts the settings of the last run into effect, until the session tells the saved ones.
pub(crate) fn start() {
    let item = |key| storage().and_then(|storage| storage.get_item(key).ok().flatten());
    let language = if item("desk.language").as_deref() == Some("en") { Language::En } else { Language::Ru };
    SETTINGS.put(Settings { language, theme: read_theme(&item("desk.theme").unwrap_or_default()) });
}

fn read_theme(word: &str) -> Theme {
    match word {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::System,
    }
}

/// Puts settings into effect.
pub(crate) fn apply(settings: &Settings) {
    SETTINGS.put(settings.clone());
    let root = web_sys::window().and_then(|window| window.document()?.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("data-theme", theme_word(settings.theme));
        let _ = root.set_attribute("lang", language_word(settings.language));
        // What boot.js says should the program stop: then nothing here can say it any more.
        let i18n = I18n { language: settings.language };
        let _ = root.set_attribute("data-stopped", &i18n.t("stopped"));
        let _ = root.set_attribute("data-reload", &i18n.t("stopped-reload"));
    }
    if let Some(storage) = storage() {
        // A storage that is full or forbidden costs the next start a flash, no more.
        let _ = storage.set_item("desk.theme", theme_word(settings.theme));
        let _ = storage.set_item("desk.language", language_word(settings.language));
    }
}

/// Puts settings into effect and saves them for the member. Before somebody is signed in there is nobody to save
/// them for; they are remembered on this machine then.
pub(crate) fn change(settings: Settings) {
    apply(&settings);
    bridge::spawn(async move {
        if let Err(error) = bridge::call(SaveSettings { settings }).await
            && error.code != ErrorCode::SignedOut
        {
            toast::failed(error);
        }
    });
}

/// The choice of the language.
#[component]
pub(crate) fn LanguageChoice() -> Html {
    let i18n = use_i18n();
    let settings = use_store(&SETTINGS);
    // Each language is written in itself, so that one finds it in a window in the other.
    let choices = Rc::new(vec![Choice::new("ru", "Русский"), Choice::new("en", "English")]);
    let value = language_word(settings.language);
    let on_choose = Callback::from(move |word: String| {
        let language = if word == "en" { Language::En } else { Language::Ru };
        change(Settings { language, ..(*settings).clone() });
    });
    html! {
        <Select {value} {choices} {on_choose} label={i18n.t("settings-language")} testid="settings-language" />
    }
}

/// Properties of [`SettingsPage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct SettingsProps {
    /// Told of the session after the member signed out.
    pub(crate) on_session: Callback<SessionView>,
}

/// The page.
#[component]
pub(crate) fn SettingsPage(props: &SettingsProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let settings = use_store(&SETTINGS);
    let sync = use_store(&SYNC);
    let themes = Rc::new(vec![
        Choice::new("system", i18n.t("theme-system")),
        Choice::new("light", i18n.t("theme-light")),
        Choice::new("dark", i18n.t("theme-dark")),
    ]);
    let theme = theme_word(settings.theme);
    let choose_theme = Callback::from(move |word: String| {
        change(Settings { theme: read_theme(&word), ..(*settings).clone() });
    });
    let sign_out = {
        let on_session = props.on_session.clone();
        Callback::from(move |discard_unsent: bool| {
            let on_session = on_session.clone();
            bridge::spawn(async move {
                match bridge::call(SignOut { discard_unsent }).await {
                    Ok(session) => on_session.emit(session),
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    html! {
        <Page title={i18n.t("settings")} testid="settings-page">
            <div class="form">
                <div class="form-row">
                    <span class="form-label">{ i18n.t("settings-language") }</span>
                    <LanguageChoice />
                </div>
                <div class="form-row">
                    <span class="form-label">{ i18n.t("settings-theme") }</span>
                    <Select value={theme} choices={themes} on_choose={choose_theme}
                        label={i18n.t("settings-theme")} testid="settings-theme" />
                </div>
                if session.workspace.is_some() {
                    <h2>{ i18n.t("sla") }</h2>
                    <button class="button" data-testid="settings-sla" onclick={|_| route::go(Route::Sla)}>
                        { i18n.t("sla-open") }
                    </button>
                    <h2>{ i18n.t("detection") }</h2>
                    <button class="button" data-testid="settings-detection" onclick={|_| route::go(Route::Detection)}>
                        { i18n.t("detection-open") }
                    </button>
                }
                if let Some(who) = &session.who {
                    <h2>{ i18n.t("settings-account") }</h2>
                    <dl class="facts">
                        <dt>{ i18n.t("settings-name") }</dt><dd>{ &who.member.name }</dd>
                        <dt>{ i18n.t("email") }</dt><dd>{ &who.member.email }</dd>
                        <dt>{ i18n.t("settings-role") }</dt><dd>{ i18n.word("role", who.member.role) }</dd>
                        <dt>{ i18n.t("workspace") }</dt><dd>{ &who.workspace }</dd>
                        <dt>{ i18n.t("server") }</dt>
                        <dd>{ who.server.clone().unwrap_or_else(|| i18n.t("server-none")) }</dd>
                    </dl>
                    if who.server.is_none() {
                        <h2>{ i18n.t("join") }</h2>
                        <p class="hint">{ i18n.t("join-explain") }</p>
                        <SignInForm last={None} problem={None} on_session={props.on_session.clone()} />
                    }
                    if sync.phase != SyncPhase::Local {
                        if sync.waiting > 0 {
                            <p class="hint">{ tr!(i18n, "sign-out-waiting", n = sync.waiting) }</p>
                            <button class="button button-danger" data-testid="sign-out-discard"
                                onclick={let sign_out = sign_out.clone(); move |_| sign_out.emit(true)}>
                                { i18n.t("sign-out-discard") }
                            </button>
                        } else {
                            <button class="button" data-testid="sign-out" onclick={move |_| sign_out.emit(false)}>
                                { i18n.t("sign-out") }
                            </button>
                        }
                    }
                }
            </div>
        </Page>
    }
}
