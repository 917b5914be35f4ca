// Recreate a failure: fit a scenario to samples, see the gap before and after, change what it draws row by row.
import { busy, checkbox, choice, counted, digits, el, field, notice, offer, pictureStore, thousands } from "./dom.js";
import { section } from "./tables.js";

/** @import { Ask } from "./protocol.js" */

/** How a distribution came to be, with its mode in the scenario. */
const HOW = { measured: { text: "measured", mode: "jitter" }, wider: { text: "measured, wider", mode: "free" }, free: { text: "free", mode: "free" }, assumed: { text: "set by you", mode: "free" } };

/** "lighting.key.intensity" is shown as "key.intensity"; the full path stands in the title. */
const shortPath = (path) => path.replace(/^(sensor|lighting|scene|assets)\./, "");

/** "measured −2.76 EV, high confidence" @param {{measured: string|null, confidence: string}} row */
const measuredText = ({ measured, confidence }) => (measured === null ? "not measured" : `measured ${measured}, ${confidence} confidence`);

/**
 * One parameter: how its distribution came to be, and what it is; both can be changed.
 * @param {any} row @param {(value: string, mode: string) => Promise<string>} revise gives the distribution as it stands then
 */
function parameterRow(row, revise) {
  const made = row.mode === "jitter" ? "measured" : row.measured === null ? "free" : "wider";
  const how = choice(`How ${row.path} is drawn`, [...new Set([made, "free", "assumed"])].map((name) => [name, HOW[name].text]));
  const value = el("input.wb-value", { value: row.value, "aria-label": `Distribution of ${row.path}`, title: `${row.path}: ${row.why}`, spellcheck: false });
  const trouble = notice();
  how.value = made;
  how.className = "wb-mode";
  let stands = row.value, was = made;
  const put = async (wanted, mode) => {
    trouble.clear();
    try {
      stands = value.value = await revise(wanted, HOW[mode].mode);
      was = how.value = mode;
    } catch (error) {
      how.value = was;
      trouble.fail(/** @type {Error} */ (error));
    }
    showOrigin();
  };
  how.onchange = () => {
    if (how.value === "assumed") { was = "assumed"; showOrigin(); value.focus(); value.select(); } else put(how.value === made ? row.value : row.wide, how.value);
  };
  value.onchange = () => { if (value.value.trim() !== stands) put(value.value, "assumed"); };
  value.onkeydown = (event) => { if (event.key === "Escape") value.value = stands; };
  const origin = el("small", { title: row.why });
  const showOrigin = () => { origin.textContent = [how.value === "assumed" ? "Set by you" : "", measuredText(row)].filter(Boolean).join(" · "); };
  showOrigin();
  return el("div.wb-parameter", { data: { path: row.path } }, el("div.wb-row", {}, el("span.wb-data", { title: `${row.path}: ${row.why}` }, shortPath(row.path)), how), value, origin, trouble.root);
}

/** @param {Ask} ask @param {AbortSignal} signal @param {(yaml: string, wanted: boolean) => void} take gets the scenario; `wanted` when a person asks for it */
export function recreationSection(ask, signal, take) {
  const pictures = pictureStore(signal);
  const source = choice("What to recreate"), name = el("input", { placeholder: "name (optional)", "aria-label": "Name of the scenario" });
  const content = choice("What the pictures are made of");
  const probes = checkbox("Refine with trial pictures", true, "Make pictures and move the distributions until they measure like the photos");
  const spare = checkbox("Keep the test split out of the fit", true, "An image that a scenario was fitted to cannot judge a model any more: keep the test split for the scoreboard");
  const seconds = el("input", { type: "number", min: 10, max: 3600, value: 90, "aria-label": "Seconds for the fit" });
  const secondsField = field("Seconds at most", seconds);
  probes.input.onchange = () => { secondsField.hidden = !probes.input.checked; };
  const trouble = notice(), fitted = el("div.wb-form");
  const start = el("button.wb-primary", { data: { does: "recreate" }, onclick: () => {
    trouble.clear();
    busy(start, ask("recreate", { source: source.value, name: name.value, content: content.value, probes: probes.input.checked, seconds: Number(seconds.value), spare_test: spare.input.checked })).catch(trouble.fail);
  } }, "Recreate");
  const gap = (fit) => fit.before === null ? [] : [el("div.wb-gap", { data: { before: fit.before, after: fit.after } },
    el("p.wb-hint", {}, "How far pictures are from the photos (in standard deviations)"),
    ...[["before", fit.before], ["after", fit.after]].map(([when, value]) => el("div.wb-row.wb-gap-bar", {}, el("small", {}, when), el("i", { style: { width: `${(60 * value) / Math.max(fit.before, fit.after, 1e-9)}%` } }), el("b", {}, digits(value)))))];
  let /** @type {string[]} */ urls = [];
  /** The failing photos, and under them pictures of the scenario. @param {string} yaml @param {HTMLElement} sheet */
  const beside = (yaml, sheet) => {
    for (const url of urls) pictures.release(url);
    urls = [];
    sheet.replaceChildren(...Array.from({ length: 8 }, () => el("div.wb-loading")));
    ask("beside", { text: yaml }).then(({ result, buffers }) => {
      urls = buffers.map(pictures.add);
      const row = (label, of) => [el("small.wb-hint", {}, label), el("div.wb-strip", {}, ...of.map((src) => el("img", { src, alt: label })))];
      sheet.replaceChildren(...row("your photos", urls.slice(0, result.photos)), ...row("pictures of this scenario", urls.slice(result.photos)));
    }).catch((error) => { sheet.replaceChildren(); trouble.fail(error); });
  };
  const show = (fit) => {
    const sheet = el("div.wb-beside", { data: { content: fit.content } });
    let yaml = fit.yaml, last = Promise.resolve();
    const revise = (path) => (value, mode) => {
      const asked = last.then(() => ask("revise", { text: yaml, path, value, mode })); // one after the other: each changes what the last one gave
      last = asked.then(({ result }) => { yaml = result.yaml; take(yaml, false); }, () => {});
      return asked.then(({ result }) => result.value);
    };
    fitted.replaceChildren(el("p.wb-hint", {}, `${fit.name}: from ${counted(fit.samples, "sample")}.`), ...fit.contents.map((line) => el("p.wb-hint", {}, line)), sheet, ...gap(fit),
      el("div.wb-parameters", {}, ...fit.rows.map((row) => parameterRow(row, revise(row.path)))),
      el("div.wb-row", {}, el("button.wb-primary", { data: { does: "take-fit" }, onclick: () => last.then(() => take(yaml, true)) }, "Edit and generate"),
        el("button", { data: { does: "beside" }, onclick: () => last.then(() => beside(yaml, sheet)) }, "Show pictures")));
    beside(yaml, sheet);
    take(yaml, false);
  };
  return {
    root: section("Recreate a failure", field("Samples", source), name, field("Pictures of", content), spare.root, probes.root, secondsField, el("div.wb-row", {}, start), trouble.root, fitted),
    ended: (job, result) => { if (job.kind === "recreate" && result) show(result); },
    offer: (options) => offer(content, [["", "what fits best"], ...options.contents.map(([word, meaning]) => [word, `${word}: ${meaning}`])]),
    update: (next) => offer(source, [["filtered", `the ${thousands(next.counts.filtered)} filtered`], ["selected", `the ${thousands(next.counts.selected)} selected`], ...next.scenarios.map((s) => [s.tag, `${s.tag} (${thousands(s.count)})`])]),
  };
}
