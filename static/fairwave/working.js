// A form whose answer takes a while says so, and is not sent twice meanwhile.
"use strict";

(() => {
  const form = document.querySelector("form[data-working]");
  const text = document.querySelector("[data-working-text]");
  if (!form || !text) return;

  function show(working) {
    text.hidden = !working;
    form.toggleAttribute("aria-busy", working);
  }

  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    show(true);
    text.scrollIntoView({ block: "nearest" });
  });
  window.addEventListener("pageshow", () => show(false)); // back from the next page
})();
