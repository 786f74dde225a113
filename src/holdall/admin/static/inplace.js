// What a reference leads to is made in a dialog, by the form that its page has; without scripts it is another page.

export function makeInPlace(link, dress) {
  const input = document.getElementById(link.dataset.make);
  if (!input || !window.HTMLDialogElement) return;
  link.removeAttribute("target");
  link.setAttribute("aria-haspopup", "dialog");
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const page = await loaded(await fetch(link.href));
    if (!page) return window.open(link.href, "_blank", "noopener");
    const dialog = document.createElement("dialog");
    dialog.className = "office-dialog";
    document.body.append(dialog);
    dialog.addEventListener("close", () => (dialog.remove(), (dialog.returnValue ? input : link).focus()));
    fill(dialog, page, { input, dress, address: link.href });
    dialog.showModal();
  });
}

async function loaded(answer) {
  if (!(answer.headers.get("content-type") || "").startsWith("text/html")) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("form[data-within]") ? page : null;
}

function fill(dialog, page, given) {
  const heading = document.importNode(page.querySelector("h1"), true);
  const form = document.importNode(page.querySelector("form[data-within]"), true);
  heading.id = "office-dialog-heading";
  dialog.setAttribute("aria-labelledby", heading.id);
  // Names of inputs stay; their ids are those of another page, and the page below may have the same ones.
  for (const each of form.querySelectorAll("[id], [for], [aria-describedby]"))
    for (const name of ["id", "for", "aria-describedby"])
      if (each.hasAttribute(name))
        each.setAttribute(name, each.getAttribute(name).trim().split(/\s+/).map((text) => `made-${text}`).join(" "));
  form.querySelector("[name=_another]")?.remove();
  form.querySelectorAll("[data-make]").forEach((each) => (each.dataset.make = `made-${each.dataset.make}`));
  form.querySelector("[data-cancel]").addEventListener("click", (event) => (event.preventDefault(), dialog.close()));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = new FormData(form, event.submitter);
    sent.append("_within", "1");
    const answer = await fetch(given.address, { method: "POST", body: sent });
    if ((answer.headers.get("content-type") || "").startsWith("application/json")) {
      const made = await answer.json();
      given.input.dispatchEvent(new CustomEvent("made", { detail: made }));
      dialog.close("made");
      return;
    }
    const again = await loaded(answer);
    if (again) fill(dialog, again, given);
    else form.submit(); // to its page, which says why, or to the page to log in
  });
  dialog.replaceChildren(heading, form);
  given.dress(form);
  (form.querySelector("[aria-invalid]") || form.querySelector("input:not([type=hidden]), textarea, select"))?.focus();
}
