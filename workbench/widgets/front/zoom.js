// One sample, large, with everything that is known of it.

/** @param {Ask} ask @param {(error: Error) => void} fail @param {(id: string, step: number) => string|undefined} neighbour @param {AbortSignal} signal */
function zoomPanel(ask, fail, neighbour, signal) {
  const root = el("div.wb-zoom", { hidden: true, role: "dialog", "aria-label": "Sample", tabIndex: -1 });
  let shown = null, back = null;
  const close = () => { root.hidden = true; shown = null; back?.focus(); };
  // "measures.noise" stands as "noise" under a heading "measures"
  const rows = (facts) => facts.flatMap(([name, value], i) => {
    const [group, own] = name.includes(".") ? [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)] : ["", name];
    const starts = group && !facts[i - 1]?.[0].startsWith(`${group}.`);
    return [starts ? el("tr", {}, el("td.wb-group", { colSpan: 2 }, group)) : null, el("tr", {}, el("th", {}, own), el("td", {}, value))].filter(Boolean);
  });
  const open = (id) => {
    if (root.hidden) back = document.activeElement;
    ask("zoom", { sample_id: id }).then(({ result, buffers }) => {
      shown = id;
      root.replaceChildren(
        el("div.wb-zoom-picture", {}, el("div.wb-picture", { style: { aspectRatio: String(result.aspect) } },
          el("img", { src: pictureUrl(buffers[0], signal), alt: result.name }), boxLayer(result.boxes, true))),
        el("div.wb-facts", {},
          el("header", {}, el("b", {}, result.name), el("button", { title: "Close (Esc)", "aria-label": "Close", onclick: close }, "×")),
          el("table", {}, ...rows([["tags", result.tags.join(", ") || "none"], ["boxes", String(result.boxes.length)], ...result.facts, ["id", id]]))));
      root.hidden = false;
      root.focus();
    }).catch(fail);
  };
  const key = (event) => {
    if (root.hidden) return false;
    if (event.key === "Escape" || event.key === "Enter") { close(); return true; }
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const next = neighbour(shown, event.key === "ArrowRight" ? 1 : -1);
      if (next && next !== shown) open(next);
      return true;
    }
    return false;
  };
  return { root, open, key };
}
