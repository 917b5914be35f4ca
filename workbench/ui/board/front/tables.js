// Dense tables and small charts for the panels.
import { digits, el, svg } from "./dom.js";

/**
 * @param {string[]} head
 * @param {(Node|string|number|null)[][]} rows numbers are set to the right
 */
export function table(head, rows) {
  const cell = (value) => el(typeof value === "number" ? "td.wb-n" : "td", {}, typeof value === "number" ? digits(value) : value);
  return el("table.wb-table", {},
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell)))));
}

/**
 * A value with its interval on a line from `low` to `high`.
 * @param {{value: number|null, low: number|null, high: number|null}} estimate
 * @param {{from: number, to: number, mark?: number, bad?: boolean}} scale `mark` is a value to compare with
 */
export function interval(estimate, { from, to, mark, bad = false }) {
  if (estimate.value === null) return el("span.wb-dim", {}, "–");
  const x = (v) => 2 + (96 * (Math.min(to, Math.max(from, v)) - from)) / (to - from || 1);
  const parts = [svg("line", { x1: 2, x2: 98, y1: 6, y2: 6, class: "wb-axis" })];
  if (mark !== undefined) parts.push(svg("line", { x1: x(mark), x2: x(mark), y1: 1, y2: 11, class: "wb-axis" }));
  if (estimate.low !== null && estimate.high !== null) parts.push(svg("line", { x1: x(estimate.low), x2: x(estimate.high), y1: 6, y2: 6, class: `wb-span${bad ? " wb-bad" : ""}` }));
  parts.push(svg("circle", { cx: x(estimate.value), cy: 6, r: 3, class: `wb-dot${bad ? " wb-bad" : ""}` }));
  return svg("svg", { viewBox: "0 0 100 12", class: "wb-interval", "aria-hidden": "true" }, ...parts);
}

/** "0.81 (0.75 to 0.86)" @param {{value: number|null, low: number|null, high: number|null}} estimate */
export const valueText = ({ value, low, high }) => (value === null ? "–" : `${digits(value)}${low === null || low === undefined ? "" : ` (${digits(low)} to ${digits(high)})`}`);

/** A part of a panel that can be closed. @param {string} title @param {...Node} children */
export const section = (title, ...children) => el("details.wb-section", { open: true, data: { section: title } }, el("summary", {}, title), el("div.wb-form", {}, ...children));
