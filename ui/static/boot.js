// Starts the interface. The theme and language of the last run are set before anything is painted, so that no
// window flashes white; the saved settings follow with the session.
import init from "./ui.js";

const root = document.documentElement;
try {
  root.dataset.theme = localStorage.getItem("desk.theme") ?? "system";
  root.lang = localStorage.getItem("desk.language") ?? "ru";
} catch {
  // Storage is forbidden or full: the defaults of index.html stand.
}

init({ module_or_path: new URL("./ui_bg.wasm", import.meta.url) }).catch((error) => {
  root.dataset.ready = "failed";
  document.body.textContent = `WorkerNet Desk: ${error}`;
});
