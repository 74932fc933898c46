//! Values that live beside the component tree, and who listens to them.
//!
//! A component that shows such a value renders again when it changes, and nothing else does.

use std::{cell::RefCell, rc::Rc, thread::LocalKey};

use yew::prelude::*;

type Listener<T> = Rc<dyn Fn(&T)>;

/// A value with listeners; one per thread, held in a `thread_local!`.
pub(crate) struct Store<T> {
    value: RefCell<Rc<T>>,
    listeners: RefCell<Vec<(u64, Listener<T>)>>,
    next: RefCell<u64>,
}

impl<T: 'static> Store<T> {
    /// A store that holds `value`.
    pub(crate) fn new(value: T) -> Self {
        Self { value: RefCell::new(Rc::new(value)), listeners: RefCell::default(), next: RefCell::new(0) }
    }
}

/// What one does with a store, on the `thread_local!` itself.
pub(crate) trait StoreKey<T: 'static> {
    /// The present value.
    fn current(&'static self) -> Rc<T>;
    /// Replaces the value and tells everybody.
    fn put(&'static self, value: T);
    /// Calls `listener` with every new value until the subscription is dropped.
    fn listen(&'static self, listener: impl Fn(&T) + 'static) -> Subscription;
}

impl<T: 'static> StoreKey<T> for LocalKey<Store<T>> {
    fn current(&'static self) -> Rc<T> {
        self.with(|store| Rc::clone(&store.value.borrow()))
    }

    fn put(&'static self, value: T) {
        let value = Rc::new(value);
        // Listeners may subscribe and unsubscribe while they are told, so none is called under a borrow.
        let listeners: Vec<Listener<T>> = self.with(|store| {
            *store.value.borrow_mut() = Rc::clone(&value);
            store.listeners.borrow().iter().map(|(_, listener)| Rc::clone(listener)).collect()
        });
        for listener in listeners {
            listener(&value);
        }
    }

    fn listen(&'static self, listener: impl Fn(&T) + 'static) -> Subscription {
        let id = self.with(|store| {
            let id = *store.next.borrow();
            *store.next.borrow_mut() = id + 1;
            store.listeners.borrow_mut().push((id, Rc::new(listener)));
            id
        });
        Subscription::new(move || {
            self.with(|store| store.listeners.borrow_mut().retain(|(other, _)| *other != id));
        })
    }
}

/// Ends a listener when it is dropped.
pub(crate) struct Subscription(Option<Box<dyn FnOnce()>>);

impl Subscription {
    /// Runs `end` when dropped.
    pub(crate) fn new(end: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// The store's value; the component renders again when it changes.
#[hook]
pub(crate) fn use_store<T: PartialEq + 'static>(store: &'static LocalKey<Store<T>>) -> Rc<T> {
    let value = use_state_eq(|| store.current());
    {
        let value = value.clone();
        use_effect_with((), move |()| {
            // What was put between the first render and this effect.
            value.set(store.current());
            let subscription = store.listen(move |_| value.set(store.current()));
            move || drop(subscription)
        });
    }
    Rc::clone(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static NUMBER: Store<u32> = Store::new(1);
    }

    #[test]
    fn a_listener_hears_until_its_subscription_is_dropped() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let subscription = {
            let heard = Rc::clone(&heard);
            NUMBER.listen(move |value| heard.borrow_mut().push(*value))
        };
        NUMBER.put(2);
        NUMBER.put(3);
        drop(subscription);
        NUMBER.put(4);
        assert_eq!(*heard.borrow(), [2, 3]);
        assert_eq!(*NUMBER.current(), 4);
    }
}
