// Opens and closes the side bar where it lies over the page. Without JavaScript the same links do it through :target.
const small = matchMedia("(max-width: 48rem)");
const main = document.getElementById("main");
let sidebar;
let opener;

export function start(element) {
  sidebar = element;
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "open-sidebar") toggle(event, true);
    if (action === "close-sidebar") toggle(event, false);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && isOpen() && show(false));
  small.addEventListener("change", () => isOpen() && show(false));
  opener = document.querySelector('[data-action="open-sidebar"]');
  opener?.setAttribute("role", "button");
  opener?.addEventListener("keydown", (event) => event.key === " " && toggle(event, true)); // a link knows only Enter
  opener?.setAttribute("aria-expanded", "false");
  if (location.hash === "#sidebar") history.replaceState(null, "", location.pathname + location.search);
}

function toggle(event, open) {
  event.preventDefault();
  show(open);
}

const isOpen = () => "open" in sidebar.dataset;

function show(open) {
  if (open) sidebar.dataset.open = "";
  else delete sidebar.dataset.open;
  main.inert = open;
  opener?.setAttribute("aria-expanded", String(open));
  if (open) sidebar.querySelector(".sidebar__close").focus();
  else opener?.focus();
}
