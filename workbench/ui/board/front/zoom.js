// One sample, large, with everything that is known of it, and related samples. All keys act on the sample that is shown.
import { counted, el, first, focusedIn, pictureStore, thousands } from "./dom.js";
import { undoOrRedo } from "./keys.js";
import { overlay } from "./overlay.js";
import { strip } from "./tile.js";

/** @import { Ask, Asked, Failure, KeyEvent } from "./protocol.js" */

/**
 * @param {Ask} ask @param {(error: Failure) => void} fail
 * @param {(text: string) => void} say
 * @param {{follow: (place: number, side: string) => void, look: () => any, flip: (name: string) => void, scenarios: () => any[], evaluated: () => boolean}} of
 * @param {AbortSignal} signal
 */
export function zoomPanel(ask, fail, say, of, signal) {
  const root = el("div.wb-zoom", { hidden: true, role: "dialog", "aria-label": "Sample", tabIndex: -1 });
  const pictures = pictureStore(signal);
  let shown = "", side = "filtered", /** @type {any} */ back = null, /** @type {string[]} */ urls = [], /** @type {any} */ answer = null;
  // what is on its way: from where, how many steps; what was asked last; whether something changed since
  let from = "", steps = 0, /** @type {Asked|null} */ asked = null, /** @type {Promise<boolean>} */ arrival = Promise.resolve(true), stale = false, seen = "";
  let /** @type {Promise<any>} */ queue = Promise.resolve(), waiting = 0;
  const labels = new Set(); // chosen boxes
  /** @type {Map<string, {done: string[], undone: string[]}>} changes of tags made here, by sample */
  const changes = new Map();
  const made = (id) => { if (!changes.has(id)) changes.set(id, { done: [], undone: [] }); return /** @type {{done: string[], undone: string[]}} */ (changes.get(id)); };
  const chosen = { has: (id) => labels.has(id), flip: (id) => { if (!labels.delete(id)) labels.add(id); draw(); first(root, `[data-label="${CSS.escape(id)}"]`)?.focus(); } };

  /** In the order of the keys, after what is on its way has arrived; keys for a sample that does not come mean nothing. @param {() => any} work */
  const then = (work) => {
    waiting++;
    queue = queue.then(() => arrival).then((arrived) => (arrived && shown ? work() : null)).catch(fail).finally(() => { waiting--; });
  };
  /** What a change answers is kept, to be undone here. @param {Asked} change @param {(id: string, of: {done: string[], undone: string[]}) => void} keep */
  const changed = (change, keep) => { const id = shown; return change.then(({ result }) => { say(result.text); keep(result.change_id, made(id)); }).catch(fail); };
  const tag = (name, action = "tag") => {
    const full = name.includes(":") || !name ? name : `failure:${name}`;
    if (!full) { say("Give the tag a name first."); tagName.focus(); return null; }
    const change = labels.size ? ask("tag_labels", { name: full, labels: [...labels], action }) : ask("tag_sample", { name: full, sample_id: shown, action });
    return changed(change, (id, { done, undone }) => { if (id) { done.push(id); undone.length = 0; } });
  };
  const undo = () => {
    const change = made(shown).done.at(-1);
    if (!change) { say("No change made here to undo. Close this view (Esc) to undo the last change of the dataset."); return null; }
    return changed(ask("undo", { change_id: change }), (_, { done, undone }) => { done.pop(); undone.push(change); });
  };
  const redo = () => {
    const change = made(shown).undone.at(-1);
    if (!change) { say("Nothing undone here to redo."); return null; }
    return changed(ask("redo", { change_id: change }), (_, { done, undone }) => { undone.pop(); done.push(change); });
  };
  const select = () => ask("select", { ids: [shown], on: null }).catch(fail);

  const tagName = el("input", { placeholder: "failure:glare", maxLength: 200, autocomplete: "off", spellcheck: false });
  tagName.onkeydown = (event) => { if (event.key === "Enter") { tagNamed(); root.focus(); event.stopPropagation(); } };
  const tagNamed = (action = "tag") => { const name = tagName.value.trim(); then(() => tag(name, action)); };
  const tagger = (boxes) => {
    tagName.setAttribute("aria-label", labels.size ? "Tag for the chosen boxes" : "Tag for the image shown");
    const what = labels.size ? "boxes" : "shown";
    return el("div.wb-box-tagger", {},
      el("div.wb-row", {}, tagName,
        el("button.wb-primary", { data: { does: `tag-${what}` }, onclick: () => tagNamed() }, labels.size ? `Tag ${counted(labels.size, "label")}` : "Tag image"),
        el("button", { data: { does: `untag-${what}` }, onclick: () => tagNamed("untag") }, "Untag")),
      boxes && !labels.size ? el("p.wb-hint", {}, "Click the names of boxes to tag single labels.") : null);
  };
  const release = () => { for (const url of urls) pictures.release(url); urls = []; };
  const close = () => {
    if (asked) ask.drop(asked);
    const place = steps ? answer?.result.place : null; // closed before the picture came: the gallery goes along all the same
    if (place) of.follow(Math.min(Math.max(place.at + steps, 0), place.all - 1), side);
    asked = null;
    arrival = Promise.resolve(false);
    root.hidden = true;
    shown = from = "";
    steps = 0;
    release();
    back?.focus();
  };
  const row = ([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value));
  const group = ({ group: name, facts }, i) => el("details.wb-section", { open: i < 2 || facts.length < 12 }, el("summary", {}, `${name} `, el("small", {}, String(facts.length))), el("table.wb-pairs", {}, el("tbody", {}, ...facts.map(row))));
  const related = ({ title, count, ids }, relatives) => el("div.wb-related", { data: { related: title } }, el("h4", {}, `${title} `, el("small", {}, thousands(count))),
    strip(ids.map((id) => relatives.get(id)).filter(Boolean), (id) => open(id)));
  const flag = (name) => { const scenario = of.scenarios().find((s) => s.tag === name); return el("span.wb-tag", {}, scenario ? el("i.wb-swatch", { style: { background: scenario.color } }) : null, name); };
  const beside = (by, at, name, sign) => el("button.wb-step", { "aria-label": `${name} sample`, title: `${name} (${by < 0 ? "←" : "→"})`, disabled: !at, onclick: () => step(by) }, sign);
  const draw = () => {
    if (!answer || root.hidden) return;
    const { result, relatives } = answer;
    const synthetic = result.source === "synthetic", { place } = result;
    const count = (kind) => result.boxes.filter((b) => b.of === kind).length;
    const typing = document.activeElement === tagName;
    root.replaceChildren(
      el("div.wb-zoom-picture", {},
        beside(-1, place && place.at > 0, "Previous", "‹"),
        el("div.wb-picture", { style: { aspectRatio: String(result.aspect) } }, el("img", { src: urls[0], alt: result.name }), overlay(result, of.look(), true, chosen)),
        beside(1, place && place.at < place.all - 1, "Next", "›")),
      el("div.wb-facts", {},
        el("header", {}, el(`span.wb-source.wb-${synthetic ? "synthetic" : "real"}`, {}, result.source || "?"), el("b", {}, result.name), el("button.wb-quiet", { title: "Close (Esc)", "aria-label": "Close", onclick: close }, "×")),
        el("p.wb-tags", {}, ...(result.tags.length ? result.tags.map(flag) : ["no tags"])),
        el("p.wb-hint", {}, [place ? `${thousands(place.at + 1)} of ${thousands(place.all)}` : "outside the filter", result.chosen ? "selected" : "", counted(count("truth"), "label"), count("predicted") ? counted(count("predicted"), "wrong prediction") : ""].filter(Boolean).join(" · ")),
        tagger(result.boxes.length),
        ...result.related.map((each) => related(each, relatives)),
        ...result.groups.map(group)));
    if (typing) tagName.focus();
  };
  /** Ask for a sample, and show it when it comes. */
  const load = () => {
    if (asked) ask.drop(asked);
    stale = false;
    const mine = ask("zoom", { sample_id: from, step: steps, side });
    asked = mine;
    arrival = mine.then(({ result, buffers }) => {
      if (asked !== mine) return false;
      asked = null;
      steps = 0;
      if (result.id !== shown) labels.clear();
      const another = result.id !== shown;
      release();
      from = shown = result.id;
      urls = buffers.map(pictures.add);
      answer = { result, relatives: new Map(result.relatives.map((tile, i) => [tile.id, { ...tile, url: urls[i + 1] }])) };
      root.hidden = false;
      draw();
      if (another) { root.focus(); if (result.place) of.follow(result.place.at, side); }
      if (stale) load();
      return true;
    }).catch((error) => {
      if (asked !== mine) return arrival; // another was asked for meanwhile
      asked = null; // the steps stand: the next key goes on beyond a picture that cannot be read
      if (root.hidden) from = "";
      else arrival = Promise.resolve(true); // later keys mean what is still shown
      fail(error);
      return false;
    });
  };
  /** The same sample again, as it is now; what is on its way comes anew. */
  const reload = () => { if (asked) stale = true; else if (shown) load(); };
  const open = (id, of_side = side) => {
    if (!from) back = focusedIn(/** @type {Element} */ (root.parentElement)) ?? back;
    side = of_side;
    from = id;
    steps = 0;
    load();
  };
  const move = (by) => {
    const place = asked || steps ? null : answer.result.place;
    if (place && (place.at + by < 0 || place.at + by >= place.all)) return;
    steps += by;
    load();
  };
  const step = (by) => (waiting ? then(() => move(by)) : move(by));
  const simple = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), " ": () => then(select), u: () => then(undo), r: () => then(redo),
    t: () => then(() => { tagName.focus(); tagName.select(); }),
    b: () => of.flip("boxes"), k: () => of.flip("masks"), o: () => { if (of.evaluated()) of.flip("outcomes"); }, Escape: () => (waiting ? then(close) : close()),
  };
  /** Whether it took a key. While it is open no key means the gallery behind it. */
  const key = (/** @type {KeyEvent} */ event) => {
    const change = undoOrRedo(event);
    if (change) { simple[change](); return true; }
    if (event.ctrlKey || event.metaKey || event.altKey) return event.key === "a";
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("button, summary, a")) return false;
    if (event.key === "Enter") { if (!event.repeat) simple.Escape(); return true; }
    if (/^[1-9]$/.test(event.key)) {
      const scenario = of.scenarios().find((s) => s.key === event.key);
      if (scenario) then(() => tag(scenario.tag)); else say(`No failure scenario has the key ${event.key}.`);
      return true;
    }
    if (!(event.key in simple)) return false;
    simple[event.key]();
    return true;
  };
  return {
    root, key, open: (id, of_side = "filtered") => open(id, of_side), isOpen: () => Boolean(from),
    update: (state) => {
      const version = `${state.revision} ${state.marks} ${state.arrangement}`;
      if (version !== seen && from) reload();
      seen = version;
    },
    redraw: draw, focus: () => root.focus(),
  };
}
