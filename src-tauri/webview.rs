//! The web view's share of the machine. Only `WebKitGTK` has to be told; the others keep small by themselves.

use tauri::WebviewWindow;

/// What has to be said before the process has a second thread: `main` calls it first.
///
/// No graphics driver is looked for in this process: loading one costs thirty megabytes where it is in software, and
/// [`keep_small`] says why none is wanted.
///
/// The page's program is compiled once, by the fast compilers: the optimising ones gain nothing that could be measured, since
/// most of a key's time is layout and drawing, and cost ten to twenty megabytes and a core that compiles while
/// somebody types. (Without any compiler a key takes twice as long.) What is allocated outside the page comes from two
/// arenas instead of one for each thread, of which a few dozen mostly wait. What is large goes back to the system when it is
/// freed: the allocator would keep ever larger pieces once it has seen a few, such as those that lists are read through.
///
/// What the environment says already stands.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the C library and the web view take these settings from nowhere else")]
pub(crate) fn prepare() {
    const ARENAS: u8 = 2;
    const LARGE_BYTES: libc::c_int = 128 * 1024;
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: sets a number of the allocator, under its own lock.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, i32::from(ARENAS)) };
    }
    if std::env::var_os("MALLOC_MMAP_THRESHOLD_").is_none() {
        // SAFETY: as above.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    }
    let arenas = ARENAS.to_string();
    for (name, value) in [
        ("GDK_GL", "disable"),
        ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
        ("WEBKIT_WEB_RENDER_DEVICE_FILE", "/dev/null"),
        ("JSC_useOMGJIT", "0"),
        ("JSC_useDFGJIT", "0"),
        // What is called ten times is compiled: the first tickets that are opened are as fast as the hundredth.
        ("JSC_thresholdForBBQOptimizeAfterWarmUp", "15"),
        ("JSC_thresholdForBBQOptimizeSoon", "10"),
        ("MALLOC_ARENA_MAX", arenas.as_str()),
    ] {
        if std::env::var_os(name).is_none() {
            // SAFETY: no other thread reads the environment, since there is none yet.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// Nothing has to be said.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}

/// One page that never navigates needs none of a browser's caches. Nor does it need the graphics card: it has no animations,
/// only what changed is drawn again, and layers in the card's memory would cost a third of all that the window holds (more
/// than half where a driver in software plays the card).
#[cfg(target_os = "linux")]
pub(crate) fn keep_small(window: &WebviewWindow) {
    use webkit2gtk::{CacheModel, HardwareAccelerationPolicy, SettingsExt, WebContextExt, WebViewExt};

    let asked = window.with_webview(|view| {
        let view = view.inner();
        if let Some(context) = view.context() {
            context.set_cache_model(CacheModel::DocumentViewer);
        }
        if let Some(settings) = WebViewExt::settings(&view) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = asked {
        tracing::debug!(%error, "the web view keeps its caches and layers");
    }
}

/// Nothing has to be told.
#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_small(_: &WebviewWindow) {}
