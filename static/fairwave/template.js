// The editor of a template: placeholders go to the cursor, the built-in text of a channel and audience is put in until somebody
// writes, and only what belongs to the chosen channel and campaign is offered. The preview is the server's.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const held = document.getElementById("built-in-texts");
  const named = (name) => document.querySelector(`.fw-editor [name="${name}"]`);
  const [campaign, market, channel, audience] = ["campaign", "market", "channel", "audience"].map(named);
  if (!held || !channel) return;
  const builtIn = JSON.parse(held.textContent);
  const parts = ["subject", "body", "html"].map(named);
  let last = named("body");

  const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
  const start = () => builtIn[`${channel.value} ${audience.value}`];
  const isUntouched = () =>
    Object.values(builtIn).some((text) => parts.every((part) => part.value === text[part.name])) || parts.every((part) => !part.value);

  function fill() {
    const text = start();
    if (!text) return;
    for (const part of parts) part.value = text[part.name];
    changed(parts[1]);
  }

  function offer() {
    const isEmail = channel.value === "email";
    for (const each of document.querySelectorAll("[data-email]")) each.hidden = !isEmail;
    if (channel.value === "sms") for (const part of [parts[0], parts[2]]) part.value = "";
    if (!isEmail && last !== parts[1]) last = parts[1];
    for (const option of market.options) {
      option.hidden = option.disabled = Boolean(option.dataset.campaign) && option.dataset.campaign !== campaign.value;
    }
    if (market.selectedOptions[0]?.disabled) market.value = "";
    const to = document.getElementById("test-to");
    for (const option of to?.options || []) option.hidden = option.disabled = option.dataset.channel !== channel.value;
    if (to?.selectedOptions[0]?.disabled) to.value = [...to.options].find((option) => !option.disabled)?.value || "";
  }

  for (const part of parts) part.addEventListener("focus", () => { last = part; });
  for (const chosen of [channel, audience]) {
    chosen.addEventListener("change", () => {
      if (isUntouched()) fill();
      offer();
    });
  }
  campaign.addEventListener("change", offer);
  document.querySelector("[data-built-in]").addEventListener("click", () => { fill(); offer(); });
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.addEventListener("click", () => {
      last.setRangeText(`{${button.dataset.insert}}`, last.selectionStart, last.selectionEnd, "end");
      last.focus();
      changed(last);
    });
  }
  offer();
});
