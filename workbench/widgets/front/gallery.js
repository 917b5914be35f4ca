// The gallery: a virtual grid. Only rows in sight exist; their pages are asked for when they come near.
const TILE_W = 150, TILE_H = 150, PAGE = 48, PAGES_KEPT = 24;

/**
 * @param {Ask} ask
 * @param {(error: Error) => void} fail
 * @param {{zoom: (id: string) => void, changed: () => void}} does
 * @param {AbortSignal} signal
 */
function galleryPanel(ask, fail, does, signal) {
  const space = el("div.wb-space");
  const root = el("div.wb-gallery", { tabIndex: 0, role: "listbox", "aria-multiselectable": "true", "aria-label": "Samples" }, space);
  /** @type {Map<number, {items: any[], urls: string[]} | null>} */
  const pages = new Map();
  const stale = new Set(); // numbers of pages to ask for again; shown until the answer is there
  let revision = -1, order = -1, total = 0, all = 0, focus = 0, anchor = 0, boxes = true, timer = 0;
  let selected = new Set();

  const perRow = () => Math.max(1, Math.floor((root.clientWidth - 4) / TILE_W));
  const tileWidth = () => Math.floor((root.clientWidth - 4) / perRow()); // the row is filled

  const load = (number) => {
    if (pages.has(number) && !stale.has(number)) return;
    const asked = revision;
    stale.delete(number);
    if (!pages.has(number)) pages.set(number, null);
    ask("page", { start: number * PAGE, count: PAGE }).then(({ result, buffers }) => {
      if (asked !== revision) return;
      release(pages.get(number));
      pages.set(number, { items: result, urls: buffers.map((b) => (b.byteLength ? pictureUrl(b, signal) : "")) });
      forget(number);
      draw();
    }).catch((error) => { if (!pages.get(number)) pages.delete(number); fail(error); });
  };
  const release = (page) => (page?.urls || []).forEach((url) => URL.revokeObjectURL(url));
  const forget = (near) => {
    if (pages.size <= PAGES_KEPT) return;
    const far = [...pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const number of far.slice(0, pages.size - PAGES_KEPT)) {
      release(pages.get(number));
      pages.delete(number);
    }
  };
  const itemAt = (i) => pages.get(Math.floor(i / PAGE))?.items[i % PAGE];

  const tile = (i) => {
    const item = itemAt(i);
    const place = { style: { left: `${(i % perRow()) * tileWidth()}px`, width: `${tileWidth() - 6}px`, top: `${Math.floor(i / perRow()) * TILE_H}px` }, data: { index: i } };
    if (!item) return el("div.wb-tile.wb-loading", place);
    const url = pages.get(Math.floor(i / PAGE)).urls[i % PAGE];
    const isOn = selected.has(item.id);
    const classes = ["wb-tile", isOn ? "wb-on" : "", i === focus ? "wb-focus" : ""].filter(Boolean).join(".");
    const failures = item.tags.filter((t) => t.startsWith("failure:"));
    return el(`div.${classes}`, { ...place, role: "option", "aria-selected": String(isOn), data: { index: i, id: item.id }, title: item.name },
      el("div.wb-picture", {},
        url ? el("div.wb-frame", { style: { aspectRatio: String(item.aspect) } }, el("img", { src: url, alt: item.name, draggable: false }), boxes ? boxLayer(item.boxes, false) : null)
          : el("div.wb-broken", {}, `cannot be read: ${item.name}`),
        failures.length ? el("span.wb-tagged", { title: failures.join(", ") }, `⚑ ${failures.map((t) => t.slice(8)).join(", ")}`) : null),
      el("div.wb-caption", {},
        el(`span.wb-source.wb-${item.source === "synthetic" ? "synthetic" : "real"}`, {}, item.source || "?"),
        el("span.wb-words", {}, [item.classification, item.lighting, item.surface].filter(Boolean).join(" · "))));
  };
  const draw = () => {
    const columns = perRow();
    space.style.height = `${Math.ceil(total / columns) * TILE_H}px`;
    const first = Math.max(0, Math.floor(root.scrollTop / TILE_H) - 1) * columns;
    const last = Math.min(total, (Math.ceil((root.scrollTop + root.clientHeight) / TILE_H) + 1) * columns);
    const tiles = [];
    for (let i = first; i < last; i++) tiles.push(tile(i));
    if (!total) tiles.push(el("div.wb-empty", {}, all ? "No samples in this filter. Remove a condition above, or click a marked bar again." : "The dataset is empty. Load pictures with wb.load(ds, folder, source=\"real\")."));
    space.replaceChildren(...tiles);
    clearTimeout(timer); // while scrolling fast nothing is asked for
    timer = setTimeout(() => { for (let p = Math.floor(first / PAGE); p * PAGE < last; p++) load(p); }, pages.size ? 80 : 0);
  };
  const choose = (i, { toggle = false, range = false } = {}) => {
    const item = itemAt(i);
    if (range) ask("select_range", { start: anchor, end: i }).then(does.changed).catch(fail);
    else if (item) {
      const on = toggle ? !selected.has(item.id) : true;
      ask("select", { ids: [item.id], on, only: !toggle }).then(does.changed).catch(fail);
      anchor = i;
    }
  };
  const move = (step) => {
    focus = Math.min(total - 1, Math.max(0, focus + step));
    const top = Math.floor(focus / perRow()) * TILE_H;
    if (top < root.scrollTop) root.scrollTop = top;
    if (top + TILE_H > root.scrollTop + root.clientHeight) root.scrollTop = top + TILE_H - root.clientHeight;
    draw();
  };
  const indexOf = (event) => { const node = event.target.closest(".wb-tile"); return node ? Number(node.dataset.index) : null; };
  space.onclick = (event) => {
    const i = indexOf(event);
    if (i === null) return;
    focus = i;
    choose(i, { toggle: event.ctrlKey || event.metaKey, range: event.shiftKey });
  };
  space.ondblclick = (event) => { const item = itemAt(indexOf(event)); if (item) does.zoom(item.id); };
  root.addEventListener("scroll", draw, { passive: true });
  const resized = new ResizeObserver(draw);
  resized.observe(root);
  signal.addEventListener("abort", () => { resized.disconnect(); clearTimeout(timer); });

  /** @param {KeyboardEvent} event @returns {boolean} whether the key meant something here */
  const key = (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(), ArrowUp: -perRow(), Home: -total, End: total, PageDown: 3 * perRow(), PageUp: -3 * perRow() };
    if (event.key in steps) { move(steps[event.key]); if (event.shiftKey) choose(focus, { range: true }); return true; }
    if (event.key === " ") { choose(focus, { toggle: true }); return true; }
    if (event.key === "Enter") { const item = itemAt(focus); if (item) does.zoom(item.id); return true; }
    if (event.key === "b") { boxes = !boxes; draw(); return true; }
    return false;
  };
  return {
    root, key,
    neighbour: (id, step) => {
      for (let i = 0; i < total; i++) if (itemAt(i)?.id === id) { focus = Math.min(total - 1, Math.max(0, i + step)); move(0); return itemAt(focus)?.id; }
      return undefined;
    },
    update: (state) => {
      if (state.revision !== revision) {
        revision = state.revision;
        all = state.counts.all;
        for (const [number, page] of pages) {
          if (page && state.order === order) stale.add(number);
          else { release(page); pages.delete(number); }
        }
        order = state.order;
        if (state.counts.filtered !== total) { total = state.counts.filtered; focus = Math.min(focus, Math.max(0, total - 1)); }
      }
      draw();
    },
    select: (ids) => { selected = new Set(ids); draw(); },
  };
}
