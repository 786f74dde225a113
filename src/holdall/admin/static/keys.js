// Keys that stand on elements as aria-keyshortcuts, and those that go from row to row of a list.

const TYPED = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

export function heedKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") return save(event);
    if (!document.body.hasAttribute("data-keys") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(TYPED) || document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "k") return go(event, event.key === "j" ? 1 : -1);
    if (event.key === "x") return choose(event);
    const found = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus();
    else found.click();
    found.parentElement.matches("details[open]") && found.parentElement.querySelector("select, input:not([type=hidden])")?.focus();
  });
}

function save(event) {
  const form = event.target.closest("form[novalidate]") || document.querySelector("dialog[open] form, form[novalidate]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.btn-primary"));
}

const rows = () => [...document.querySelectorAll(".office-table tbody tr")].filter((row) => row.querySelector("a"));

function go(event, step) {
  const all = rows(), here = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(here + step, 0), all.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.querySelector("a").focus();
}

function choose(event) {
  const box = document.activeElement.closest("tr")?.querySelector('input[name="_key"]');
  if (!box) return;
  event.preventDefault();
  box.checked = !box.checked;
}
