//! The way to the shell: typed calls and typed events over `window.__TAURI__`.
//!
//! Values cross as JSON text, since maps with enum and newtype keys have no other exact form in JavaScript.

use desk_api::{ApiError, Call, ErrorCode, event::Event};
use js_sys::{Function, JSON, Object, Promise, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

#[derive(Serialize)]
struct Args<'a, C> {
    request: &'a C,
}

/// Asks the shell.
pub(crate) async fn call<C: Call>(request: C) -> Result<C::Reply, ApiError> {
    let args = serde_json::to_string(&Args { request: &request }).map_err(|error| internal(&error))?;
    let reply = invoke(C::NAME, args).await?;
    serde_json::from_slice(&reply).map_err(|error| internal(&error))
}

/// The part of a call that is the same for all: JSON to the shell, JSON back as bytes.
async fn invoke(name: &'static str, args: String) -> Result<Vec<u8>, ApiError> {
    let args = JSON::parse(&args).map_err(|error| js_error(&error))?;
    let promise: Promise = method(&["core"], "invoke")?
        .call2(&JsValue::UNDEFINED, &name.into(), &args)
        .map_err(|error| js_error(&error))?
        .dyn_into()
        .map_err(|error| js_error(&error))?;
    let reply = JsFuture::from(promise).await.map_err(|error| js_error(&error))?;
    Ok(Uint8Array::new(&reply).to_vec())
}

/// Listens to an event for as long as the page lives.
pub(crate) fn listen<E: Event + 'static>(heard: impl Fn(E) + 'static) {
    let handler = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let payload = Reflect::get(&event, &"payload".into()).unwrap_or(JsValue::NULL);
        // A payload of another form would be a shell of another version; there is nobody to tell.
        if let Ok(event) = serde_json::from_str(&json(&payload)) {
            heard(event);
        }
    });
    if let Ok(listen) = method(&["event"], "listen") {
        // The promise gives a function that ends the listening; the page never does.
        let _ = listen.call2(&JsValue::UNDEFINED, &E::NAME.into(), handler.as_ref());
    }
    handler.forget();
}

/// Runs a task on the page's event loop.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

fn method(path: &[&str], name: &str) -> Result<Function, ApiError> {
    let mut at: JsValue = js_sys::global().into();
    for step in ["__TAURI__"].iter().chain(path).chain([&name]) {
        at = Reflect::get(&at, &(*step).into()).map_err(|error| js_error(&error))?;
    }
    at.dyn_into().map_err(|_| ApiError::new(ErrorCode::Internal, "the page does not run in its shell"))
}

fn json(value: &JsValue) -> String {
    JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_else(|| "null".to_owned())
}

/// What a rejected promise carries: an `ApiError`, or whatever else went wrong on the way.
fn js_error(error: &JsValue) -> ApiError {
    if error.is_object()
        && let Ok(error) = serde_json::from_str::<ApiError>(&json(error))
    {
        return error;
    }
    let text = error.as_string().or_else(|| {
        let object: &Object = error.dyn_ref()?;
        object.to_string().as_string()
    });
    ApiError::new(ErrorCode::Internal, text.unwrap_or_default())
}

fn internal(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::Internal, error.to_string())
}
