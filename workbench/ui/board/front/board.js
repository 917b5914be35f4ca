// The board: parts joined by the state that Python publishes. render may run several times for one model.
const SAID_FOR_MS = 8000;
const TABS = { tagger: "Tag", analysis: "Analyse", explorer: "Explore", generator: "Generate", exporter: "Export", scoreboard: "Rounds", history: "History", code: "Code" };

/** A message over the board; what went wrong stays until it is dismissed. @param {AbortSignal} signal */
function messageBar(signal) {
  const root = el("div.wb-message", { role: "alert", hidden: true });
  let fading = 0;
  signal.addEventListener("abort", () => clearTimeout(fading));
  const tell = (text, bad) => {
    clearTimeout(fading);
    if (!bad) fading = setTimeout(() => { root.hidden = true; }, SAID_FOR_MS);
    root.hidden = false;
    root.className = `wb-message${bad ? " wb-bad" : ""}`;
    root.replaceChildren(el("span", {}, text), el("button.wb-quiet", { "aria-label": "Dismiss", onclick: () => { root.hidden = true; } }, "×"));
  };
  return { root, say: (text) => tell(text, false), fail: (error) => { if (!error.dropped) tell(error.message, true); }, clear: () => { root.hidden = true; } };
}

/** The FiftyOne App below the board: an extra view that follows the filter. @param {Ask} ask */
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

/** Counts, filter as text, chips: always there, whatever the parts. @param {Ask} ask */
function headPanel(ask, message, does) {
  const counts = el("div.wb-counts", { role: "status" });
  const chips = el("div.wb-chips");
  const where = el("input.wb-where", { placeholder: "filter, e.g. lighting == 'dim' and class == 'mug'", "aria-label": "Filter as text", spellcheck: false, autocomplete: "off" });
  where.onkeydown = (event) => { if (event.key === "Enter") ask("where", { text: where.value }).then(() => { where.value = ""; message.clear(); }).catch(message.fail); };
  const button = (name, hint, text, work) => el("button", { title: hint, "aria-label": hint, data: { does: name }, onclick: work }, text);
  const root = el("header.wb-top", {}, counts, where,
    button("refresh", "Read the dataset anew", "⟳", () => ask("refresh").catch(message.fail)),
    button("app", "Open the filtered samples in the FiftyOne App below", "FiftyOne App", does.app),
    button("help", "Keys (?)", "?", does.help));
  const chip = ({ facet, text }) => el("button.wb-chip", { title: "Remove this condition", onclick: () => ask("clear", { facet }).catch(message.fail) }, el("span.wb-data", {}, text), el("span", { "aria-hidden": "true" }, "×"));
  const count = (name, n) => el("span", {}, el("b", { data: { count: name } }, thousands(n)), ` ${name}`);
  return {
    root, chips, focus: () => where.focus(),
    update: (state) => {
      counts.replaceChildren(...["selected", "filtered", "all"].map((name) => count(name, state.counts[name])));
      chips.replaceChildren(...state.chips.map(chip), ...(state.chips.length ? [] : [el("span.wb-hint", {}, "No filter. Click bars on the left or cells of the map, drag over a histogram, or write one above.")]), ...(state.chips.length > 1 ? [el("button.wb-link", { onclick: () => ask("clear").catch(message.fail) }, "clear all")] : []));
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el: host }) {
  const ending = new AbortController(), { signal } = ending;
  const silent = el("div.wb-silent", { role: "alert", hidden: true }, "The kernel does not answer: it is busy with a cell, or it has stopped. If it was restarted, run this cell again; all saved tags are safe.");
  const ask = connect(model, signal, (is) => { silent.hidden = !is; root.classList.toggle("wb-is-silent", is); });
  const message = messageBar(signal), { say, fail } = message;
  const has = new Set(model.get("_parts"));
  const app = appPanel(ask, fail, say);
  const help = helpPanel(() => rest());
  const head = headPanel(ask, message, { app: app.open, help: help.flip });

  const slicer = has.has("slicer") ? slicerPanel(ask, fail, signal) : null;
  const map = has.has("map") ? mapPanel(ask, fail, signal) : null;
  const zoom = zoomPanel(ask, fail, say, { scenarios: () => model.get("_state").scenarios || [], neighbour: (id, step) => centre?.neighbour(id, step), look: () => ({ ...centre.show, boxes: true, masks: centre.show.masks }) }, signal);
  const centre = has.has("gallery") ? centrePanel(ask, fail, map, zoom.open, signal) : null;
  const makers = {
    tagger: () => taggerPanel(ask, fail, say, () => rest()), analysis: () => analysisPanel(ask, fail), explorer: () => explorerPanel(ask, fail, say, zoom.open, signal), generator: () => generatorPanel(ask, fail, signal),
    exporter: () => exporterPanel(ask, fail), scoreboard: () => scoreboardPanel(ask, fail), history: () => historyPanel(ask, fail, say), code: () => codePanel(say),
  };
  const panels = Object.fromEntries(Object.keys(makers).filter((name) => has.has(name)).map((name) => [name, makers[name]()]));
  const names = Object.keys(panels);
  const jobs = jobList(ask, fail, (job, result) => { for (const panel of Object.values(panels)) panel.ended?.(job, result); offerOptions(); });
  const tabs = names.map((name) => el("button.wb-tab", { role: "tab", data: { tab: TABS[name] }, onclick: () => open(name) }, TABS[name]));
  let opened = names[0];
  const open = (name) => {
    if (!panels[name]) return;
    opened = name;
    for (const [i, each] of names.entries()) {
      panels[each].root.hidden = each !== name;
      tabs[i].setAttribute("aria-selected", String(each === name));
      tabs[i].tabIndex = each === name ? 0 : -1;
    }
    panels[name].show?.();
  };
  const turn = (step) => { open(names[(names.indexOf(opened) + step + names.length) % names.length]); tabs[names.indexOf(opened)].focus(); };
  const rest = () => (centre ? centre.focus() : root.focus());

  const side = names.length ? el("div.wb-side", {}, ...(names.length > 1 ? [el("div.wb-tabs", { role: "tablist" }, ...tabs)] : []), el("div.wb-panel", {}, ...names.map((name) => panels[name].root), jobs.root)) : null;
  const middle = centre?.root ?? map?.root ?? null;
  const shown = [slicer?.root, middle, side].filter(Boolean);
  const widths = [slicer && (shown.length > 1 ? "var(--wb-left)" : "1fr"), middle && "minmax(0, 1fr)", side && (shown.length > 1 && middle ? "var(--wb-right)" : "1fr")].filter(Boolean);
  const main = el("div.wb-main", { style: { gridTemplateColumns: widths.join(" "), height: `${model.get("_height")}px` } }, ...shown, zoom.root);
  const root = el("div.wb-board", { tabIndex: -1, data: { lmSuppressShortcuts: "true", parts: [...has].join(" ") } }, head.root, silent, head.chips, main, message.root, help.root, app.root);

  const showState = () => {
    const state = model.get("_state");
    if (!state.counts) return;
    head.update(state);
    for (const part of [slicer, map, centre, ...Object.values(panels)]) part?.update?.(state);
    if (opened === "history") queueMicrotask(() => panels.history?.show());
    zoom.redraw();
  };
  const showJobs = () => jobs.update(model.get("_jobs"));
  const offerOptions = () => { if (panels.generator || panels.exporter || panels.analysis || panels.scoreboard) ask("options").then(({ result }) => { for (const panel of Object.values(panels)) panel.offer?.(result); }).catch(fail); };

  const simple = {
    t: () => { open("tagger"); panels.tagger?.focus(); }, u: () => panels.tagger?.undo(), r: () => panels.tagger?.redo(),
    b: () => centre?.flip("boxes"), k: () => centre?.flip("masks"), o: () => { if (model.get("_state").evaluation) centre?.flip("outcomes"); }, m: () => { if (map && centre) centre.flip("map"); },
    c: () => centre?.pin(), s: () => centre?.focusSort(), "+": () => centre?.resize(1), "=": () => centre?.resize(1), "-": () => centre?.resize(-1),
    "/": head.focus, f: () => slicer?.focus(), h: () => map?.focus(), g: rest, "[": () => turn(-1), "]": () => turn(1), "?": help.flip,
    Escape: () => { if (!help.root.hidden) help.close(); else if (!message.root.hidden) message.clear(); else ask("deselect").catch(fail); },
  };
  const onKey = (event) => {
    if (zoom.key(event)) return true;
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) { ask("select_filtered").catch(fail); return true; }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if ((event.key === " " || event.key === "Enter") && event.target.matches("button, summary, a")) return false;
    if (slicer?.key(event) || map?.key(event)) return true;
    if (event.target.matches(".wb-tab") && /^Arrow(Left|Right)$/.test(event.key)) { turn(event.key === "ArrowRight" ? 1 : -1); return true; }
    const gallery = centre?.galleries.find((one) => one.root.contains(event.target));
    if (gallery?.key(event)) return true;
    if (/^[1-9]$/.test(event.key)) return Boolean(panels.tagger?.tagByKey(event.key));
    if (!(event.key in simple)) return false;
    simple[event.key]();
    return true;
  };
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys of its own
    const typing = event.target.matches("select, textarea, input:not([type=checkbox], [type=range])");
    if (typing) { if (event.key === "Escape") { rest(); event.preventDefault(); } return; }
    if (onKey(event)) event.preventDefault();
  });

  const listeners = { "change:_state": showState, "change:_jobs": showJobs, "change:_stale": () => ask("follow").catch(fail) };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  const themed = new MutationObserver(() => map?.redraw()); // a change of theme changes the colours of the map
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  host.append(root);
  open(opened);
  showState();
  showJobs();
  offerOptions();
  return () => {
    ending.abort();
    themed.disconnect();
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
    root.remove();
  };
}

export default { render };
