// Inputs of forms: references, JSON, files, lists of objects, time zones. A form within a dialog is dressed, too.
import { lookUp } from "./lookup.js";
import { makeInPlace } from "./inplace.js";

export function dress(root) {
  const all = (selector, act) => root.querySelectorAll(selector).forEach(act);
  all("[data-rows]", addRows); // before others add to what it copies
  all("[data-lookup]", (each) => each.dataset.lookup && lookUp(each));
  all("[data-make]", (link) => makeInPlace(link, dress));
  all("[data-json]", checkJson);
  all("input[type=file]", showFile);
  all("[data-zone]", nameZones);
}

function checkJson(area) {
  const told = document.createElement("div"), tidy = document.createElement("button");
  told.className = "office-wrong";
  told.setAttribute("aria-live", "polite");
  tidy.type = "button";
  tidy.className = "btn btn-sm mt-1";
  tidy.textContent = area.dataset.json;
  area.after(told, tidy);
  const parsed = () => (area.value.trim() ? JSON.parse(area.value) : undefined);
  const check = () => {
    told.textContent = "";
    try {
      parsed();
    } catch (error) {
      told.textContent = error.message;
    }
    tidy.disabled = !!told.textContent;
    area.classList.toggle("is-invalid", !!told.textContent);
  };
  tidy.addEventListener("click", () => {
    const value = parsed();
    if (value === undefined) return;
    area.value = JSON.stringify(value, null, 2);
    area.rows = Math.min(Math.max(area.value.split("\n").length, 4), 24);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  area.addEventListener("input", check);
  check();
}

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

function showFile(input) {
  const told = document.createElement("div");
  told.className = "form-hint";
  told.setAttribute("aria-live", "polite");
  input.after(told);
  input.addEventListener("change", () => {
    told.replaceChildren();
    const file = input.files[0], most = Number(input.dataset.most || 0);
    if (!file) return;
    told.textContent = `${file.name} · ${(file.size / 1000).toFixed(1)} kB`;
    const isTooLarge = most > 0 && file.size > most;
    told.classList.toggle("office-wrong", isTooLarge);
    if (isTooLarge) told.textContent += ` > ${(most / 1000).toFixed(1)} kB`;
    if (!PICTURES.includes(file.type) || isTooLarge) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const picture = Object.assign(document.createElement("img"), { src: reader.result, alt: file.name });
      picture.className = "office-preview d-block";
      told.append(picture);
    });
    reader.readAsDataURL(file);
  });
}

// A list of objects has an empty row for one more; a click makes another.
function addRows(list) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = list.dataset.rows;
  list.after(button);
  const blank = list.lastElementChild.cloneNode(true);
  const start = Number(list.lastElementChild.dataset.row);
  let number = start;
  const numbered = (text) => text.replace(`${list.dataset.name}.${start}`, `${list.dataset.name}.${number}`);
  button.addEventListener("click", () => {
    number += 1;
    const row = blank.cloneNode(true);
    for (const each of [row, ...row.querySelectorAll("*")])
      for (const name of ["id", "name", "for"])
        if (each.hasAttribute(name)) each.setAttribute(name, numbered(each.getAttribute(name)));
    list.append(row);
    dress(row);
    row.querySelector("input, select, textarea")?.focus();
  });
}

function nameZones(input) {
  const names = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  input.list.append(...names.map((each) => Object.assign(document.createElement("option"), { value: each })));
}
