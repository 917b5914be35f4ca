// Failure scenarios: tag the selected or all filtered samples, with the number shown before.
import { choice, el, field, thousands } from "./dom.js";

/** @import { Context } from "./protocol.js" */

const ASK_AGAIN_ABOVE = 1000;

/** @param {Context} context */
export function panel({ ask, fail, say, leave }) {
  const name = el("input.wb-name", { placeholder: "specular_glare", "aria-label": "Name of the failure scenario", maxLength: 200, autocomplete: "off", spellcheck: false });
  const reason = el("input", { placeholder: "optional, for the history", "aria-label": "Reason", maxLength: 500 });
  const onSelected = el("button.wb-primary", { data: { does: "tag-selected" }, onclick: () => apply("selected") });
  const onFiltered = el("button", { data: { does: "tag-filtered" }, onclick: () => apply("filtered") });
  const confirm = el("div.wb-confirm", { hidden: true, role: "alert" });
  const list = el("div.wb-scenarios");
  let /** @type {any} */ state = { counts: { selected: 0, filtered: 0, hidden: 0 }, scenarios: [] }, /** @type {any} */ editing = null;

  const full = () => { const text = name.value.trim(); return text.includes(":") || !text ? text : `failure:${text}`; };
  const version = (target) => (target === "selected" ? state.marks : state.arrangement);
  const send = (tag, target, action, expected, version) => ask("tag", { name: tag, target, expected, version, reason: reason.value.trim(), action })
    .then(({ result }) => { reason.value = ""; say(result.text); }).catch(fail);
  const apply = async (target, tag = full(), action = "tag") => {
    if (!tag) { name.focus(); say("Give the failure scenario a name first."); return; }
    leave(); // at once: the next key, u say, is a command and no letter of the name
    await ask.settled(); // a click a moment ago counts
    const n = state.counts[target], of = version(target);
    if (n <= ASK_AGAIN_ABOVE) { await send(tag, target, action, n, of); return; }
    confirm.hidden = false;
    const yes = el("button.wb-primary", { data: { does: "confirm" }, onclick: () => { confirm.hidden = true; leave(); send(tag, target, action, n, of); } }, `Yes, ${thousands(n)}`);
    confirm.replaceChildren(el("p", {}, `${action === "tag" ? "Tag" : "Untag"} ${thousands(n)} ${target} samples with ${tag}?`),
      el("div.wb-row", {}, yes, el("button", { onclick: () => { confirm.hidden = true; leave(); } }, "No")));
    yes.focus();
  };
  name.onkeydown = (event) => { if (event.key === "Enter") apply("selected"); };
  const undo = () => ask.settled().then(() => ask("undo")).then(({ result }) => say(result.text)).catch(fail);
  const redo = () => ask.settled().then(() => ask("redo")).then(({ result }) => say(result.text)).catch(fail);

  const editor = (s) => {
    const description = el("textarea", { rows: 2, value: s.description, placeholder: "what is meant by it", "aria-label": "Description", maxLength: 2000 });
    const color = el("input", { type: "color", value: s.color, "aria-label": "Colour" });
    const key = choice("Key", ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    key.value = s.key || "9";
    const done = () => { editing = null; draw(); };
    const save = () => ask("describe", { tag: s.tag, description: description.value.trim(), color: color.value, key: key.value }).then(done).catch(fail);
    return el("div.wb-editor", {}, description, el("div.wb-row", {}, field("Colour", color), field("Key", key), el("button.wb-primary", { data: { does: "describe" }, onclick: save }, "Save"), el("button", { onclick: done }, "Cancel")));
  };
  const scenario = (s) => el("div.wb-scenario", { data: { tag: s.tag } },
    el("div.wb-scenario-row", {},
      el("kbd", { style: { borderColor: s.color }, title: s.key ? `Press ${s.key} to tag the selection` : "no key" }, s.key || "·"),
      el("button.wb-link", { title: "Show these samples", onclick: () => ask("toggle", { facet: "tags", value: s.tag }).catch(fail) }, el("i.wb-swatch", { style: { background: s.color } }), s.tag.slice("failure:".length)),
      el("span.wb-bar-count", {}, thousands(s.count)),
      el("button.wb-quiet", { title: `Tag the ${thousands(state.counts.selected)} selected`, "aria-label": `Tag the selected with ${s.tag}`, disabled: !state.counts.selected, onclick: () => apply("selected", s.tag) }, "+"),
      el("button.wb-quiet", { title: `Untag the ${thousands(state.counts.selected)} selected`, "aria-label": `Untag the selected from ${s.tag}`, disabled: !state.counts.selected, onclick: () => apply("selected", s.tag, "untag") }, "−"),
      el("button.wb-quiet", { title: "Description, colour and key", "aria-label": `Describe ${s.tag}`, onclick: () => { editing = editing === s.tag ? null : s.tag; draw(); } }, "✎")),
    s.description && editing !== s.tag ? el("p.wb-hint", {}, s.description) : null,
    editing === s.tag ? editor(s) : null);
  const draw = () => list.replaceChildren(...(state.scenarios.length ? state.scenarios.map(scenario) : [el("p.wb-hint", {}, "No failure scenarios yet. Select images, type a name, press Enter.")]));
  const hidden = el("p.wb-hint", { hidden: true });

  const root = el("div.wb-form.wb-tagger", {},
    el("label.wb-field", {}, el("span", {}, "Failure scenario"), el("span.wb-prefix", {}, el("span", {}, "failure:"), name)), field("Reason", reason),
    el("div.wb-row", {}, onSelected, onFiltered), hidden, confirm, list,
    el("div.wb-row", {},
      el("button", { title: "Undo (u)", data: { does: "undo" }, onclick: undo }, "↶ Undo"),
      el("button", { title: "Redo (r)", data: { does: "redo" }, onclick: redo }, "↷ Redo")));
  let drawn = "";
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
      hidden.hidden = !next.counts.hidden;
      hidden.textContent = `${thousands(next.counts.hidden)} of the selected are outside the filter.`;
      const version = JSON.stringify([next.scenarios, next.counts.selected]);
      if (version !== drawn && !editing) { drawn = version; draw(); }
    },
  };
}
