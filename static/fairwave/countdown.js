// Times until something is due, second by second, by the server's clock: the page says what time it was there when it was made, and
// from then on only elapsed time counts. The clock of this machine may be wrong. The words are those of operations/adminkit/countdowns.py.
"use strict";

(() => {
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let server = null; // what its clock said, in ms, when ours had elapsed `at`
  let at = 0;
  let newest = "";
  const drift = () => Date.now() - performance.now();
  let slept = drift();

  function length(seconds) {
    const first = UNITS.findIndex(([, size]) => seconds >= size);
    const [unit, size] = UNITS[first];
    const [smaller, part] = UNITS[first + 1] || ["", Infinity];
    const rest = Math.floor((seconds % size) / part);
    return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
  }

  function words(due, now, past) {
    const left = (due - now) / 1000;
    if (left > 0) return `in ${length(Math.ceil(left))}`;
    const late = Math.floor(-left);
    return late ? `${length(late)} ${past}` : "due now";
  }

  // What clocks show in another time zone; a browser that does not know the zone leaves the server's text.
  function clock(zone, now) {
    try {
      return new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "medium" }).format(now);
    } catch {
      return null;
    }
  }

  function tick() {
    const shown = [...document.querySelectorAll("time[data-now]")];
    for (const { dataset } of shown) {
      if (dataset.now > newest) {
        const page = performance.getEntriesByType("navigation")[0];
        at = newest || !page ? performance.now() : page.responseStart;
        newest = dataset.now;
        server = Date.parse(newest);
      }
    }
    const now = server + performance.now() - at;
    for (const element of shown) {
      const { due, past, clock: zone } = element.dataset;
      const text = zone ? clock(zone, now) : words(Date.parse(due), now, past);
      if (text && element.textContent !== text) element.textContent = text;
    }
    return now;
  }

  // A machine that slept counted nothing meanwhile: the server is asked for its time.
  async function wake() {
    if (document.hidden || server === null || Math.abs(drift() - slept) < 2000) return;
    slept = drift();
    const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
    const said = answer && Date.parse(answer.headers.get("Date"));
    if (said) [server, at] = [said, performance.now()];
  }

  function run() {
    const now = tick();
    setTimeout(run, server === null ? 1000 : 1000 - (now % 1000) + 5);
  }

  document.addEventListener("DOMContentLoaded", run);
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("htmx:afterSettle", tick);
})();
