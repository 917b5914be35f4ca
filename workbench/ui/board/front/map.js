// The failure map: a metric for every combination of two facets. A click filters; hatched cells hold no samples.
import { choice, counted, digits, el, first, focusedIn, notice, offer, shortName, thousands } from "./dom.js";
import { valueText } from "./tables.js";

/** @import { Asked, Context, KeyEvent } from "./protocol.js" */

const RATES = { light: ["#b5432a", "#e6a071", "#f2ead9", "#8dbfc6", "#1d6c84"], dark: ["#ee7c5a", "#8d5540", "#3d4148", "#33707d", "#66c8d9"] };
const SEQUENCE = { light: ["#edf3f8", "#9cc7e0", "#3a86b7", "#0d3f69"], dark: ["#222d38", "#215f86", "#4aa2d0", "#c2e8ff"] };

/** A colour between stops. @param {string[]} stops @param {number} share 0..1 */
function mixed(stops, share) {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [stops[i], stops[i + 1]].map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
  return a.map((v, k) => Math.round(v + (at - i) * (b[k] - v)));
}

/** Relative luminance (WCAG 2.2). @param {number[]} rgb 0..255 */
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** Whether an element stands on a dark ground. @param {HTMLElement} node */
function isDark(node) {
  const rgb = getComputedStyle(node).backgroundColor.match(/[\d.]+/g);
  return rgb !== null && luminance(rgb.slice(0, 3).map(Number)) < 0.2;
}

/** @param {Context} context */
export function panel({ ask, fail, signal }) {
  const rows = choice("Rows of the map"), columns = choice("Columns of the map"), metric = choice("Metric of the map");
  const grid = el("div.wb-heat", { role: "grid", "aria-label": "Failure map" });
  const hint = el("p.wb-hint.wb-heat-hint", { "aria-live": "polite" }, " ");
  const trouble = notice();
  const scale = el("div.wb-scale", { "aria-hidden": "true" });
  const root = el("section.wb-map", { "aria-label": "Failure map" },
    el("div.wb-bar-row", {}, metric, el("span.wb-dim", {}, "of"), rows, el("span.wb-dim", {}, "×"), columns, el("span.wb-space-between"), scale),
    trouble.root, el("div.wb-heat-scroll", {}, grid), hint);
  let /** @type {any} */ shown = null, /** @type {Asked|null} */ asked = null, timer = 0, revision = -1, /** @type {any} */ state = null, started = false;
  signal.addEventListener("abort", () => clearTimeout(timer));

  const load = (byUser = false) => {
    if (root.hidden || !rows.value || !state) return;
    if (asked) ask.drop(asked);
    const by = rows.value === columns.value || !columns.value ? [rows.value] : [rows.value, columns.value];
    asked = ask("heat", { by, metric: metric.value, by_user: byUser });
    asked.then(({ result }) => { shown = result; if (result.notes) trouble.say(result.notes.join(" ")); else trouble.clear(); draw(); }).catch((error) => { trouble.fail(error); if (!error.dropped) { shown = null; draw(); } });
  };
  for (const input of [rows, columns, metric]) input.onchange = () => load(true);

  const describe = (cell) => `${cell.words.map((w) => w ?? "missing").join(" × ")}: ${cell.samples ? `${shown.metric} ${valueText(cell)}` : "no samples"}${cell.samples ? ` · ${counted(cell.samples, "sample")} · ${counted(cell.labels, "label")}` : ""}`;
  const look = (cell, [least, most], stops) => {
    if (cell.value === null) return {};
    const rgb = mixed(stops, most > least ? (cell.value - least) / (most - least) : 1);
    return { backgroundColor: `rgb(${rgb.join(" ")})`, color: luminance(rgb) > 0.3 ? "#10151c" : "#fff" };
  };
  const button = (cell, ends, stops) => el(`button.wb-cell${cell.samples ? "" : ".wb-void"}`, {
    role: "gridcell", "aria-pressed": String(cell.on), "aria-label": describe(cell), title: describe(cell), disabled: !cell.samples, style: look(cell, ends, stops),
    data: { row: cell.words[0] ?? "", column: cell.words[1] ?? "" },
    onmouseenter: () => { hint.textContent = describe(cell); }, onfocus: () => { hint.textContent = describe(cell); },
    onclick: () => ask("cell", { by: shown.by, words: cell.words }).catch(fail),
  }, cell.samples ? el("b", {}, digits(cell.value)) : null, cell.samples && shown.metric !== "count" ? el("small", {}, thousands(cell.samples)) : null);

  /** What was evaluated, for a map of it. */
  const settings = () => {
    const made = shown && state?.evaluation && state.metrics.slice.some(([name]) => name === shown.metric) ? state.evaluation : null;
    return made ? `${made.field}, IoU ${made.iou}, confidence ${made.confidence}${made.samples === undefined ? "" : `, ${counted(made.samples, "sample")} evaluated`}${made.where ? ` where ${made.where}` : ""}. ` : "";
  };
  const draw = () => {
    hint.textContent = shown?.cells.some((cell) => cell.on) ? describe(shown.cells.find((cell) => cell.on)) : `${settings()}Hover for samples and the 95 % interval; click to filter.`;
    if (!shown) { grid.replaceChildren(); scale.replaceChildren(); return; }
    const values = shown.cells.map((cell) => cell.value).filter((v) => v !== null);
    const ends = shown.share ? [0, 1] : [shown.metric === "count" ? 0 : Math.min(...values), Math.max(...values)];
    const stops = (shown.share && !shown.metric.startsWith("share") ? RATES : SEQUENCE)[isDark(root.closest(".wb-board") || root) ? "dark" : "light"];
    const across = shown.by.length === 2 ? shown.axes[1] : [null];
    const active = { ...focusedIn(grid)?.dataset };
    grid.style.gridTemplateColumns = `minmax(64px, max-content) repeat(${across.length}, minmax(52px, 1fr))`;
    const head = shown.by.length === 2 ? [el("span.wb-corner", {}, `${shortName(shown.by[0])} ↓ ${shortName(shown.by[1])} →`), ...across.map((word) => el("span.wb-across", { role: "columnheader", title: word ?? "missing" }, word ?? "missing"))] : [el("span"), el("span")];
    const lines = shown.axes[0].flatMap((word, i) => [el("span.wb-down", { role: "rowheader", title: word ?? "missing" }, word ?? "missing"), ...across.map((_, k) => button(shown.cells[i * across.length + k], ends, stops))]);
    grid.replaceChildren(...head, ...lines);
    const bands = Array.from({ length: 24 }, (_, i) => el("i", { style: { backgroundColor: `rgb(${mixed(stops, i / 23).join(" ")})` } }));
    scale.replaceChildren(...(values.length ? [el("span", {}, digits(ends[0])), ...bands, el("span", {}, digits(ends[1]))] : []));
    if (active.row !== undefined) first(grid, `.wb-cell[data-row="${CSS.escape(active.row)}"][data-column="${CSS.escape(active.column ?? "")}"]`)?.focus();
  };
  /** Arrows go from cell to cell. @param {KeyEvent} event */
  const key = (/** @type {KeyEvent} */ event) => {
    if (!event.target.matches(".wb-cell")) return false;
    const width = shown.by.length === 2 ? shown.axes[1].length : 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width }[event.key];
    if (!step) return false;
    const cells = /** @type {HTMLButtonElement[]} */ ([...grid.querySelectorAll(".wb-cell")]);
    let i = cells.indexOf(/** @type {HTMLButtonElement} */ (event.target)) + step;
    while (cells[i]?.disabled) i += step;
    cells[i]?.focus();
    return true;
  };
  const offerColumns = (next) => {
    const words = next.columns.filter(([name]) => !/^(origin|generation\.(params|created|scenario_sha256|parent))/.test(name)).map(([name]) => [name, shortName(name)]);
    offer(rows, words);
    offer(columns, [["", "nothing"], ...words]);
    const numbers = next.columns.filter(([, kind]) => kind === "NumberColumn").map(([name]) => [`mean:${name}`, `mean ${shortName(name)}`]);
    const rates = next.evaluation ? next.metrics.slice : [];
    offer(metric, [...rates, "count", ...numbers, ...next.scenarios.map((s) => [`share:${s.tag}`, `share of ${s.tag}`])]);
    if (started || !words.length) return;
    started = true;
    const names = next.columns.map(([name]) => name);
    rows.value = ["lighting", "source", names[0]].find((name) => names.includes(name)) ?? "";
    columns.value = ["surface", "class", ""].find((name) => name === "" || names.includes(name)) ?? "";
    metric.value = next.evaluation ? "recall" : "count";
  };
  return {
    root, key, focus: () => first(grid, ".wb-cell:enabled")?.focus(),
    show: (on) => { root.hidden = !on; if (on) { draw(); load(); } },
    redraw: draw,
    update: (next) => {
      const evaluated = state && !state.evaluation && next.evaluation;
      state = next;
      if (next.revision === revision) return;
      revision = next.revision;
      offerColumns(next);
      if (evaluated) metric.value = "recall";
      clearTimeout(timer);
      timer = setTimeout(() => load(), 60);
    },
  };
}
