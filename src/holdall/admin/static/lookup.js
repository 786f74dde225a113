// References by type-ahead: the combobox pattern of ARIA. Text comes into a page by textContent alone.

let made = 0;

export function lookUp(input) {
  const named = document.getElementById(`${input.id}-named`);
  const isMany = "many" in input.dataset;
  const search = isMany ? document.createElement("input") : input;
  if (isMany) {
    search.className = "form-control mt-1";
    search.setAttribute("aria-label", document.querySelector(`label[for="${CSS.escape(input.id)}"]`)?.textContent || "");
    search.autocomplete = "off";
    search.placeholder = input.dataset.many;
    input.after(search);
  }
  const list = document.createElement("ul");
  list.className = "office-lookup";
  list.id = `lookup-${made++}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", search.getAttribute("aria-label") || input.id);
  list.hidden = true;
  search.after(list);
  search.setAttribute("role", "combobox");
  search.setAttribute("aria-expanded", "false");
  search.setAttribute("aria-controls", list.id);
  search.setAttribute("aria-autocomplete", "list");
  let found = [], place = -1, waiting = 0, asked = 0, isAsking = false;
  const close = () => {
    asked++; // an answer that comes later opens nothing
    clearTimeout(waiting);
    isAsking = false;
    list.hidden = true;
    place = -1;
    search.setAttribute("aria-expanded", "false");
    search.removeAttribute("aria-activedescendant");
  };
  const choose = (each) => {
    if (isMany) {
      input.value = input.value.replace(/\n*$/, input.value ? "\n" : "") + each.key;
      search.value = "";
    } else {
      input.value = each.key;
      if (named) named.textContent = each.name === each.key ? "" : each.name;
    }
    input.dispatchEvent(new Event("change", { bubbles: true }));
    close();
  };
  const mark = (to) => {
    place = (to + found.length) % found.length;
    [...list.children].forEach((each, number) => each.setAttribute("aria-selected", String(number === place)));
    search.setAttribute("aria-activedescendant", list.children[place].id);
    list.children[place].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    list.replaceChildren(
      ...found.map((each, number) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${number}`;
        item.setAttribute("role", "option");
        item.textContent = each.name === each.key ? each.name : `${each.name} (${each.key})`;
        item.addEventListener("mousedown", (event) => (event.preventDefault(), choose(each)));
        return item;
      })
    );
    list.hidden = !found.length;
    search.setAttribute("aria-expanded", String(found.length > 0));
  };
  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch(`${input.dataset.lookup}?q=${encodeURIComponent(search.value)}`, {
      headers: { accept: "application/json" },
    }).catch(() => null);
    const told = answer?.ok ? await answer.json() : { found: [] };
    if (mine !== asked) return;
    isAsking = false;
    found = told.found;
    show();
  };
  search.addEventListener("input", () => {
    if (named) named.textContent = "";
    close(); // what is listed was found for another text
    isAsking = true;
    waiting = setTimeout(ask, 150);
  });
  search.addEventListener("focus", () => !search.value && ask());
  input.addEventListener("made", (event) => choose(event.detail));
  search.addEventListener("blur", close);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && isAsking) event.preventDefault();
    if (list.hidden) return;
    if (event.key === "ArrowDown") (event.preventDefault(), mark(place + 1));
    if (event.key === "ArrowUp") (event.preventDefault(), mark(place - 1));
    if (event.key === "Enter" && place >= 0) (event.preventDefault(), choose(found[place]));
  });
}
