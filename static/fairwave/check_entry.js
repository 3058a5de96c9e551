/* Check my entry: a fan's own browser computes their reference, luck and score again, and finds their
   place in the published proof. Nothing that is typed here, or that stands behind # in the address,
   is sent anywhere: only files of the proof are fetched, and the hash of each is checked. [X-2, S-8] */
"use strict";

(() => {
  const page = document.querySelector("[data-root]");
  if (!page) return;
  const { root, files, campaign, commitment } = page.dataset;
  const form = page.querySelector("form");
  const [id, ref, nonce] = ["id", "ref", "nonce"].map((name) => document.getElementById(name));
  const answer = page.querySelector(".answer");
  const text = new TextEncoder();
  const HEX = /^[0-9a-f]{64}$/;
  // [from raw, low, high, most]: for mid and low at most the double below `high`
  const BANDS = {
    high: [0.95, 0.95, 1, 1],
    mid: [0.8, 0.8, 0.95, 0.9499999999999998],
    low: [0.22, 0.22, 0.8, 0.7999999999999999],
  };
  const WHY_NOT = {
    not_registered: "You were not registered for this presale when the fans were selected.",
    below_minimum_score: "Your rating by the organizer is below the minimum of this wave.",
    already_in_wave: "You were already selected in another wave.",
    holds_code: "You already had an access code.",
    erased: "You had asked to be erased.",
    blacklisted_email: "Your e-mail address is on the organizer’s blocked list.",
    blacklisted_domain: "The domain of your e-mail address is on the organizer’s blocked list.",
    disposable_domain: "Your e-mail address is from a provider of disposable addresses.",
    intl_phone: "Your phone number is from a country that this presale does not include.",
    no_contact: "There was no e-mail address or phone number at which you could be reached.",
    suppressed: "You had unsubscribed from messages, or messages to you could not be delivered.",
    no_market_wanted: "You asked for none of the markets of this wave.",
    registered_too_late: "You registered after the selection for the markets you asked for.",
  };

  // The result that is said first, as the heading of the answer.
  const HEADINGS = ["You were selected", "Not selected", "Not a candidate", "Not in the draw", "No wave was drawn", "Not drawn", "Cancelled"];

  /** What the fan is told instead of a result: a heading and a sentence. */
  class Problem extends Error {
    constructor(heading, sentence) {
      super(sentence);
      this.heading = heading;
    }
  }

  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const bytesOf = (digits) => Uint8Array.from(digits.match(/../g) || [], (two) => parseInt(two, 16));
  const count = (number) => number.toLocaleString("en-US");
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  async function hmac(key, message) {
    const hash = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", key, hash, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
  }

  async function fetched(name, cache) {
    let response;
    try {
      response = await fetch(files + name, { cache, credentials: "omit", referrerPolicy: "no-referrer" });
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
    } catch {
      throw new Problem("No connection", "The proof could not be loaded. Check your internet connection, then try again.");
    }
    if (response.status === 404) {
      throw new Problem("A file is missing", `The file ${name} of the proof is missing. Please try again later. If it is still missing, tell the organizer.`);
    }
    throw new Problem("Please try again", "The proof can’t be reached right now. Please try again in a minute.");
  }

  /** A file of the proof, as text, if it has this hash; what the browser keeps of it may be damaged. */
  async function file(name, digest) {
    for (const cache of ["default", "reload"]) {
      const bytes = await fetched(name, cache);
      if (hex(await sha256(bytes)) === digest) return new TextDecoder().decode(bytes);
    }
    throw new Problem("A file is damaged", `The file ${name} of the proof is not the one that this page stands for. Reload the page and try again. If it happens again, tell the organizer, and check with verify_draw.py.`);
  }

  const sectionOf = (index, name) => index.sections.find((section) => section.name === name);

  async function shard(index, section, number) {
    const at = Math.floor(number / index.shards_per_index);
    const digests = await file(`${section.name}/index-${at}.tsv`, section.indexes[at]);
    return file(`${section.name}/${number}.tsv`, digests.split("\n")[number % index.shards_per_index]);
  }

  const mismatch = (what) => new Problem("The proof does not add up", `${what} Tell the organizer, and check with verify_draw.py.`);

  /** Luck between 0 and 1, and the score in the fan's band that follows from it. */
  async function drawn(draw, reference, raw) {
    const value = (draw.entropy && draw.entropy.value) || "";
    const key = await hmac(bytesOf(draw.seed), text.encode(value.trim()));
    const h = await hmac(key, text.encode(`${draw.campaign_id}\x1f${reference}`));
    const view = new DataView(h.buffer);
    const luck = (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53;
    const band = Object.keys(BANDS).find((name) => raw >= BANDS[name][0]);
    if (!band) throw mismatch(`The score ${raw} in the proof is below every band.`);
    const [, low, high, most] = BANDS[band];
    return { luck, band, score: Math.min(low + luck * (high - low), most) };
  }

  /** The line of a reference in the fans of one score file, split; none if they are not in it. */
  async function lineOf(index, section, reference) {
    const number = section.bits ? parseInt(reference.slice(0, 8), 16) >>> (32 - section.bits) : 0;
    const lines = (await shard(index, section, number)).split("\n");
    const found = lines.filter((line) => line.startsWith(`${reference}\t`));
    if (found.length > 1) throw mismatch("Your reference is in the proof twice.");
    return found.length ? found[0].split("\t") : null;
  }

  const CHECKED = {
    reference: "your reference is bound to your id",
    luck: "your luck and your score follow from the revealed number",
    place: "your place in the order is the one in the published proof",
  };

  /** Whether why a fan was no candidate fits what the proof says of their rating and markets. */
  function requireReason(reason, wave, fan, name) {
    if (reason === "below_minimum_score" && fan.raw >= wave.min_score) {
      throw mismatch(`Your rating is not below the minimum of ${name}.`);
    }
    if (reason !== "no_market_wanted" || fan.late) return; // who registered late has no markets there
    if (!fan.asked || fan.asked.split("|").some((market) => wave.markets.some((each) => each.market_id === market))) {
      throw mismatch(`You asked for a market of ${name}, but were left out as if you had asked for none.`);
    }
  }

  /** One wave's result: `{heading, sentence, placed}`. */
  async function resultOf(index, wave, fan, cell, placed) {
    const name = `wave ${wave.date_key}`;
    const late = cell.startsWith("+") ? " You registered after the score file was made." : "";
    const rest = cell.replace(/^\+/, "");
    if (/^[!=]/.test(rest)) {
      if (placed) throw mismatch(`You were no candidate in ${name}, but have a place in it.`);
      const reason = rest.slice(1);
      if (rest.startsWith("=")) {
        return { heading: "You were selected", sentence: `In ${name} you kept your seat and your code from an earlier wave, for market ${reason}.` };
      }
      requireReason(reason, wave, { ...fan, late: cell.startsWith("+") }, name);
      const why = WHY_NOT[reason] || `Reason: ${reason.replaceAll("_", " ")}.`;
      return { heading: "Not a candidate", sentence: `You were not a candidate in ${name}. ${why}` };
    }
    if (fan.raw < wave.min_score) throw mismatch(`Your rating is below the minimum of ${name}, but you were a candidate.`);
    const [place, market] = [Number(placed.split(":")[0]), placed.slice(placed.indexOf(":") + 1)];
    const section = sectionOf(index, `order-${wave.date_key}`);
    if (!section || !(place >= 1 && place <= section.places)) throw mismatch(`Your place in ${name} is not in its order.`);
    const number = Math.floor((place - 1) / index.places_per_shard);
    const lines = (await shard(index, section, number)).replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
    const at = (place - 1) % index.places_per_shard;
    if (lines[at].join("\t") !== [place, fan.reference, fan.written, market].join("\t")) {
      throw mismatch(`Your place in ${name} belongs to another fan in the order of the draw.`);
    }
    if (lines.some((line, each) => each && Number(line[2]) > Number(lines[each - 1][2]))) {
      throw mismatch(`The order of ${name} is not by score.`);
    }
    const among = `place ${count(place)} of ${count(section.places)} candidates`;
    if (wave.kind === "not_selected") {
      if (market) throw mismatch(`You have a market in ${name}, whose fans were not selected.`);
      return { placed, heading: "Not selected", sentence: `In ${name} you were told that you were not selected: you were at place ${count(place)} of the ${count(section.places)} fans who were left.${late}` };
    }
    const named = (market_id) => wave.markets.find((each) => each.market_id === market_id);
    if (market) {
      const seat = named(market);
      if (!seat) throw mismatch(`You were selected for ${market}, which is not in ${name}.`);
      return { placed, heading: "You were selected", sentence: `You were selected for ${seat.name} in ${name}, at ${among}.${late}` };
    }
    const wanted = rest.split("|").map(named);
    const lost = wanted.map((seat) => {
      if (!seat) throw mismatch(`You were a candidate for a market that is not in ${name}.`);
      if (seat.cutoff === null && seat.selected >= seat.room) return `${seat.name} had no seats in this wave.`;
      if (seat.cutoff === null || fan.score > seat.cutoff) throw mismatch(`There was still a seat for you in ${seat.name}.`);
      return `The last seat in ${seat.name} went to the score ${seat.cutoff.toFixed(6)}.`;
    });
    return { placed, heading: "Not selected", sentence: `You were not selected in ${name}: you were at ${among}, with the score ${fan.score.toFixed(6)}. ${lost.join(" ")}${late}` };
  }

  /** A cancelled wave gives nobody a seat, whatever its order says. */
  function cancelled(wave, one) {
    const inIt = one.heading === "You were selected" ? ", in which you had been selected," : "";
    const sentence = wave.triggered_at
      ? `Wave ${wave.date_key}${inIt} was cancelled after it had started. Messages may have gone out.`
      : `Wave ${wave.date_key} was cancelled; it gave nobody a seat.`;
    return { ...one, heading: "Cancelled", sentence };
  }

  /** Every wave's result, each with the facts of its score file, and the names of what was checked. */
  async function results() {
    const reference = ref.value.trim().toLowerCase();
    const given = { id: id.value.trim(), nonce: nonce.value.trim().toLowerCase() };
    if (!given.id || !HEX.test(reference) || !HEX.test(given.nonce)) {
      throw new Problem("Something is missing", "Enter your id, your reference and your nonce as they are in your message. Reference and nonce have 64 characters each, of 0 to 9 and a to f.");
    }
    const bound = await sha256(new Uint8Array([...bytesOf(given.nonce), ...text.encode(given.id)]));
    if (hex(bound) !== reference) {
      throw new Problem("These do not belong together", "The reference does not follow from this id and this nonce. Check that you copied all three from the same message, each one whole.");
    }
    const index = JSON.parse(await file("index.json", root));
    const draw = JSON.parse(await file("draw.json", index.draw));
    if (draw.campaign_id !== campaign || hex(await sha256(bytesOf(draw.seed))) !== commitment) {
      throw mismatch("The revealed secret number is not the one that was committed to.");
    }
    const told = [], entries = new Map(), checked = new Set(["reference"]);
    const tell = (wave, one) => told.push(wave.state === "cancelled" ? cancelled(wave, one) : one);
    for (const wave of draw.waves) {
      if (wave.kind === "uploaded") {
        tell(wave, { heading: "Not drawn", sentence: `Wave ${wave.date_key} was an uploaded list of ${count(wave.fans)} fan${wave.fans === 1 ? "" : "s"}, whom the draw did not select.` });
        continue;
      }
      if (wave.kind !== "drawn" && wave.kind !== "not_selected") continue; // taken back before it was sent
      const section = sectionOf(index, `fans-${wave.attempt}`);
      if (!section) throw mismatch(`The score file of wave ${wave.date_key} is not in the proof.`);
      if (!entries.has(wave.attempt)) entries.set(wave.attempt, await lineOf(index, section, reference));
      const line = entries.get(wave.attempt);
      const attempt = draw.attempts.find((each) => each.attempt === wave.attempt);
      const late = attempt && attempt.late ? ` This wave was drawn from score file ${wave.attempt}, which is late: it came after luck could be known. The page of the draw says why.` : "";
      if (!line) {
        tell(wave, { heading: "Not in the draw", sentence: `You are not in score file ${wave.attempt}, from which wave ${wave.date_key} was drawn.${late}` });
        continue;
      }
      const fan = { reference, written: line[2], score: Number(line[2]), raw: Number(line[1]), asked: line[3] };
      const luck = await drawn(draw, reference, fan.raw);
      if (luck.score !== fan.score) throw mismatch(`Your score in file ${wave.attempt} is not the one that follows from your luck.`);
      checked.add("luck");
      const facts = [
        ["Score file", `${wave.attempt}`],
        ["Your rating by the organizer", `${line[1]}, in the ${luck.band} band`],
        ["Your luck", luck.luck.toFixed(6)],
        ["Your score", fan.score.toFixed(6)],
      ];
      const keys = section.waves.indexOf(wave.date_key);
      const one = await resultOf(index, wave, fan, line[4 + keys], line[4 + section.waves.length + keys]);
      if (one.placed) checked.add("place");
      tell(wave, { ...one, facts, sentence: one.sentence + late });
    }
    if (draw.late && draw.late.length) {
      told.push({ heading: "Late", sentence: `After luck could be known, ${draw.late.length === 1 ? "a late change was" : `${count(draw.late.length)} late changes were`} made to this draw. The page of the draw lists each, with the number of fans that it moved.` });
    }
    if (draw.draw_supplied) {
      told.push({ heading: "Rehearsal", sentence: "This draw is a rehearsal: its secret number was supplied by its operators, not drawn at random." });
    }
    if (!draw.waves.some((wave) => wave.kind === "drawn")) {
      told.unshift({ heading: "No wave was drawn", sentence: "No fans were selected by this draw." });
    } else if ([...entries.values()].every((line) => !line)) {
      told.unshift({ heading: "Not in the draw", sentence: "You were not in the draw: no wave was drawn from a score file that lists you. Support can tell you why." });
    }
    return { told, checked };
  }

  const listed = (words) => (words.length < 3 ? words.join(" and ") : `${words.slice(0, -1).join(", ")}, and ${words.at(-1)}`);
  const element = (name, words, className = "") => Object.assign(document.createElement(name), { textContent: words, className });

  function show(heading, kind, ...rest) {
    answer.replaceChildren(element("h2", heading, kind), ...rest);
    answer.hidden = false;
    answer.focus();
  }

  async function check() {
    const button = form.querySelector("button");
    button.disabled = true;
    show("Checking …", "");
    try {
      const { told, checked } = await results();
      const best = HEADINGS.flatMap((heading) => told.filter((one) => one.heading === heading))[0];
      const facts = document.createElement("dl");
      for (const [name, value] of (best.facts || told.find((one) => one.facts)?.facts || [])) {
        const row = document.createElement("div");
        row.append(element("dt", name), element("dd", value));
        facts.append(row);
      }
      const ordered = [best, ...told.filter((one) => one !== best)];
      show(best.heading, best.heading === HEADINGS[0] ? "good" : "", ...ordered.map((one) => element("p", one.sentence)), facts,
        element("p", `Your browser has checked: ${listed([...checked].map((name) => CHECKED[name]))}.`, "quiet small"));
    } catch (error) {
      if (!(error instanceof Problem)) console.error(error);
      show(error instanceof Problem ? error.heading : "The check did not work", "bad", element("p", error instanceof Problem ? error.message : "The proof could not be read. Reload the page and try again, or check with verify_draw.py."));
    } finally {
      button.disabled = false;
    }
  }

  /** From the link in the message: #id=…&ref=…&nonce=…, which browsers do not send to servers. */
  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (!given.has("ref") && !given.has("nonce")) return;
    history.replaceState(null, "", location.pathname);
    [id.value, ref.value, nonce.value] = ["id", "ref", "nonce"].map((name) => given.get(name) || "");
    check();
  }

  if (!globalThis.crypto || !crypto.subtle) {
    show("This browser cannot check", "bad", element("p", "Open this page over https in a current browser, or check with verify_draw.py."));
    return;
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  addEventListener("hashchange", read);
  read();
})();
