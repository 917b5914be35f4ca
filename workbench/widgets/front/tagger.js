// Failure scenarios: tag the selected or all filtered samples, with the number shown before.
const ASK_AGAIN_ABOVE = 1000;

/**
 * @param {Ask} ask
 * @param {(error: Error) => void} fail
 * @param {(text: string) => void} say
 * @param {() => void} leave where the keyboard goes after a tag was typed
 */
function taggerPanel(ask, fail, say, leave) {
  const name = el("input.wb-name", { placeholder: "specular_glare", "aria-label": "Name of the failure scenario", maxLength: 200 });
  const reason = el("input", { placeholder: "why (optional)", "aria-label": "Reason", maxLength: 500 });
  const onSelected = el("button.wb-primary", { data: { does: "tag-selected" }, onclick: () => apply("selected") });
  const onFiltered = el("button", { data: { does: "tag-filtered" }, onclick: () => apply("filtered") });
  const confirm = el("div.wb-confirm", { hidden: true, role: "alert" });
  const list = el("div.wb-scenarios");
  let state = { counts: { selected: 0, filtered: 0 }, scenarios: [] };

  const full = () => { const text = name.value.trim(); return text.includes(":") || !text ? text : `failure:${text}`; };
  const send = (tag, target, action) => ask("tag", { name: tag, target, reason: reason.value.trim(), action })
    .then(({ result }) => say(result.text)).catch(fail);
  const apply = (target, tag = full(), action = "tag") => {
    if (!tag) { name.focus(); return say("Give the failure scenario a name first."); }
    const n = state.counts[target];
    if (n <= ASK_AGAIN_ABOVE) return send(tag, target, action);
    confirm.hidden = false;
    confirm.replaceChildren(`${action === "tag" ? "Tag" : "Untag"} ${thousands(n)} samples with ${tag}? `,
      el("button.wb-primary", { onclick: () => { confirm.hidden = true; send(tag, target, action); } }, "Yes"),
      el("button", { onclick: () => { confirm.hidden = true; } }, "No"));
    return undefined;
  };
  name.onkeydown = (event) => { if (event.key === "Enter") apply("selected")?.then(leave); };

  const root = el("div.wb-tagger", {},
    el("label", {}, "Failure scenario", el("span.wb-prefix", {}, el("span", {}, "failure:"), name)), reason,
    onSelected, onFiltered, confirm, list,
    el("div.wb-row", {},
      el("button", { title: "Undo (u)", data: { does: "undo" }, onclick: () => undo() }, "↶ Undo"),
      el("button", { title: "Redo (r)", data: { does: "redo" }, onclick: () => redo() }, "↷ Redo")));
  const undo = () => ask("undo").then(({ result }) => say(result.text)).catch(fail);
  const redo = () => ask("redo").then(({ result }) => say(result.text)).catch(fail);

  const scenario = (s) => el("div.wb-scenario", {},
    el("kbd", { title: s.key ? `Press ${s.key} to tag the selection` : "" }, s.key || "·"),
    el("button.wb-link", { title: "Show these samples", onclick: () => ask("toggle", { facet: "tags", value: s.tag }).catch(fail) }, s.tag.slice("failure:".length)),
    el("span.wb-bar-count", {}, thousands(s.count)),
    el("button.wb-link", { title: `Tag the ${state.counts.selected} selected`, onclick: () => apply("selected", s.tag) }, "+"),
    el("button.wb-link", { title: `Untag the ${state.counts.selected} selected`, onclick: () => apply("selected", s.tag, "untag") }, "−"));
  return {
    root, undo, redo,
    focus: () => name.focus(),
    tagByKey: (digit) => { const s = state.scenarios.find((each) => each.key === digit); if (s) apply("selected", s.tag); return Boolean(s); },
    update: (next) => {
      state = next;
      onSelected.textContent = `Tag ${thousands(next.counts.selected)} selected`;
      onSelected.disabled = !next.counts.selected;
      onFiltered.textContent = `Tag all ${thousands(next.counts.filtered)} filtered`;
      onFiltered.disabled = !next.counts.filtered;
      list.replaceChildren(...(next.scenarios.length ? next.scenarios.map(scenario) : [el("p.wb-hint", {}, "No failure scenarios yet. Select pictures, give a name, press Enter.")]));
    },
  };
}
