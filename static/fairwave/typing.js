// A page that is to be loaded again waits while something typed in it is not sent yet.
"use strict";

(() => {
  const notice = document.querySelector("[data-changed]");
  if (!notice) return;

  function isTyped() {
    const boxes = document.querySelectorAll("form input, form textarea, form select");
    return [...boxes].some((box) => {
      if (box.type === "hidden") return false;
      if (box.type === "checkbox" || box.type === "radio") return box.checked !== box.defaultChecked;
      if (box.options) return [...box.options].some((each) => each.selected !== each.defaultSelected && each.value);
      return box.value !== box.defaultValue;
    });
  }

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Refresh") !== "true" || !isTyped()) return;
    event.preventDefault();
    notice.hidden = false;
  });
})();
