// One gallery: a virtual grid. Only rows in sight exist; their pages are asked for when they come near.
import { el, pictureStore } from "./dom.js";
import { longScroll } from "./scroll.js";
import { CAPTION_PX, GAP_PX, tileContent, tileFrame } from "./tile.js";

/** @import { Ask, Asked, Failure } from "./protocol.js" */

const PAGE = 60, PAGES_KEPT = 20, PAGES_ASKED = 3, REST_MS = 70;

/**
 * @param {Ask} ask
 * @param {(error: Failure) => void} fail
 * @param {{side: string, zoom: (id: string, side: string) => void, look: () => any}} of `look` tells how tiles are shown
 * @param {AbortSignal} signal
 */
export function galleryGrid(ask, fail, of, signal) {
  const root = el("div.wb-gallery", { tabIndex: 0, role: "listbox", "aria-multiselectable": "true", "aria-label": of.side === "pinned" ? "Pinned samples" : "Samples" });
  const empty = el("div.wb-empty", { hidden: true });
  const pictures = pictureStore(signal);
  /** @type {Map<number, {items: any[], urls: string[], marks: boolean[], stale: boolean}>} */
  const pages = new Map();
  /** @type {Map<number, Asked>} */
  const asked = new Map();
  /** @type {Map<number, {node: HTMLElement, of: string}>} tiles in sight by place */
  const tiles = new Map();
  let total = 0, all = 0, revision = -1, arrangement = -1, marks = -1, focus = 0, /** @type {number|null} */ anchor = 0, /** @type {number|null} */ anchorBefore = 0, clicked = "", toggles = 0, timer = 0, scenarios = new Map();
  const scroll = longScroll(root, signal, () => draw());
  root.append(empty);
  signal.addEventListener("abort", () => clearTimeout(timer));

  const perRow = () => Math.max(1, Math.floor((root.clientWidth - GAP_PX) / of.look().width));
  const tileWidth = () => Math.floor((root.clientWidth - GAP_PX) / perRow()); // the row is filled
  const rowHeight = () => Math.round((tileWidth() - GAP_PX) * 0.75) + CAPTION_PX + GAP_PX;
  const pageOf = (i) => pages.get(Math.floor(i / PAGE));
  const urlAt = (i) => pageOf(i)?.urls[i % PAGE] ?? "";
  const itemAt = (i) => pageOf(i)?.items[i % PAGE];
  const isOn = (i) => Boolean(pageOf(i)?.marks[i % PAGE]);

  const release = (number) => {
    for (const url of pages.get(number)?.urls || []) pictures.release(url);
    pages.delete(number);
  };
  const load = (number) => {
    if (asked.has(number) || pages.get(number)?.stale === false || asked.size >= PAGES_ASKED) return;
    const before = arrangement, toggled = toggles;
    const page = ask("page", { start: number * PAGE, count: PAGE, side: of.side, masks: of.look().masks });
    asked.set(number, page);
    page.then(({ result, buffers }) => {
      asked.delete(number);
      if (before === arrangement) {
        release(number);
        pages.set(number, { items: result.tiles, urls: buffers.map(pictures.add), marks: result.marks, stale: false });
        forget(number);
        if (toggled !== toggles) ask_marks([number]);
      }
      draw();
    }).catch((error) => { if (asked.get(number) === page) asked.delete(number); if (!error.dropped) fail(error); });
  };
  const drop = (number) => { const page = asked.get(number); if (page) ask.drop(page); asked.delete(number); }; // at once: it makes room for others
  const forget = (near) => {
    if (pages.size <= PAGES_KEPT) return;
    const far = [...pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const number of far.slice(0, pages.size - PAGES_KEPT)) release(number);
  };
  const ask_marks = (numbers) => {
    for (const number of numbers) {
      const page = pages.get(number), toggled = toggles;
      if (page) ask("marks", { start: number * PAGE, count: PAGE, side: of.side }).then(({ result }) => {
        if (toggled !== toggles) return; // a mark was changed meanwhile; the answer to that brings all of them
        page.marks = result;
        draw();
      }).catch(fail);
    }
  };
  const inSight = () => {
    const columns = perRow(), height = rowHeight();
    const first = Math.max(0, Math.floor(scroll.top() / height)) * columns;
    const last = Math.min(total, Math.ceil((scroll.top() + root.clientHeight) / height) * columns);
    return { columns, height, first, last };
  };
  const pagesInSight = ({ first, last }) => { const numbers = []; for (let p = Math.floor(first / PAGE); p * PAGE < last; p++) numbers.push(p); return numbers; };

  const put = (i, { columns, height }) => {
    const item = itemAt(i);
    const look = of.look();
    const version = item ? `${item.id} ${urlAt(i)} ${look.key}` : "";
    let tile = tiles.get(i);
    if (!tile || tile.of !== version) {
      const node = item ? tileFrame(item, i) : el("div.wb-tile.wb-loading", { data: { index: i } });
      if (item) node.append(...tileContent(item, urlAt(i), look, scenarios));
      tile?.node.remove();
      tile = { node, of: version };
      tiles.set(i, tile);
      scroll.layer.append(node);
    }
    const { node } = tile;
    node.style.transform = `translate(${(i % columns) * tileWidth() + GAP_PX}px, ${Math.floor(i / columns) * height - scroll.top() + GAP_PX}px)`;
    node.style.width = `${tileWidth() - GAP_PX}px`;
    node.style.height = `${height - GAP_PX}px`;
    node.classList.toggle("wb-focus", i === focus);
    if (item) { node.classList.toggle("wb-on", isOn(i)); node.setAttribute("aria-selected", String(isOn(i))); }
  };
  const draw = () => {
    if (!root.clientWidth) return;
    const columns = perRow();
    scroll.setLength(Math.ceil(total / columns) * rowHeight() + GAP_PX);
    const sight = inSight();
    for (const [i, { node }] of tiles) if (i < sight.first || i >= sight.last) { node.remove(); tiles.delete(i); }
    for (let i = sight.first; i < sight.last; i++) put(i, sight);
    empty.hidden = total > 0;
    empty.textContent = all ? "No samples in this filter. Remove a condition above, or click a marked bar again." : "The dataset is empty. Load images with wb.load(ds, folder, source=\"real\").";
    clearTimeout(timer); // while scrolling fast nothing is asked for
    timer = setTimeout(() => {
      const wanted = pagesInSight(inSight());
      for (const number of [...asked.keys()]) if (!wanted.includes(number)) drop(number);
      for (const number of wanted) load(number);
    }, pages.size ? REST_MS : 0);
  };
  const choose = (i, { toggle = false, range = false } = {}) => {
    const item = itemAt(i);
    anchorBefore = anchor;
    if (range) ask("select_range", { start: anchor ?? i, end: i, arrangement, side: of.side }).catch(fail);
    else if (item) {
      if (toggle) { const page = pageOf(i); toggles++; if (page) page.marks[i % PAGE] = !isOn(i); draw(); } // shown at once; Python's word follows
      ask("select", { ids: [item.id], on: toggle ? null : true, only: !toggle }).catch((error) => { fail(error); ask_marks([...pages.keys()]); });
      anchor = i;
    }
  };
  const move = (to) => {
    focus = Math.min(total - 1, Math.max(0, to));
    const height = rowHeight(), top = Math.floor(focus / perRow()) * height;
    if (top < scroll.top()) scroll.scrollTo(top);
    else if (top + height + GAP_PX > scroll.top() + root.clientHeight) scroll.scrollTo(top + height + GAP_PX - root.clientHeight);
    draw();
  };
  const indexOf = (/** @type {any} */ event) => { const node = event.target.closest(".wb-tile"); return node ? Number(node.dataset.index) : null; };
  scroll.layer.onclick = (/** @type {any} */ event) => {
    const i = indexOf(event);
    const id = i === null ? "" : itemAt(i)?.id ?? "", tick = Boolean(event.target.closest(".wb-tick"));
    if (i === null || (event.detail > 1 && id === clicked && !tick)) return; // the second click of a double click
    clicked = tick ? "" : id;
    focus = i;
    choose(i, { toggle: event.ctrlKey || event.metaKey || tick, range: event.shiftKey });
  };
  scroll.layer.ondblclick = (event) => { // it opens what its first click hit, and takes the choice of that back
    const i = indexOf(event), id = i === null ? "" : itemAt(i)?.id;
    if (!id || id !== clicked) return;
    clicked = "";
    anchor = anchorBefore;
    ask("select_back").catch(fail);
    of.zoom(id, of.side);
  };

  /** @param {KeyboardEvent} event @returns {boolean} whether the key meant something here */
  const key = (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(), ArrowUp: -perRow(), PageDown: 3 * perRow(), PageUp: -3 * perRow() };
    const to = event.key === "Home" ? 0 : event.key === "End" ? total - 1 : event.key in steps ? focus + steps[event.key] : null;
    if (to !== null) { move(to); if (event.shiftKey) choose(focus, { range: true }); return true; }
    if (event.key === " ") { choose(focus, { toggle: true }); return true; }
    if (event.key === "Enter") { const item = itemAt(focus); if (item) of.zoom(item.id, of.side); return true; }
    return false;
  };
  return {
    root, key, draw: () => scroll.draw(),
    goTo: move,
    stale: () => { for (const page of pages.values()) page.stale = true; scroll.draw(); },
    update: (state) => {
      all = state.counts.all;
      total = of.side === "pinned" ? state.counts.pinned : state.counts.filtered;
      focus = Math.min(focus, Math.max(0, total - 1));
      if (state.arrangement !== arrangement) {
        for (const number of [...asked.keys()]) drop(number);
        for (const number of [...pages.keys()]) release(number);
        for (const { node } of tiles.values()) node.remove();
        tiles.clear();
        anchor = anchorBefore = null; // another sample has its place now
        clicked = "";
        arrangement = state.arrangement;
        marks = state.marks;
      } else if (state.revision !== revision) {
        for (const page of pages.values()) page.stale = true;
      }
      if (state.marks !== marks) { marks = state.marks; ask_marks([...pages.keys()]); }
      revision = state.revision;
      scenarios = new Map(state.scenarios.map((s) => [s.tag, s]));
      draw();
    },
  };
}
