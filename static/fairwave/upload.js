// A score file goes from here straight into the bucket: the site signs a form for it, and this page reports when the file is there.
"use strict";

(() => {
  const form = document.querySelector("form[data-permit]");
  if (!form) return;
  const button = form.querySelector("button");
  const told = form.querySelector("[role=status]");

  async function ask(address, values) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    for (const [name, value] of Object.entries(values)) body.append(name, value);
    const answer = await fetch(address, { method: "POST", body });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error || `The site returned an error (status ${answer.status}). Reload the page and try again.`);
    return said;
  }

  function send(permit, file) {
    const body = new FormData();
    for (const [name, value] of Object.entries(permit.fields)) body.append(name, value);
    body.append("file", file); // last: S3 ignores what comes behind it
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", permit.url);
      request.upload.onprogress = (sent) => {
        if (sent.lengthComputable) told.textContent = `${Math.floor((100 * sent.loaded) / sent.total)}% uploaded`;
      };
      request.onload = () =>
        request.status < 300 ? resolve() : reject(new Error(`The storage bucket refused the file (status ${request.status}). Upload it again.`));
      request.onerror = () => reject(new Error("The storage bucket could not be reached. Upload the file again."));
      request.send(body);
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = form.elements.file.files[0];
    const reason = form.elements.reason?.value ?? ""; // of a late file
    button.disabled = true;
    try {
      const permit = await ask(form.dataset.permit, { name: file.name, reason });
      if (!file.size) throw new Error("The file is empty.");
      if (file.size > permit.most_bytes) {
        throw new Error(`The file is larger than ${permit.most_bytes.toLocaleString("en")} bytes. Split it and upload the parts.`);
      }
      await send(permit, file);
      const activate = form.elements.activate?.checked ? "on" : "";
      const done = await ask(form.dataset.uploaded, { token: permit.token, activate, then: form.elements.then.value, reason });
      window.location.assign(done.page);
    } catch (error) {
      told.textContent = error.message;
      button.disabled = false;
    }
  });
})();
