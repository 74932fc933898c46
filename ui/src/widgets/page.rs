//! What pages have in common: a heading, an empty state, an error.

use desk_api::ApiError;
use yew::prelude::*;

use crate::i18n::use_i18n;

/// Properties of [`Empty`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct EmptyProps {
    /// What there is not.
    pub(crate) text: AttrValue,
    /// What one could do.
    #[prop_or_default]
    pub(crate) children: Html,
}

/// Nothing to show, in words.
#[component]
pub(crate) fn Empty(props: &EmptyProps) -> Html {
    html! {
        <div class="empty" data-testid="empty">
            <p>{ props.text.clone() }</p>
            { props.children.clone() }
        </div>
    }
}

/// Properties of [`Problem`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct ProblemProps {
    /// What went wrong.
    pub(crate) error: ApiError,
}

/// An error where something should have been.
#[component]
pub(crate) fn Problem(props: &ProblemProps) -> Html {
    let i18n = use_i18n();
    html! { <div class="problem" role="alert" data-testid="problem">{ i18n.error(&props.error) }</div> }
}

/// Properties of [`Page`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct PageProps {
    /// Its heading.
    pub(crate) title: AttrValue,
    /// Buttons beside the heading.
    #[prop_or_default]
    pub(crate) actions: Html,
    /// What stands on it.
    pub(crate) children: Html,
    /// For tests.
    pub(crate) testid: AttrValue,
}

/// A page that fills the window beside the navigation.
#[component]
pub(crate) fn Page(props: &PageProps) -> Html {
    html! {
        <section class="page" data-testid={props.testid.clone()}>
            <header class="page-head">
                <h1>{ props.title.clone() }</h1>
                <div class="page-actions">{ props.actions.clone() }</div>
            </header>
            <div class="page-body">{ props.children.clone() }</div>
        </section>
    }
}
