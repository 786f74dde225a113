// What pages do beyond what they do without scripts. Text comes into a page by textContent alone.
"use strict";

const narrow = window.matchMedia("(max-width: 61.99rem)");

function foldMenu() {
  const menu = document.querySelector(".office-menu");
  if (menu) menu.open = !narrow.matches;
}

// --- lists -------------------------------------------------------------------------------------------------------

function chooseAll(box) {
  box.hidden = false;
  const boxes = [...box.form.querySelectorAll('input[name="_key"]')];
  box.addEventListener("change", () => boxes.forEach((each) => (each.checked = box.checked)));
}

const TYPES = { date: "date", moment: "datetime-local", integer: "number", number: "text", decimal: "text" };

function fitFilter(form) {
  const field = form.elements._field, operator = form.elements._op, value = form.elements._value;
  const all = [...operator.options].map((each) => each.cloneNode(true));
  const list = document.createElement("datalist");
  list.id = "filter-choices";
  form.append(list);
  const fit = () => {
    const option = field.selectedOptions[0];
    if (!option) return;
    const known = option.dataset.operators.split(" "), chosen = operator.value;
    operator.replaceChildren(...all.filter((each) => known.includes(each.value)).map((each) => each.cloneNode(true)));
    if (known.includes(chosen)) operator.value = chosen;
    fitValue();
  };
  const fitValue = () => {
    const option = field.selectedOptions[0], kind = option.dataset.kind;
    const plain = ["in", "isnull"].includes(operator.value);
    value.type = plain ? "text" : TYPES[kind] || "text";
    if (value.type === "datetime-local") value.step = "1";
    form.elements._kind.value = plain ? "" : kind;
    let choices = (option.dataset.choices || "").split("\n").filter(Boolean);
    if (kind === "flag" || operator.value === "isnull") choices = ["true", "false"];
    list.replaceChildren(...choices.map((each) => Object.assign(document.createElement("option"), { value: each })));
    if (choices.length) value.setAttribute("list", list.id);
    else value.removeAttribute("list");
  };
  field.addEventListener("change", fit);
  operator.addEventListener("change", fitValue);
  fit();
}

// --- references by type-ahead (the combobox pattern of ARIA) --------------------------------------------------------

let made = 0;

function lookUp(input) {
  const isMany = "many" in input.dataset;
  const search = isMany ? document.createElement("input") : input;
  if (isMany) {
    search.className = "form-control mt-1";
    search.setAttribute("aria-label", document.querySelector(`label[for="${CSS.escape(input.id)}"]`)?.textContent || "");
    search.autocomplete = "off";
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
  let found = [], place = -1, waiting = 0, asked = 0;
  const close = () => {
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
      input.title = each.name;
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
    });
    if (mine !== asked || !answer.ok) return;
    found = (await answer.json()).found;
    show();
  };
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  });
  search.addEventListener("focus", () => !search.value && ask());
  search.addEventListener("blur", close);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (list.hidden) return;
    if (event.key === "ArrowDown") (event.preventDefault(), mark(place + 1));
    if (event.key === "ArrowUp") (event.preventDefault(), mark(place - 1));
    if (event.key === "Enter" && place >= 0) (event.preventDefault(), choose(found[place]));
  });
}

// --- JSON ----------------------------------------------------------------------------------------------------------

function checkJson(area) {
  const check = () => {
    try {
      if (area.value.trim()) JSON.parse(area.value);
      area.setCustomValidity("");
      area.classList.remove("is-invalid");
    } catch (error) {
      area.classList.add("is-invalid");
    }
  };
  area.addEventListener("input", check);
}

function warnOfLoss(form) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  window.addEventListener("beforeunload", (event) => changed && event.preventDefault());
}

foldMenu();
narrow.addEventListener("change", foldMenu);
document.querySelectorAll("[data-all]").forEach(chooseAll);
document.querySelectorAll("[data-filter]").forEach(fitFilter);
document.querySelectorAll("[data-lookup]").forEach((each) => each.dataset.lookup && lookUp(each));
document.querySelectorAll("[data-json]").forEach(checkJson);
document.querySelectorAll("form[novalidate]").forEach(warnOfLoss);
document.querySelectorAll("[data-zone]").forEach((input) => {
  const names = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  input.list.append(...names.map((each) => Object.assign(document.createElement("option"), { value: each })));
});
