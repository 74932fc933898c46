// Starts the interface, and says so when it has stopped. The theme and language of the last run are set before
// anything is painted, so that no window flashes white; the saved settings follow with the session.
import init from "./ui.js";

const root = document.documentElement;
try {
  root.dataset.theme = localStorage.getItem("desk.theme") ?? "system";
  root.lang = localStorage.getItem("desk.language") ?? "ru";
} catch {
  // Storage is forbidden or full: the defaults of index.html stand.
}

// A module that trapped answers nothing any more; a person who goes on typing into it would lose what they type.
function stopped(error) {
  if (root.dataset.ready === "failed") return;
  root.dataset.ready = "failed";
  console.error(error);
  const box = document.createElement("div");
  box.className = "stopped";
  box.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = root.dataset.stopped ?? "WorkerNet Desk could not start.";
  const reload = document.createElement("button");
  reload.className = "button button-main";
  reload.textContent = root.dataset.reload ?? "Try again";
  reload.addEventListener("click", () => location.reload());
  box.append(text, reload);
  document.body.append(box);
  reload.focus();
}

addEventListener("error", (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) stopped(event.error);
});
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof WebAssembly.RuntimeError) stopped(event.reason);
});

init({ module_or_path: new URL("./ui_bg.wasm", import.meta.url) }).catch(stopped);
