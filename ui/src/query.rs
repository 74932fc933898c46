//! A call whose reply a component shows: asked when it changes and whenever the shell tells of a change.

use std::{cell::RefCell, pin::Pin, rc::Rc};

use desk_api::{ApiError, Call};
use desk_domain::ids::{DocId, DocKind};
use yew::prelude::*;

use crate::{bridge, live::use_changed};

/// What is known of a reply.
pub(crate) struct Query<R> {
    /// The newest reply; that of the call before, until this one's has come.
    pub(crate) data: Option<Rc<R>>,
    /// Why there is none.
    pub(crate) error: Option<ApiError>,
    /// Takes over a reply that another call gave.
    pub(crate) set: Callback<R>,
}

#[derive(Default)]
struct Progress {
    /// Number of the newest request; replies to older ones are stale.
    asked: u64,
    busy: bool,
    again: bool,
}

/// What asks once and takes over the reply, unless it is told by `is_stale` that nobody waits for it any more.
type Ask = Rc<dyn Fn(IsStale) -> Pin<Box<dyn Future<Output = ()>>>>;
type IsStale = Rc<dyn Fn() -> bool>;

/// Asks, and once more when a change is told of while a request is under way: a sync tells of many.
fn start(progress: &Rc<RefCell<Progress>>, ask: Ask) {
    let number = {
        let mut progress = progress.borrow_mut();
        progress.asked += 1;
        progress.busy = true;
        progress.asked
    };
    let progress = Rc::clone(progress);
    let is_stale: IsStale = {
        let progress = Rc::clone(&progress);
        Rc::new(move || progress.borrow().asked != number)
    };
    bridge::spawn(async move {
        loop {
            ask(Rc::clone(&is_stale)).await;
            if is_stale() {
                return;
            }
            let mut progress = progress.borrow_mut();
            if !std::mem::take(&mut progress.again) {
                progress.busy = false;
                return;
            }
        }
    });
}

/// Asks `call` now, when it changes, and when documents of `kinds` (or `doc` alone) change.
#[hook]
pub(crate) fn use_query<C>(call: C, kinds: &'static [DocKind], doc: Option<DocId>) -> Query<C::Reply>
where
    C: Call + Clone + PartialEq + 'static,
    C::Reply: 'static,
{
    let data = use_state(|| None::<Rc<C::Reply>>);
    let error = use_state(|| None::<ApiError>);
    let progress = use_mut_ref(Progress::default);

    let ask: Ask = {
        let (data, error, call) = (data.clone(), error.clone(), call.clone());
        Rc::new(move |is_stale| {
            let (data, error, call) = (data.clone(), error.clone(), call.clone());
            Box::pin(async move {
                let reply = bridge::call(call).await;
                if is_stale() {
                    return;
                }
                match reply {
                    Ok(reply) => {
                        data.set(Some(Rc::new(reply)));
                        error.set(None);
                    }
                    Err(problem) => error.set(Some(problem)),
                }
            })
        })
    };
    {
        let (ask, progress) = (Rc::clone(&ask), Rc::clone(&progress));
        use_effect_with(call, move |_| start(&progress, ask));
    }
    use_changed(kinds, doc, move || {
        let busy = {
            let mut progress = progress.borrow_mut();
            progress.again = progress.busy;
            progress.busy
        };
        if !busy {
            start(&progress, Rc::clone(&ask));
        }
    });

    let set = {
        let data = data.clone();
        Callback::from(move |reply| data.set(Some(Rc::new(reply))))
    };
    Query { data: (*data).clone(), error: (*error).clone(), set }
}
