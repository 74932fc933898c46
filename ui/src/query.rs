//! A call whose reply a component shows: asked when it changes and whenever the shell tells of a change.

use std::rc::Rc;

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

struct Progress {
    /// Number of the newest request; replies to older ones are stale.
    asked: u64,
    busy: bool,
    again: bool,
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
    let progress = use_mut_ref(|| Progress { asked: 0, busy: false, again: false });

    let ask = {
        let (data, error, progress) = (data.clone(), error.clone(), Rc::clone(&progress));
        Rc::new(move |call: C| {
            let number = {
                let mut progress = progress.borrow_mut();
                progress.asked += 1;
                progress.busy = true;
                progress.asked
            };
            let (data, error, progress) = (data.clone(), error.clone(), Rc::clone(&progress));
            bridge::spawn(async move {
                // A change that is told of while a request is under way asks once more when it is done: a sync
                // tells of many.
                loop {
                    let reply = bridge::call(call.clone()).await;
                    if progress.borrow().asked != number {
                        return;
                    }
                    match reply {
                        Ok(reply) => {
                            data.set(Some(Rc::new(reply)));
                            error.set(None);
                        }
                        Err(problem) => error.set(Some(problem)),
                    }
                    let mut progress = progress.borrow_mut();
                    if !std::mem::take(&mut progress.again) {
                        progress.busy = false;
                        return;
                    }
                }
            });
        })
    };

    {
        let ask = Rc::clone(&ask);
        use_effect_with(call.clone(), move |call| ask(call.clone()));
    }
    {
        let progress = Rc::clone(&progress);
        use_changed(kinds, doc, move || {
            let busy = {
                let mut progress = progress.borrow_mut();
                progress.again = progress.busy;
                progress.busy
            };
            if !busy {
                ask(call.clone());
            }
        });
    }

    let set = {
        let data = data.clone();
        Callback::from(move |reply| data.set(Some(Rc::new(reply))))
    };
    Query { data: (*data).clone(), error: (*error).clone(), set }
}
