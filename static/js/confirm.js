// Asks once before something that cannot be taken back.
const dialog = document.querySelector('[data-component="confirm"]');

// Resolves to whether the answer was yes.
export function confirmed(question, yes, detail = "") {
  dialog.querySelector(".confirm__question").textContent = question;
  dialog.querySelector(".confirm__yes").textContent = yes;
  dialog.querySelector(".confirm__detail").textContent = detail;
  dialog.querySelector(".confirm__detail").hidden = !detail;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Forms with data-confirm="question" and data-confirm-yes="word" are sent after a yes.
export function start() {
  document.addEventListener("submit", async (event) => {
    const { confirm, confirmYes } = event.target.dataset;
    if (!confirm) return;
    event.preventDefault();
    if (await confirmed(confirm, confirmYes ?? "Yes")) event.target.submit();
  });
}
