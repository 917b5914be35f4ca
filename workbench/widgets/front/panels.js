// The forms on the right: generate, export, history, code.

/** @param {string} label @param {HTMLElement} input */
const field = (label, input) => el("label", {}, label, input);

/** @param {Ask} ask @param {(error: Error) => void} fail @param {AbortSignal} signal */
function generatePanel(ask, fail, signal) {
  const scenario = el("select", { "aria-label": "Scenario" });
  const file = el("input", { placeholder: "or a file: scenario.yaml", "aria-label": "Scenario file" });
  const n = el("input", { type: "number", min: 1, value: 8, "aria-label": "Number of samples" });
  const seed = el("input", { type: "number", min: 0, value: 0, "aria-label": "Seed" });
  const sheet = el("div.wb-sheet");
  const chosen = () => file.value.trim() || scenario.value;
  const busy = (button, work) => { button.disabled = true; work.catch(fail).finally(() => { button.disabled = false; }); };
  const show = el("button", { data: { does: "preview" }, onclick: () => {
    sheet.replaceChildren(el("p.wb-hint", {}, "drawing four frames …"));
    busy(show, ask("preview", { scenario: chosen(), seed: Number(seed.value) }).then(({ buffers }) => {
      sheet.replaceChildren(...buffers.map((b) => el("img", { src: pictureUrl(b, signal), alt: "preview" })));
    }).catch((error) => { sheet.replaceChildren(); throw error; }));
  } }, "Preview");
  const go = el("button.wb-primary", { data: { does: "generate" }, onclick: () => busy(go, ask("generate", { scenario: chosen(), n: Number(n.value), seed: Number(seed.value) })) }, "Generate");
  const root = el("div.wb-form", {}, field("Scenario", scenario), file,
    el("div.wb-row", {}, field("Samples", n), field("Seed", seed)), el("div.wb-row", {}, show, go), sheet);
  return { root, offer: (options) => scenario.replaceChildren(...options.presets.map((name) => el("option", { value: name }, name))) };
}

/** @param {Ask} ask @param {(error: Error) => void} fail */
function exportPanel(ask, fail) {
  const folder = el("input", { "aria-label": "Folder" });
  const format = el("select", { "aria-label": "Format" });
  const scope = el("select", { "aria-label": "Which samples" }, el("option", { value: "filtered" }, "filtered samples"), el("option", { value: "all" }, "all samples"));
  const parts = ["train", "val", "test"].map((name, i) => [name, el("input", { type: "number", min: 0, max: 1, step: 0.05, value: [0.7, 0.15, 0.15][i], "aria-label": `share of ${name}` })]);
  const splits = () => Object.fromEntries(parts.map(([name, input]) => [name, Number(input.value)]).filter(([, share]) => share > 0));
  const go = el("button.wb-primary", { data: { does: "export" }, onclick: () => ask("export", { folder: folder.value.trim(), format: format.value, splits: splits(), scope: scope.value }).catch(fail) }, "Export");
  const root = el("div.wb-form", {}, field("Folder (new or empty)", folder), el("div.wb-row", {}, field("Format", format), field("What", scope)),
    el("div.wb-row", {}, ...parts.map(([name, input]) => field(name, input))), go,
    el("p.wb-hint", {}, "Scenes stay together; test holds real samples only. Files are read back and compared."));
  return { root, offer: (options) => { folder.value ||= options.folder; format.replaceChildren(...options.formats.map((f) => el("option", { value: f }, f))); } };
}

/** @param {Ask} ask @param {(error: Error) => void} fail */
function historyPanel(ask, fail) {
  const root = el("div.wb-history");
  const show = () => ask("history").then(({ result }) => {
    const entries = result.map(([when, who, role, action, tag, changed, why]) => el("li", {},
      el("div.wb-row", {}, el("span", {}, role === "change" ? `${action} ` : `${role}: ${action} `, el("b", {}, tag)), el("span.wb-bar-count", { title: "samples changed" }, thousands(changed))),
      el("small", {}, `${when} · ${who}${why ? ` · ${why}` : ""}`)));
    root.replaceChildren(result.length ? el("ol.wb-changes", {}, ...entries) : el("p.wb-hint", {}, "No changes of tags yet."));
  }).catch(fail);
  return { root, show };
}

function codePanel() {
  const text = el("pre.wb-code", { tabIndex: 0 });
  const root = el("div", {}, el("button", { onclick: () => navigator.clipboard?.writeText(text.textContent) }, "Copy as cell"), text);
  return { root, update: (state) => { text.textContent = state.code; } };
}
