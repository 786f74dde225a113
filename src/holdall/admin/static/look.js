// Light or dark as the system has it, before anything is drawn, where nobody chose.
(function () {
  const root = document.documentElement;
  if (root.dataset.look !== "auto") return;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  follow();
  dark.addEventListener("change", follow);
})();
