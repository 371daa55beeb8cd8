// The theme chosen in this browser, applied before the first paint: a classic script in the head, so that nothing
// flashes. The same file serves the choice on the account page.
(() => {
  const KEY = "theme";
  const root = document.documentElement;

  const chosen = () => {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto";
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  const keep = (theme) => {
    apply(theme);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A browser that keeps nothing still shows the choice until the next page.
    }
  };

  apply(chosen());
  addEventListener("storage", (event) => event.key === KEY && apply(chosen()));
  addEventListener("DOMContentLoaded", () => {
    const component = document.querySelector('[data-component="theme"]');
    if (!component) return;
    component.hidden = false;
    for (const input of component.querySelectorAll('[name="theme"]')) {
      input.checked = input.value === chosen();
      input.addEventListener("change", () => keep(input.value));
    }
  });
})();
