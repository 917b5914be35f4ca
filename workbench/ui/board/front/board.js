// The board: panels joined by the state that Python publishes. A board may have several outputs: nothing is kept here.
import { el, thousands } from "./dom.js";
import { jobList } from "./jobs.js";
import { helpPanel, undoOrRedo } from "./keys.js";
import { connect } from "./protocol.js";
import { zoomPanel } from "./zoom.js";

/** @import { Ask, Context, Failure, KeyEvent, Panel } from "./protocol.js" */
/** @typedef {(context: Context) => Panel} Maker builds a panel */

const MESSAGE_MS = 8000;

/** A message over the board; what went wrong stays until it is dismissed. @param {AbortSignal} signal */
function messageBar(signal) {
  const root = el("div.wb-message", { role: "alert", hidden: true });
  let fading = 0;
  signal.addEventListener("abort", () => clearTimeout(fading));
  const tell = (/** @type {string} */ text, /** @type {boolean} */ bad) => {
    clearTimeout(fading);
    if (!bad) fading = setTimeout(() => { root.hidden = true; }, MESSAGE_MS);
    root.hidden = false;
    root.className = `wb-message${bad ? " wb-bad" : ""}`;
    root.replaceChildren(el("span", {}, text), el("button.wb-quiet", { "aria-label": "Dismiss", onclick: () => { root.hidden = true; } }, "×"));
  };
  return {
    root, clear: () => { root.hidden = true; },
    say: (/** @type {string} */ text) => tell(text, false),
    warn: (/** @type {string} */ text) => tell(text, true),
    fail: (/** @type {Failure} */ error) => { if (!error.dropped) tell(error.message, true); },
  };
}

/** The FiftyOne App below the board: an extra view that follows the filter. @param {Ask} ask @param {(error: Failure) => void} fail @param {(text: string) => void} say */
function appPanel(ask, fail, say) {
  const root = el("div.wb-app", { hidden: true });
  const close = () => { root.hidden = true; root.replaceChildren(); };
  const take = () => ask("app_take").then(({ result }) => say(result.text)).catch(fail);
  const open = () => ask("app").then(({ result }) => {
    root.hidden = false;
    root.replaceChildren(
      el("div.wb-row", {}, el("a", { href: result, target: "_blank", rel: "noopener" }, "FiftyOne App in its own tab"), el("span.wb-dim", {}, "follows the filter"), el("span.wb-space-between"),
        el("button", { data: { does: "app-take" }, onclick: take }, "Take over its selection"), el("button", { onclick: close }, "Close")),
      el("iframe", { src: result, title: "FiftyOne App" }));
    root.scrollIntoView({ block: "nearest" }); // it opens below what is in sight, where browsers do not draw frames
  }).catch(fail);
  return { root, open };
}

/** Counts, filter as text, chips: always there, whatever the parts. @param {Ask} ask @param {any} message @param {{app: () => void, help: () => void}} does */
function headPanel(ask, message, does) {
  const counts = el("div.wb-counts", { role: "status" });
  const chips = el("div.wb-chips");
  const where = el("input.wb-where", { placeholder: "filter, e.g. lighting == 'dim' and class == 'mug'", "aria-label": "Filter as text", spellcheck: false, autocomplete: "off" });
  where.onkeydown = (event) => { if (event.key === "Enter") ask("where", { text: where.value }).then(({ result }) => { if (result.text) message.warn(result.text); else { where.value = ""; message.clear(); } }).catch(message.fail); };
  const button = (name, hint, text, work) => el("button", { title: hint, "aria-label": hint, data: { does: name }, onclick: work }, text);
  const root = el("header.wb-top", {}, counts, where,
    button("refresh", "Read the dataset again", "⟳", () => ask("refresh").catch(message.fail)),
    button("app", "Open the filtered samples in the FiftyOne App below", "FiftyOne App", does.app),
    button("help", "Keys (?)", "?", does.help));
  const chip = ({ facet, text }) => el("button.wb-chip", { title: "Remove this condition", onclick: () => ask("clear", { facet }).catch(message.fail) }, el("span.wb-data", {}, text), el("span", { "aria-hidden": "true" }, "×"));
  const count = (name, n) => el("span", {}, el("b", { data: { count: name } }, thousands(n)), ` ${name}`);
  return {
    root, chips, focus: () => where.focus(),
    update: (state) => {
      counts.replaceChildren(...["selected", "filtered", "all"].map((name) => count(name, state.counts[name])));
      chips.replaceChildren(...state.chips.map(chip), ...(state.chips.length ? [] : [el("span.wb-hint", {}, "No filter. Click bars on the left or cells of the map, drag over a histogram, or type one above.")]), ...(state.chips.length > 1 ? [el("button.wb-link", { onclick: () => ask("clear").catch(message.fail) }, "clear all")] : []));
    },
  };
}

/** The tabs beside the gallery, one panel each. @param {[string, string, Panel][]} tabs name, title and panel */
function tabbed(tabs) {
  const names = tabs.map(([name]) => name);
  let opened = names[0];
  const buttons = tabs.map(([name, title]) => el("button.wb-tab", { role: "tab", data: { tab: title }, onclick: () => open(name) }, title));
  const open = (/** @type {string} */ name) => {
    if (!names.includes(name)) return;
    opened = name;
    for (const [i, [each, , panel]] of tabs.entries()) {
      panel.root.hidden = each !== name;
      buttons[i].setAttribute("aria-selected", String(each === name));
      buttons[i].tabIndex = each === name ? 0 : -1;
    }
    tabs[names.indexOf(name)][2].show?.();
  };
  return {
    open, start: () => { if (names.length) open(opened); },
    bar: names.length > 1 ? el("div.wb-tabs", { role: "tablist" }, ...buttons) : null,
    step: (/** @type {number} */ by) => { open(names[(names.indexOf(opened) + by + names.length) % names.length]); buttons[names.indexOf(opened)]?.focus(); },
  };
}

/** Left the slicer, in the middle the gallery or the map, right the tabs; those that there are. @param {(Node|null)[]} parts */
function columns([left, middle, right]) {
  const alone = [left, middle, right].filter(Boolean).length === 1;
  const widths = [left && (alone ? "1fr" : "var(--wb-left)"), middle && "minmax(0, 1fr)", right && (middle ? "var(--wb-right)" : "1fr")];
  return widths.filter(Boolean).join(" ");
}

/**
 * What each key does, and `?` that says so in keys.js.
 * @param {{ask: Ask, fail: (error: Failure) => void, panels: Record<string, any>, zoom: any, tabs: any, head: any, help: any, message: any, leave: () => void, evaluated: () => boolean}} of
 * @returns {(event: KeyEvent) => boolean} whether it took a key
 */
function keyboard({ ask, fail, panels, zoom, tabs, head, help, message, leave, evaluated }) {
  const { slicer, map, gallery, tagger } = panels;
  /** @type {Record<string, () => void>} */
  const simple = {
    t: () => { tabs.open("tagger"); tagger?.focus(); }, u: () => tagger?.undo(), r: () => tagger?.redo(),
    b: () => gallery?.flip("boxes"), k: () => gallery?.flip("masks"), o: () => { if (evaluated()) gallery?.flip("outcomes"); }, m: () => { if (map) gallery?.flip("map"); },
    c: () => gallery?.pin(), s: () => gallery?.focusSort(), "+": () => gallery?.resize(1), "=": () => gallery?.resize(1), "-": () => gallery?.resize(-1),
    "/": head.focus, f: () => slicer?.focus(), h: () => map?.focus(), g: leave, "[": () => tabs.step(-1), "]": () => tabs.step(1), "?": help.flip,
    Escape: () => { if (!help.root.hidden) help.close(); else if (!message.root.hidden) message.clear(); else ask("deselect").catch(fail); },
  };
  return (event) => {
    if (zoom.isOpen() && help.root.hidden && event.key !== "?") return zoom.key(event);
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) { ask("select_filtered").catch(fail); return true; }
    const change = undoOrRedo(event);
    if (change) { simple[change](); return true; }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if ((event.key === " " || event.key === "Enter") && event.target.matches("button, summary, a")) return false;
    if (event.target.matches(".wb-tab") && /^Arrow(Left|Right)$/.test(event.key)) { tabs.step(event.key === "ArrowRight" ? 1 : -1); return true; }
    if (Object.values(panels).some((panel) => panel.key?.(event))) return true;
    if (/^[1-9]$/.test(event.key)) return Boolean(tagger?.tagByKey(event.key));
    if (!(event.key in simple)) return false;
    simple[event.key]();
    return true;
  };
}

/**
 * The widget.
 * @param {Record<string, Maker>} makers of all panels, by name; the model says which are shown, and their titles
 */
export const render = (makers) => (/** @type {{model: any, el: HTMLElement}} */ { model, el: host }) => {
  const ending = new AbortController(), { signal } = ending;
  const silent = el("div.wb-silent", { role: "alert", hidden: true }, "The kernel does not answer: it is busy with a cell, or it has stopped. If it was restarted, run this cell again; all saved tags are safe.");
  const ask = connect(model, signal, (is) => { silent.hidden = !is; root.classList.toggle("wb-is-silent", is); });
  const message = messageBar(signal), { say, fail } = message;
  const app = appPanel(ask, fail, say);
  const leave = () => (zoom.isOpen() ? zoom : panels.gallery ?? { focus: () => root.focus() }).focus();
  const help = helpPanel(leave);
  const head = headPanel(ask, message, { app: app.open, help: help.flip });

  /** @type {Record<string, any>} */
  const panels = {};
  const zoom = zoomPanel(ask, fail, say, {
    scenarios: () => model.get("_state").scenarios || [],
    evaluated: () => Boolean(model.get("_state").evaluation),
    follow: (place, side) => panels.gallery?.follow(place, side),
    look: () => ({ boxes: true, outcomes: false, masks: false, ...panels.gallery?.show }),
    flip: (name) => { panels.gallery?.flip(name); zoom.redraw(); },
  }, signal);
  /** @type {[string, string|null][]} */
  const shown = model.get("_parts");
  for (const [name] of shown) panels[name] = makers[name]({ ask, say, fail, signal, leave, panels, zoom: zoom.open });
  const all = Object.values(panels);
  const titled = /** @type {[string, string][]} */ (shown.filter(([, title]) => title !== null));
  const tabs = tabbed(titled.map(([name, title]) => [name, title, panels[name]]));
  const jobs = jobList(ask, fail, (job, result) => { for (const panel of all) panel.ended?.(job, result); offerOptions(); });

  const middle = panels.gallery?.root ?? panels.map?.root ?? null, left = panels.slicer?.root ?? null;
  const side = titled.length ? el("div.wb-side", {}, tabs.bar, el("div.wb-panel", {}, ...titled.map(([name]) => panels[name].root), jobs.root)) : null;
  const main = el("div.wb-main", { style: { gridTemplateColumns: columns([left, middle, side]), height: `${model.get("_height")}px` } }, left, middle, side, zoom.root);
  const root = el("div.wb-board", { tabIndex: -1, data: { lmSuppressShortcuts: "true", parts: Object.keys(panels).join(" ") } }, head.root, silent, head.chips, main, message.root, help.root, app.root);

  const showState = () => {
    const state = model.get("_state");
    if (!state.counts) return;
    head.update(state);
    for (const panel of all) panel.update?.(state);
    zoom.update(state);
  };
  const showJobs = () => jobs.update(model.get("_jobs"));
  const offerOptions = () => {
    const asking = Object.keys(panels).filter((name) => panels[name].offer);
    if (asking.length) ask("options", { panels: asking }).then(({ result }) => { for (const name of asking) panels[name].offer(result[name]); }).catch(fail);
  };
  const onKey = keyboard({ ask, fail, panels, zoom, tabs, head, help, message, leave, evaluated: () => Boolean(model.get("_state").evaluation) });
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys of its own
    const key = /** @type {KeyEvent} */ (event);
    const typing = key.target.matches("select, textarea, input:not([type=checkbox], [type=range])");
    if (typing) { if (event.key === "Escape") { leave(); event.preventDefault(); } return; }
    if (onKey(key)) event.preventDefault();
  });

  // notebooks look for their keys before the board sees them, and begin with the element that has the focus
  root.addEventListener("focusin", (event) => /** @type {HTMLElement} */ (event.target).setAttribute("data-lm-suppress-shortcuts", "true"));

  const listeners = { "change:_state": showState, "change:_jobs": showJobs, "change:_stale": () => ask("follow").catch(fail) };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  const themed = new MutationObserver(() => panels.map?.redraw()); // a change of theme changes the colours of the map
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  host.append(root);
  tabs.start();
  showState();
  showJobs();
  offerOptions();
  return () => {
    ending.abort();
    themed.disconnect();
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
    root.remove();
  };
};
