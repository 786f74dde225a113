// Parts of a page that tell of work under way are loaded again until they no longer say so.

const PAUSE = 1500; // milliseconds

export function poll() {
  if (document.querySelector("[data-poll]")) setTimeout(again, PAUSE);
}

async function again() {
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => null);
    if (answer && answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-poll]")) {
        const found = page.getElementById(old.id);
        if (!found) continue;
        const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
        old.replaceWith(document.importNode(found, true));
        if (focused) document.getElementById(focused)?.focus();
      }
    }
  }
  poll();
}
