// Classes: how often each is labelled and how many of its own labels are found, worst first; a click filters.
import { counted, digits, el, focusedIn, notice, thousands } from "./dom.js";
import { interval, table, valueText } from "./tables.js";

/** @import { Asked, Context } from "./protocol.js" */

/** @param {Context} context */
export function panel({ ask, fail }) {
  const hint = el("p.wb-hint"), rows = el("div"), trouble = notice();
  const root = el("div.wb-classes", {}, hint, trouble.root, rows);
  let /** @type {Asked|null} */ asked = null, revision = -1, shownFor = -2;
  const name = (row) => el("button.wb-link", {
    "aria-pressed": String(row.on), title: `${row.on ? "Show others again" : "Show the samples that contain it"}: ${row.name}`, data: { class: row.name }, style: { minWidth: "76px" },
    onclick: () => ask("toggle", { facet: "class", value: row.name }).catch(fail),
  }, row.on ? el("b", {}, row.name) : row.name);
  const bar = (row) => { const line = interval(row, { from: 0, to: 1 }); Object.assign(line.style, { display: "block", width: "56px" }); return line; };
  const found = (row) => [el("span.wb-n", { title: `${counted(row.hits, "label")} found, ${thousands(row.misses)} missed` }, `${thousands(row.hits)} / ${thousands(row.misses)}`),
    el("div.wb-n", { title: `recall ${valueText(row)}` }, row.value === null ? "–" : digits(row.value), bar(row))];
  const draw = ({ rows: all, evaluated, all: n, notes = [] }) => {
    const focused = focusedIn(rows)?.dataset.class;
    if (notes.length) trouble.say(notes.join(" ")); else trouble.clear();
    hint.textContent = !n ? "No sample of the filter has a label with a box."
      : `${thousands(n)} ${n === 1 ? "class" : "classes"} in the samples that pass the other filters. ${evaluated ? "Recall counts the labels of the class alone; bar: 95 % interval from 0 to 1; lowest first." : "Evaluate predictions to see how many labels are found."}${n > all.length ? ` The first ${thousands(all.length)} are shown.` : ""}`;
    const shown = table(["class", "labels", "samples", ...(evaluated ? ["hits / missed", "recall"] : [])],
      all.map((row) => [name(row), row.labels, row.samples, ...(evaluated ? found(row) : [])]));
    for (const line of shown.querySelectorAll("tbody tr")) {
      const button = /** @type {HTMLElement} */ (line.querySelector(".wb-link"));
      /** @type {HTMLElement} */ (line).style.cursor = "pointer";
      line.addEventListener("click", (event) => { if (!button.contains(/** @type {Node} */ (event.target))) button.click(); });
    }
    rows.replaceChildren(...(n ? [shown] : []));
    if (focused !== undefined) /** @type {HTMLElement|null} */ (rows.querySelector(`[data-class="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
  };
  const load = () => {
    if (asked) ask.drop(asked);
    shownFor = revision;
    const mine = ask("classes");
    asked = mine;
    mine.then(({ result }) => draw(result)).catch((error) => { if (!error.dropped) { rows.replaceChildren(); trouble.fail(error); } })
      .finally(() => { if (asked === mine) asked = null; });
  };
  return {
    root, show: load,
    update: (next) => {
      revision = next.revision;
      if (!root.hidden && revision !== shownFor) queueMicrotask(load);
    },
  };
}
