// Make data: a scenario is chosen or written, previewed, and generated.
import { busy, choice, el, field, notice, offer, pictureStore } from "./dom.js";
import { recreationSection } from "./recreation.js";
import { section } from "./tables.js";

/** @import { Context } from "./protocol.js" */

/** @param {Context} context */
export function panel({ ask, signal }) {
  const pictures = pictureStore(signal);
  let urls = [], first = 0;
  // scenario
  const preset = choice("Scenario");
  const file = el("input", { placeholder: "or a file: scenario.yaml", "aria-label": "Scenario file" });
  const text = el("textarea.wb-yaml", { rows: 12, spellcheck: false, hidden: true, "aria-label": "Scenario as YAML" });
  const toggle = el("button.wb-quiet", { data: { does: "edit-scenario" }, onclick: () => (text.hidden ? ask("scenario", { name: chosen() }).then(({ result }) => edit(result)).catch(generateNotice.fail) : edit("")) }, "Edit as YAML");
  const edit = (yaml) => {
    text.value = yaml;
    text.hidden = !yaml;
    toggle.textContent = yaml ? "Discard the edited YAML" : "Edit as YAML";
    preset.disabled = file.disabled = Boolean(yaml);
  };
  const n = el("input", { type: "number", min: 1, value: 8, "aria-label": "Number of samples" });
  const seed = el("input", { type: "number", min: 0, value: 0, "aria-label": "Seed" });
  const backend = choice("Renderer");
  const workers = el("input", { type: "number", min: 1, max: 64, placeholder: "auto", "aria-label": "Worker processes" });
  const sheet = el("div.wb-sheet"), generateNotice = notice();
  const chosen = () => file.value.trim() || preset.value;
  const request = () => ({ scenario: chosen(), text: text.value, seed: Number(seed.value) });
  const preview = () => {
    generateNotice.clear();
    for (const url of urls) pictures.release(url);
    urls = [];
    sheet.replaceChildren(...Array.from({ length: 4 }, () => el("div.wb-loading")));
    busy(show, ask("preview", { ...request(), first })).then(({ buffers }) => {
      urls = buffers.map(pictures.add);
      sheet.replaceChildren(...urls.map((url, i) => el("img", { src: url, alt: `preview of frame ${first + i}`, title: `frame ${first + i}` })));
    }).catch((error) => { sheet.replaceChildren(); generateNotice.fail(error); });
  };
  const show = el("button", { data: { does: "preview" }, onclick: () => { first = 0; preview(); } }, "Preview");
  const others = el("button", { data: { does: "preview-more" }, title: "The next four frames", onclick: () => { first += 4; preview(); } }, "Next 4");
  const go = el("button.wb-primary", { data: { does: "generate" }, onclick: () => {
    generateNotice.clear();
    const count = workers.value ? { workers: Number(workers.value) } : {};
    busy(go, ask("generate", { ...request(), n: Number(n.value), backend: backend.value || "open3d", ...count })).catch(generateNotice.fail);
  } }, "Generate");
  let taken = ""; // the scenario of a fit that stands in the field: it may be replaced by the next, a person's words may not
  const recreation = recreationSection(ask, signal, (yaml, wanted) => {
    if (wanted || text.hidden || text.value === taken) {
      taken = yaml;
      edit(yaml);
    }
    if (wanted) text.focus();
  });
  const root = el("div.wb-generator", {},
    recreation.root,
    section("Generate", field("Scenario", preset), file, toggle, text,
      el("div.wb-row", {}, field("Samples", n), field("Seed", seed)), el("div.wb-row", {}, field("Renderer", backend), field("Workers", workers)),
      el("div.wb-row", {}, show, others, go), generateNotice.root, sheet));
  return {
    root,
    ended: recreation.ended,
    offer: (options) => { offer(preset, options.presets); offer(backend, options.backends); recreation.offer(options); },
    update: recreation.update,
  };
}
