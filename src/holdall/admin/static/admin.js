// What pages do beyond what they do without scripts.
import { dress } from "./forms.js";
import { fitFilter } from "./filters.js";
import { heedKeys } from "./keys.js";
import { poll } from "./poll.js";

const narrow = window.matchMedia("(max-width: 61.99rem)");

function foldMenu() {
  const menu = document.querySelector(".office-menu");
  if (menu) menu.open = !narrow.matches;
}

function chooseAll(box) {
  box.hidden = false;
  const boxes = [...box.form.querySelectorAll('input[name="_key"]')];
  box.addEventListener("change", () => boxes.forEach((each) => (each.checked = box.checked)));
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
document.querySelectorAll("form[novalidate]").forEach(warnOfLoss);
dress(document);
heedKeys();
poll();
