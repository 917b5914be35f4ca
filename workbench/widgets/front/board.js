// The board: parts joined by the state that Python publishes. render may run several times for one model.
const KEYS = [
  ["arrows, Home, End", "move in the gallery"], ["Space", "select or deselect"], ["Shift + arrows", "select a range"],
  ["Ctrl + A", "select all filtered"], ["Escape", "close; empty the selection"], ["Enter", "zoom in"], ["t", "name a failure scenario"],
  ["1 … 9", "tag the selection with that scenario"], ["u / r", "undo / redo"], ["b", "boxes on or off"], ["/", "filter as text"], ["?", "this help"],
];

const SAID_FOR_MS = 8000;

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el: host }) {
  const ending = new AbortController();
  const ask = connect(model, ending.signal);
  const message = el("div.wb-message", { role: "alert", hidden: true });
  let fading = 0;
  const tell = (text, bad) => {
    clearTimeout(fading);
    if (!bad) fading = setTimeout(() => { message.hidden = true; }, SAID_FOR_MS); // what went wrong stays
    message.hidden = false;
    message.className = `wb-message${bad ? " wb-bad" : ""}`;
    message.replaceChildren(el("span", {}, text), el("button", { "aria-label": "Dismiss", onclick: () => { message.hidden = true; } }, "×"));
  };
  const say = (text) => tell(text, false);
  const fail = (error) => tell(error.message, true);

  const counts = el("div.wb-counts");
  const chips = el("div.wb-chips");
  const where = el("input.wb-where", { placeholder: "filter, e.g. lighting == 'dim' and class == 'mug'", "aria-label": "Filter as text", spellcheck: false });
  where.onkeydown = (event) => { if (event.key === "Enter") ask("where", { text: where.value }).then(() => { where.value = ""; message.hidden = true; }).catch(fail); };
  const appFrame = el("div.wb-app", { hidden: true });
  const openApp = () => ask("app").then(({ result }) => {
    appFrame.hidden = false;
    appFrame.replaceChildren(el("div.wb-row", {}, el("a", { href: result, target: "_blank", rel: "noopener" }, "FiftyOne App in its own tab"), el("button", { onclick: () => { appFrame.hidden = true; appFrame.replaceChildren(); } }, "Close")), el("iframe", { src: result, title: "FiftyOne App" }));
  }).catch(fail);
  const help = el("div.wb-help", { hidden: true, role: "dialog", "aria-label": "Keys" }, el("table", {}, ...KEYS.map(([key, does]) => el("tr", {}, el("th", {}, key), el("td", {}, does)))));

  const facets = facetPanel(ask, fail);
  const zoom = zoomPanel(ask, fail, (id, step) => gallery.neighbour(id, step), ending.signal);
  const gallery = galleryPanel(ask, fail, { zoom: zoom.open, changed: () => {} }, ending.signal);
  const tagger = taggerPanel(ask, fail, say, () => gallery.root.focus());
  const generating = generatePanel(ask, fail, ending.signal);
  const exporting = exportPanel(ask, fail);
  const past = historyPanel(ask, fail);
  const code = codePanel();
  const jobs = jobList(ask, fail);

  const panels = { Tag: tagger, Generate: generating, Export: exporting, History: past, Code: code };
  const tabs = Object.entries(panels).map(([name, panel]) => el("button.wb-tab", { role: "tab", data: { tab: name }, onclick: () => open(name) }, name));
  const open = (name) => {
    for (const [i, [each, panel]] of Object.entries(panels).entries()) {
      panel.root.hidden = each !== name;
      tabs[i].setAttribute("aria-selected", String(each === name));
    }
    if (name === "History") past.show();
  };

  const root = el("div.wb-board", { data: { lmSuppressShortcuts: "true" } },
    el("header.wb-top", {}, counts, where,
      el("button", { title: "Read the dataset anew", data: { does: "refresh" }, onclick: () => ask("refresh").catch(fail) }, "⟳"),
      el("button", { title: "Open the filtered samples in the FiftyOne App below", data: { does: "app" }, onclick: openApp }, "FiftyOne App"),
      el("button", { title: "Keys (?)", "aria-label": "Keys", onclick: () => { help.hidden = !help.hidden; } }, "?")),
    chips, help,
    el("div.wb-main", {}, facets.root, gallery.root,
      el("div.wb-side", {}, el("div.wb-tabs", { role: "tablist" }, ...tabs), ...Object.values(panels).map((p) => p.root), jobs.root), zoom.root, message),
    appFrame);

  const showCounts = () => {
    const { counts: c } = model.get("_state");
    const chosen = model.get("_selected").length;
    counts.replaceChildren(el("b", { data: { count: "selected" } }, thousands(chosen)), " selected · ", el("b", { data: { count: "filtered" } }, thousands(c.filtered)), " filtered · ", el("b", { data: { count: "all" } }, thousands(c.all)), " all");
  };
  const showState = () => {
    const state = model.get("_state");
    if (!state.counts) return;
    showCounts();
    chips.replaceChildren(...state.chips.map((chip) => el("button.wb-chip", { title: "Remove this condition", onclick: () => ask("clear", { facet: chip.facet }).catch(fail) }, el("span.wb-data", {}, chip.text), " ×")),
      ...(state.chips.length > 1 ? [el("button.wb-link", { onclick: () => ask("clear").catch(fail) }, "clear all")] : []));
    facets.update(state);
    gallery.update(state);
    tagger.update({ ...state, counts: { ...state.counts, selected: model.get("_selected").length } });
    code.update(state);
  };
  const showSelected = () => { gallery.select(model.get("_selected")); showCounts(); tagger.update({ ...model.get("_state"), counts: { ...model.get("_state").counts, selected: model.get("_selected").length } }); };
  const showJobs = () => jobs.update(model.get("_jobs"));

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys of its own
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (typing) { if (event.key === "Escape") gallery.root.focus(); return; }
    if (event.key === "Enter" && event.target.tagName === "BUTTON") return;
    if (onKey(event)) event.preventDefault();
  });
  const onKey = (event) => {
    if (zoom.key(event)) return true;
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) { ask("select_filtered").catch(fail); return true; }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === " " && event.target.tagName === "BUTTON") return false;
    if (gallery.root.contains(event.target) && gallery.key(event)) return true;
    if (/^[1-9]$/.test(event.key)) return tagger.tagByKey(event.key);
    const simple = {
      t: () => { open("Tag"); tagger.focus(); }, u: tagger.undo, r: tagger.redo, "/": () => where.focus(), "?": () => { help.hidden = !help.hidden; },
      Escape: () => { if (!help.hidden) help.hidden = true; else ask("deselect").catch(fail); },
    };
    if (!(event.key in simple)) return false;
    simple[event.key]();
    return true;
  };

  const listeners = { "change:_state": showState, "change:_selected": showSelected, "change:_jobs": showJobs, "change:_stale": () => ask("follow").catch(fail) };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  host.append(root);
  open("Tag");
  showState();
  showSelected();
  showJobs();
  ask("options").then(({ result }) => { generating.offer(result); exporting.offer(result); }).catch(fail);
  return () => {
    ending.abort();
    clearTimeout(fading);
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
    root.remove();
  };
}

export default { render };
