// The keyboard: what every key does, and the help that says so.
import { el } from "./dom.js";

const KEYS = [
  ["Gallery", [["← → ↑ ↓  Home  End", "move"], ["Space", "select or deselect"], ["Shift + arrows", "select a range"], ["Ctrl + A", "select all filtered"], ["Enter", "zoom in; ← → there, other keys act on the image shown"], ["+ / −", "larger or smaller images"]]],
  ["Show", [["b", "boxes"], ["k", "masks"], ["o", "outcomes: hits, misses, false alarms"], ["m", "failure map"], ["s", "sort by"], ["c", "compare with this filter"]]],
  ["Tag", [["t", "name a failure scenario"], ["1 … 9", "tag the selection; in the zoom the image shown, or its chosen boxes"], ["u / r", "undo / redo, as Ctrl + Z / Y; in the zoom changes made there"]]],
  ["Go to", [["/", "filter as text"], ["f", "facets; ↑ ↓ there, Space to choose"], ["h", "failure map; arrows there"], ["g", "gallery"], ["[ / ]", "panel before / after"], ["Escape", "close; leave a field; empty the selection"], ["?", "this help"]]],
];

/**
 * The key of undo or redo that Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y stand for (on a Mac with the command key); else null.
 * @param {KeyEvent} event
 */
export const undoOrRedo = (event) => {
  const key = (event.ctrlKey || event.metaKey) && !event.altKey ? event.key.toLowerCase() : "";
  return key === "z" && !event.shiftKey ? "u" : key === "z" || key === "y" ? "r" : null;
};

/** @param {() => void} closed */
export function helpPanel(closed) {
  const close = () => { root.hidden = true; closed(); };
  const group = (/** @type {any[]} */ [title, keys]) => el("section", {}, el("h4", {}, title), el("table", {}, el("tbody", {}, ...keys.map(([key, does]) => el("tr", {}, el("th", {}, el("kbd", {}, key)), el("td", {}, does))))));
  const root = el("div.wb-help", { hidden: true, role: "dialog", "aria-label": "Keys", tabIndex: -1 },
    el("header", {}, el("b", {}, "Keys"), el("button.wb-quiet", { "aria-label": "Close", onclick: close }, "×")), el("div.wb-help-groups", {}, ...KEYS.map(group)));
  return { root, flip: () => { if (root.hidden) { root.hidden = false; root.focus(); } else close(); }, close };
}
