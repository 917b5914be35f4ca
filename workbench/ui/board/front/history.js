// Every change of tags with who, when, why, how many; each that stands can be taken back.
import { counted, el, thousands } from "./dom.js";

/** @import { Context } from "./protocol.js" */

const ASK_BEFORE_UNDOING_ABOVE = 1000;

/** @param {Context} context */
export function panel({ ask, fail, say }) {
  const root = el("div.wb-history");
  let asking = null;
  const back = (change) => ask("undo", { change_id: change.change_id }).then(({ result }) => { say(result.text); show(); }).catch(fail);
  const button = (change) => {
    if (!change.stands) return null;
    if (asking === change.change_id) return el("span.wb-ask", {}, el("button.wb-primary", { data: { does: "undo-confirm" }, onclick: () => { asking = null; back(change); } }, `Undo ${thousands(change.changed)}`), el("button", { onclick: () => { asking = null; show(); } }, "No"));
    const press = () => { if (change.changed <= ASK_BEFORE_UNDOING_ABOVE) back(change); else { asking = change.change_id; show(); } };
    return el("button.wb-quiet", { data: { does: "undo-change" }, title: "Take this change back, and no other", onclick: press }, "Undo");
  };
  const entry = (change) => el(`li${change.stands || change.role !== "change" ? "" : ".wb-undone"}`, { data: { change: change.number } },
    el("div.wb-row", {}, el("span", {}, el("span.wb-number", {}, `${change.number}`), change.role === "change" ? ` ${change.action} ` : ` ${change.role}: ${change.action} `, el("b", {}, change.tag)), el("span.wb-bar-count", { title: `${change.kind} changed` }, change.kind === "labels" ? counted(change.changed, "label") : thousands(change.changed))),
    el("div.wb-row", {}, el("small", {}, `${change.when} · ${change.who}${change.why ? ` · ${change.why}` : ""}`), button(change)));
  const show = () => ask("history").then(({ result }) => {
    const more = result.all - result.changes.length;
    root.replaceChildren(result.changes.length ? el("ol.wb-changes", {}, ...result.changes.map(entry)) : el("p.wb-hint", {}, "No tag changes yet."),
      ...(more > 0 ? [el("p.wb-hint", {}, `and ${thousands(more)} older ones: wb.history(ds)`)] : []));
  }).catch(fail);
  return { root, show, update: () => { if (!root.hidden) queueMicrotask(show); } };
}
