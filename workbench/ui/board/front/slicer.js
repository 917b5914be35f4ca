// The slicer: bars and histograms whose counts follow all other facets.
import { choice, counted, digits, el, first, focusedIn, offer, shortName, thousands } from "./dom.js";

/** @import { Context, KeyEvent } from "./protocol.js" */

const BARS_SHOWN = 8, SEARCH_AFTER_MS = 200;

/** @param {Context} context */
export function panel({ ask, fail, signal }) {
  const list = el("div");
  const more = choice("Add a facet");
  more.onchange = () => { if (more.value) ask("show_facet", { facet: more.value }).catch(fail); more.value = ""; };
  const root = el("div.wb-slicer", { role: "group", "aria-label": "Facets" }, list, more);
  const expanded = new Set();
  /** @type {Map<string, {text: string, bars: any[]|null}>} searches by facet */
  const searches = new Map();
  let /** @type {any} */ state = null, timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));

  const bar = (facet, value, label, count, on, most) => el(
    `button.wb-bar${count ? "" : ".wb-none"}${value === null ? ".wb-missing" : ""}`, {
      "aria-pressed": String(on), title: `${label}: ${thousands(count)}`, data: { facet: facet.name, value: value ?? "" },
      onclick: () => ask("toggle", { facet: facet.name, value }).catch(fail),
    },
    el("i", { style: { width: `${most ? (100 * count) / most : 0}%` } }),
    el("span.wb-bar-label", {}, label), el("span.wb-bar-count", {}, thousands(count)));
  const missing = (facet, most) => (facet.missing.count || facet.missing.on ? [bar(facet, null, "missing", facet.missing.count, facet.missing.on, most)] : []);

  const search = (facet) => {
    const wanted = searches.get(facet);
    if (!wanted?.text) return;
    ask("find", { facet, text: wanted.text }).then(({ result }) => {
      if (searches.get(facet) !== wanted) return;
      wanted.bars = result;
      draw(facet);
    }).catch(fail);
  };
  const searchBox = (facet, n) => el("input.wb-search", {
    type: "search", placeholder: `search ${thousands(n)} values`, value: searches.get(facet.name)?.text || "", "aria-label": `search ${facet.name}`,
    oninput: (event) => {
      searches.set(facet.name, { text: event.target.value, bars: null });
      clearTimeout(timer);
      if (event.target.value) timer = setTimeout(() => search(facet.name), SEARCH_AFTER_MS);
      else { searches.delete(facet.name); draw(facet.name); }
    },
  });
  const bars = (facet) => {
    const matches = searches.get(facet.name)?.bars;
    const all = matches || facet.bars;
    const shown = matches || expanded.has(facet.name) ? all : all.filter((b, i) => i < BARS_SHOWN || b.on);
    const most = Math.max(1, facet.missing.count, ...facet.bars.map((b) => b.count));
    const total = facet.bars.length + facet.other.values;
    const rows = shown.map((b) => bar(facet, b.value, b.value, b.count, b.on, most));
    if (matches && !matches.length) rows.push(el("p.wb-hint", {}, "no value contains this text"));
    if (total > BARS_SHOWN) rows.unshift(searchBox(facet, total));
    const rest = all.length - shown.length;
    if (rest > 0) rows.push(el("button.wb-more", { data: { facet: facet.name, more: "1" }, onclick: () => { expanded.add(facet.name); draw(); } }, `${rest} more`));
    else if (!matches && facet.other.values) rows.push(el("p.wb-hint", {}, `other: ${counted(facet.other.values, "value")}, ${counted(facet.other.count, "sample")}; search above`));
    else if (!matches && expanded.has(facet.name)) rows.push(el("button.wb-more", { onclick: () => { expanded.delete(facet.name); draw(); } }, "fewer"));
    return [...rows, ...missing(facet, most)];
  };

  const histogram = (facet) => {
    const { counts, edges, range } = facet;
    const low = edges[0], high = edges[edges.length - 1], most = Math.max(1, ...counts);
    const ends = () => [range[0] ?? low, range[1] ?? high];
    const inside = (i, /** @type {number[]} */ [a, b]) => edges[i + 1] > a && edges[i] < b;
    const columns = counts.map((n, i) => el("i", { className: inside(i, ends()) ? "" : "wb-off", title: `${digits(edges[i])} to ${digits(edges[i + 1])}: ${thousands(n)}`, style: { height: `${Math.max(n ? 4 : 0, (100 * n) / most)}%` } }));
    const plot = el("div.wb-histogram", { tabIndex: 0, role: "slider", data: { facet: facet.name }, "aria-label": `${facet.name}: drag, or arrow keys for the lower end and Shift for the upper, Delete to clear`, "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": ends()[0], "aria-valuetext": ends().map(digits).join(" to ") }, ...columns);
    const at = (event) => { const box = plot.getBoundingClientRect(); return low + (high - low) * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); };
    const send = (a, b) => ask("brush", { facet: facet.name, low: a <= low ? null : a, high: b >= high ? null : b }).catch(fail);
    let from = null;
    plot.onpointerdown = (event) => { from = at(event); plot.setPointerCapture(event.pointerId); };
    plot.onpointermove = (event) => {
      if (from === null) return;
      const span = [from, at(event)].sort((x, y) => x - y);
      for (const [i, node] of columns.entries()) node.classList.toggle("wb-off", !inside(i, span));
    };
    plot.onpointerup = (event) => {
      if (from === null) return;
      const [a, b] = [from, at(event)].sort((x, y) => x - y);
      from = null;
      if (b - a < (high - low) / 100) send(low, high); // a click without a drag takes the brush away
      else send(a, b);
    };
    plot.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      const width = (high - low) / counts.length;
      const [a, b] = ends();
      if (event.key === "Delete" || event.key === "Backspace") send(low, high);
      else if (step && event.shiftKey) send(a, Math.max(a + width, Math.min(high, b + step * width)));
      else if (step) send(Math.min(b - width, Math.max(low, a + step * width)), b);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    const [a, b] = ends();
    return [plot, el("div.wb-ends", {}, el("span", {}, digits(a)), el("span", {}, digits(range[1] ?? facet.most ?? b))), ...missing(facet, Math.max(most, facet.missing.count))];
  };

  const draw = (searching) => {
    if (!state) return;
    const active = focusedIn(list);
    const { facet: name, value = "" } = active?.dataset || {};
    const again = searching || active?.matches(".wb-search") ? [searching || active?.closest("section")?.dataset.facet, ".wb-search"]
      : name && [name, active?.matches(".wb-histogram") ? ".wb-histogram" : `.wb-bar[data-value="${CSS.escape(value)}"]`];
    const top = root.scrollTop;
    list.replaceChildren(...state.notes.map((text) => el("p.wb-hint", {}, text)), ...state.facets.map((facet) => el("section", { data: { facet: facet.name } },
      el("h4", { title: facet.name }, el("span", {}, shortName(facet.name)),
        el("button.wb-quiet", { title: "Hide this facet", "aria-label": `hide ${facet.name}`, onclick: () => ask("show_facet", { facet: facet.name, on: false }).catch(fail) }, "×")),
      ...(facet.kind === "bars" ? bars(facet) : histogram(facet)))));
    root.scrollTop = top;
    const back = again && first(list, `section[data-facet="${CSS.escape(again[0])}"] ${again[1]}`);
    if (!back || !(active || searching)) return;
    back.focus({ preventScroll: true });
    if (back.setSelectionRange) back.setSelectionRange(back.value.length, back.value.length);
  };
  /** Arrows go from bar to bar. @param {KeyEvent} event */
  const key = (/** @type {KeyEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".wb-bar, .wb-more")) return false;
    const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".wb-bar, .wb-more, .wb-histogram")]);
    all[all.indexOf(event.target) + step]?.focus();
    return true;
  };
  let revision = -1;
  return {
    root, key, focus: () => first(list, ".wb-bar, .wb-histogram")?.focus(),
    update: (next) => {
      if (next.revision === revision) return;
      revision = next.revision;
      state = next;
      const shown = new Set(next.facets.map((facet) => facet.name));
      offer(more, [["", "+ facet …"], ...next.columns.map(([name]) => name).filter((name) => !shown.has(name)).map((name) => [name, shortName(name)])]);
      draw();
      for (const facet of searches.keys()) search(facet);
    },
  };
}
