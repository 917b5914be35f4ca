// The slicer: bars and histograms whose counts follow all other facets.
const BARS_SHOWN = 8;

const HISTOGRAM_W = 200, HISTOGRAM_H = 40;

/** @param {Ask} ask @param {(error: Error) => void} fail */
function facetPanel(ask, fail) {
  const root = el("div.wb-facets", { role: "group", "aria-label": "Facets" });
  const expanded = new Set();
  const searched = new Map();
  let state = null;

  const bar = (facet, value, label, count, on, most) => el(
    `button.wb-bar${count ? "" : ".wb-none"}`, {
      "aria-pressed": String(on), title: `${label}: ${thousands(count)}`, data: { facet: facet.name, value: value ?? "" },
      onclick: () => ask("toggle", { facet: facet.name, value }).catch(fail),
    },
    el("i", { style: { width: `${most ? (100 * count) / most : 0}%` } }),
    el("span.wb-bar-label", {}, label), el("span.wb-bar-count", {}, thousands(count)));

  const bars = (facet) => {
    const wanted = (searched.get(facet.name) || "").toLowerCase();
    const all = facet.bars.filter((b) => b.on || b.value.toLowerCase().includes(wanted));
    const shown = expanded.has(facet.name) ? all : all.slice(0, BARS_SHOWN);
    const most = Math.max(1, facet.missing.count, ...facet.bars.map((b) => b.count));
    const rows = shown.map((b) => bar(facet, b.value, b.value, b.count, b.on, most));
    if (facet.missing.count || facet.missing.on) rows.push(bar(facet, null, "(missing)", facet.missing.count, facet.missing.on, most));
    if (all.length > BARS_SHOWN || wanted) rows.unshift(el("input.wb-search", {
      type: "search", placeholder: `search ${facet.bars.length} values`, value: searched.get(facet.name) || "", "aria-label": `search ${facet.name}`,
      oninput: (event) => { searched.set(facet.name, event.target.value); draw(facet.name); },
    }));
    if (all.length > shown.length) rows.push(el("button.wb-more", { onclick: () => { expanded.add(facet.name); draw(); } }, `${all.length - shown.length} more`));
    return rows;
  };

  const histogram = (facet) => {
    const { counts, edges, range } = facet;
    const low = edges[0], high = edges[edges.length - 1], most = Math.max(1, ...counts);
    const inside = (i) => (range[0] === null || edges[i + 1] > range[0]) && (range[1] === null || edges[i] < range[1]);
    const plot = el("div.wb-histogram", { tabIndex: 0, role: "slider", "aria-label": `${facet.name}, drag to keep a range` },
      ...counts.map((n, i) => el("i", { className: inside(i) ? "" : "wb-off", title: `${edges[i].toPrecision(3)} to ${edges[i + 1].toPrecision(3)}: ${thousands(n)}`, style: { height: `${Math.max(n ? 4 : 0, (100 * n) / most)}%` } })));
    const at = (event) => { const box = plot.getBoundingClientRect(); return low + (high - low) * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); };
    let from = null;
    plot.onpointerdown = (event) => { from = at(event); plot.setPointerCapture(event.pointerId); };
    plot.onpointerup = (event) => {
      if (from === null) return;
      const [a, b] = [from, at(event)].sort((x, y) => x - y);
      from = null;
      const clear = b - a < (high - low) / 100; // a click without a drag takes the brush away
      ask("brush", { facet: facet.name, low: clear ? null : a, high: clear ? null : b }).catch(fail);
    };
    return [plot, el("div.wb-ends", {}, el("span", {}, low.toPrecision(3)), el("span", {}, high.toPrecision(3)))];
  };

  const draw = (keepFocus) => {
    if (!state) return;
    const active = root.contains(document.activeElement) ? document.activeElement.dataset : null;
    const top = root.scrollTop;
    root.replaceChildren(...state.facets.map((facet) => el("section", { data: { facet: facet.name } },
      el("h4", { title: facet.name }, facet.name.replace(/^measures\./, "")),
      ...(facet.kind === "bars" ? bars(facet) : histogram(facet)))));
    root.scrollTop = top;
    const again = keepFocus
      ? root.querySelector(`[data-facet="${CSS.escape(keepFocus)}"] .wb-search`)
      : active && active.facet && root.querySelector(`.wb-bar[data-facet="${CSS.escape(active.facet)}"][data-value="${CSS.escape(active.value || "")}"]`);
    if (again) { again.focus(); if (again.setSelectionRange) again.setSelectionRange(again.value.length, again.value.length); }
  };
  return { root, update: (next) => { state = next; draw(); } };
}
