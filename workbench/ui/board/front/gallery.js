// The middle: how samples are shown, the failure map above, one gallery or two side by side.
import { choice, el, offer, shortName, thousands } from "./dom.js";
import { galleryGrid } from "./grid.js";
import { legend } from "./overlay.js";

/** @import { Context, KeyEvent } from "./protocol.js" */

const WIDTHS = [104, 140, 216, 320];

/** @param {Context} context */
export function panel({ ask, fail, signal, zoom, panels: { map } }) {
  const show = { boxes: true, masks: false, outcomes: false, size: 1, map: Boolean(map) };
  let /** @type {any} */ state = null;
  const tileLook = () => ({ ...show, width: WIDTHS[show.size], key: [show.boxes, show.masks, show.outcomes].join() });
  const galleries = ["pinned", "filtered"].map((side) => galleryGrid(ask, fail, { side, zoom, look: tileLook }, signal));
  const [pinned, current] = galleries;
  const heads = ["Pinned", "Current"].map((title) => ({ title, node: el("div.wb-side-head") }));
  const columns = galleries.map((gallery, i) => el("div.wb-column", {}, heads[i].node, gallery.root));

  const order = choice("Sort by");
  const direction = el("button.wb-quiet", { "aria-label": "Direction", title: "Reverse the order" });
  const sort = (facet, descending) => ask("sort", { facet: facet || null, descending }).catch(fail);
  order.onchange = () => sort(order.value, state?.order ? state.order[1] : false);
  direction.onclick = () => { if (state?.order) sort(state.order[0], !state.order[1]); };
  const switched = (name, text, hint) => el("button.wb-switch", { "aria-pressed": "false", title: hint, data: { does: `show-${name}` }, onclick: () => flip(name) }, text);
  const buttons = {
    boxes: switched("boxes", "Boxes", "Boxes on or off (b)"),
    masks: switched("masks", "Masks", "Masks on or off (k)"),
    outcomes: switched("outcomes", "Outcomes", "Colour by what became of each label: hit, missed, false alarm ... (o)"),
    map: switched("map", "Map", "Failure map (m)"),
  };
  const key = legend();
  const compare = el("button.wb-switch", { data: { does: "pin" }, title: "Keep this filter on the left and compare it with the next ones (c)", onclick: () => pin() }, "Compare");
  const size = el("input.wb-size", { type: "range", min: 0, max: WIDTHS.length - 1, value: show.size, "aria-label": "Size of the images", title: "Size of the images (+ and -)", oninput: (event) => resize(Number(event.target.value)) });

  const bar = el("div.wb-toolbar", {}, el("label.wb-inline", {}, el("span", {}, "Sort"), order), direction, el("span.wb-space-between"),
    ...(map ? [buttons.map] : []), buttons.boxes, buttons.masks, buttons.outcomes, compare, size);
  const root = el("div.wb-centre", {}, bar, ...(map ? [map.root] : []), key, el("div.wb-columns", {}, ...columns));

  const paint = () => {
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(show[name]));
    key.hidden = !(show.outcomes && show.boxes);
    for (const gallery of galleries) gallery.draw();
  };
  const flip = (name) => {
    show[name] = !show[name];
    if (name === "outcomes" && show.outcomes) show.boxes = true;
    if (name === "map") map?.show(show.map);
    paint();
    if (name === "masks" && show.masks) for (const gallery of galleries) gallery.stale(); // outlines come with a page when wanted
  };
  const resize = (to) => {
    show.size = Math.min(WIDTHS.length - 1, Math.max(0, to));
    size.value = String(show.size);
    for (const gallery of galleries) gallery.draw();
  };
  const pin = () => (state?.pinned ? ask("unpin") : ask("pin")).catch(fail);
  let judged = false;
  return {
    root, show, flip, pin,
    resize: (step) => resize(show.size + step),
    focus: () => current.root.focus(),
    focusSort: () => order.focus(),
    key: (/** @type {KeyEvent} */ event) => Boolean(galleries.find((gallery) => gallery.root.contains(event.target))?.key(event)),
    follow: (place, side) => (side === "pinned" ? pinned : current).goTo(place),
    update: (next) => {
      state = next;
      if (next.evaluation && !judged) { judged = true; show.outcomes = true; }
      buttons.outcomes.disabled = !next.evaluation;
      buttons.outcomes.title = next.evaluation ? `Colour by what became of each label of ${next.evaluation.field} at IoU ${next.evaluation.iou} (o)` : "Evaluate predictions first (Analyse)";
      offer(order, [["", "as loaded"], ...next.columns.map(([name]) => [name, shortName(name)])]);
      order.value = next.order ? next.order[0] : "";
      direction.textContent = next.order?.[1] ? "↓" : "↑";
      direction.disabled = !next.order;
      const comparing = next.pinned !== null;
      compare.textContent = comparing ? "End comparison" : "Compare";
      compare.setAttribute("aria-pressed", String(comparing));
      columns[0].hidden = !comparing;
      for (const [i, head] of heads.entries()) {
        head.node.hidden = !comparing;
        const where = i ? next.where : next.pinned;
        head.node.replaceChildren(el("b", {}, head.title), el("span.wb-data", { title: where }, where === "True" ? "all samples" : where), el("span.wb-n", {}, thousands(i ? next.counts.filtered : next.counts.pinned)));
      }
      current.update(next);
      pinned.update(next); // without a pinned filter it forgets its tiles
      paint();
    },
  };
}
