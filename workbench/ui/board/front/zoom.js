// One sample, large, with everything that is known of it, and related samples.
import { counted, el, first, pictureStore, thousands } from "./dom.js";
import { overlay } from "./overlay.js";
import { strip } from "./tile.js";

/** @import { Ask, Asked, Failure, KeyEvent } from "./protocol.js" */

/**
 * @param {Ask} ask @param {(error: Failure) => void} fail
 * @param {(text: string) => void} say
 * @param {{neighbour: (id: string, step: number) => string|undefined, look: () => any, scenarios: () => any[]}} of
 * @param {AbortSignal} signal
 */
export function zoomPanel(ask, fail, say, of, signal) {
  const root = el("div.wb-zoom", { hidden: true, role: "dialog", "aria-label": "Sample", tabIndex: -1 });
  const pictures = pictureStore(signal);
  let shown = "", /** @type {any} */ back = null, /** @type {string[]} */ urls = [], /** @type {any} */ answer = null, /** @type {Asked|null} */ asked = null;
  const labels = new Set(); // chosen boxes
  const chosen = { has: (id) => labels.has(id), flip: (id) => { if (!labels.delete(id)) labels.add(id); draw(); first(root, `[data-label="${CSS.escape(id)}"]`)?.focus(); } };
  const tagName = el("input", { placeholder: "failure:glare", "aria-label": "Tag for the chosen boxes", maxLength: 200, autocomplete: "off" });
  const tag = (name, action = "tag") => {
    const full = name.includes(":") || !name ? name : `failure:${name}`;
    ask("tag_labels", { name: full, labels: [...labels], action }).then(({ result }) => { say(result.text); open(shown, true); }).catch(fail);
  };
  tagName.onkeydown = (event) => { if (event.key === "Enter") { tag(tagName.value.trim()); event.stopPropagation(); } };
  const boxTagger = () => el("div.wb-box-tagger", {}, labels.size
    ? el("div.wb-row", {}, tagName, el("button.wb-primary", { data: { does: "tag-boxes" }, onclick: () => tag(tagName.value.trim()) }, `Tag ${labels.size}`), el("button", { data: { does: "untag-boxes" }, onclick: () => tag(tagName.value.trim(), "untag") }, "Untag"))
    : el("p.wb-hint", {}, "Click the names of boxes to tag single labels."));
  const close = () => { root.hidden = true; shown = ""; release(); back?.focus(); };
  const release = () => { for (const url of urls) pictures.release(url); urls = []; };
  const step = (by) => { const next = of.neighbour(shown, by); if (next && next !== shown) open(next); };
  const row = ([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value));
  const group = ({ group: name, facts }, i) => el("details.wb-section", { open: i < 2 || facts.length < 12 }, el("summary", {}, `${name} `, el("small", {}, String(facts.length))), el("table.wb-pairs", {}, el("tbody", {}, ...facts.map(row))));
  const related = ({ title, count, ids }, relatives) => el("div.wb-related", { data: { related: title } }, el("h4", {}, `${title} `, el("small", {}, thousands(count))),
    strip(ids.map((id) => relatives.get(id)).filter(Boolean), open));
  const draw = () => {
    if (!answer) return;
    const { result, relatives } = answer;
    const synthetic = result.source === "synthetic";
    root.replaceChildren(
      el("div.wb-zoom-picture", {},
        el("button.wb-step", { "aria-label": "Previous sample", title: "Previous (←)", onclick: () => step(-1) }, "‹"),
        el("div.wb-picture", { style: { aspectRatio: String(result.aspect) } }, el("img", { src: urls[0], alt: result.name }), overlay(result, of.look(), true, chosen)),
        el("button.wb-step", { "aria-label": "Next sample", title: "Next (→)", onclick: () => step(1) }, "›")),
      el("div.wb-facts", {},
        el("header", {}, el(`span.wb-source.wb-${synthetic ? "synthetic" : "real"}`, {}, result.source || "?"), el("b", {}, result.name), el("button.wb-quiet", { title: "Close (Esc)", "aria-label": "Close", onclick: close }, "×")),
        el("p.wb-tags", {}, ...(result.tags.length ? result.tags.map((tag) => el("span.wb-tag", {}, tag)) : ["no tags"])),
        el("p.wb-hint", {}, `${counted(result.boxes.filter((b) => b.of === "truth").length, "label")}${result.boxes.some((b) => b.of === "predicted") ? `, ${counted(result.boxes.filter((b) => b.of === "predicted").length, "wrong prediction")}` : ""}`),
        result.boxes.length ? boxTagger() : null,
        ...result.related.map((each) => related(each, relatives)),
        ...result.groups.map(group)));
  };
  const open = (id, again = false) => {
    if (!again) labels.clear();
    if (root.hidden) back = document.activeElement;
    if (asked) ask.drop(asked);
    asked = ask("zoom", { sample_id: id });
    asked.then(({ result, buffers }) => {
      release();
      shown = id;
      urls = buffers.map(pictures.add);
      answer = { result, relatives: new Map(result.relatives.map((tile, i) => [tile.id, { ...tile, url: urls[i + 1] }])) };
      draw();
      root.hidden = false;
      root.focus();
    }).catch((error) => { if (!error.dropped) fail(error); });
  };
  const key = (/** @type {KeyEvent} */ event) => {
    if (root.hidden) return false;
    if (event.key === "Enter" && event.target.matches("button, summary")) return false;
    if (event.key === "Escape" || event.key === "Enter") { close(); return true; }
    if (/^[1-9]$/.test(event.key) && labels.size) { const scenario = of.scenarios().find((s) => s.key === event.key); if (scenario) tag(scenario.tag); return true; }
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") { step(event.key === "ArrowRight" ? 1 : -1); return true; }
    return false;
  };
  return { root, open, key, redraw: () => { if (!root.hidden) draw(); } };
}
