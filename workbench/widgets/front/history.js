// Every change of tags with who, when, why, how many; and the way back to before any of them.

/** @param {Ask} ask @param {(error: Error) => void} fail @param {(text: string) => void} say */
function historyPanel(ask, fail, say) {
  const root = el("div.wb-history");
  let asking = null;
  const back = (change) => ask("undo_to", { change_id: change.change_id }).then(({ result }) => { say(result.text); show(); }).catch(fail);
  const button = (change) => {
    if (!change.undoes) return null;
    if (change.undoes === 1) return el("button.wb-quiet", { data: { does: "undo-change" }, title: "Take this change back", onclick: () => back(change) }, "Undo");
    if (asking !== change.change_id) return el("button.wb-quiet", { data: { does: "undo-change" }, title: `Take back this and the ${change.undoes - 1} changes after it`, onclick: () => { asking = change.change_id; show(); } }, "Undo to here");
    return el("span.wb-ask", {}, el("button.wb-primary", { data: { does: "undo-confirm" }, onclick: () => { asking = null; back(change); } }, `Undo ${change.undoes} changes`), el("button", { onclick: () => { asking = null; show(); } }, "No"));
  };
  const entry = (change) => el(`li${change.role === "change" ? "" : ".wb-dim"}`, { data: { change: change.number } },
    el("div.wb-row", {}, el("span", {}, el("span.wb-number", {}, `${change.number}`), change.role === "change" ? ` ${change.action} ` : ` ${change.role}: ${change.action} `, el("b", {}, change.tag)), el("span.wb-bar-count", { title: "samples changed" }, thousands(change.changed))),
    el("div.wb-row", {}, el("small", {}, `${change.when} · ${change.who}${change.why ? ` · ${change.why}` : ""}`), button(change)));
  const show = () => ask("history").then(({ result }) => {
    const more = result.all - result.changes.length;
    root.replaceChildren(result.changes.length ? el("ol.wb-changes", {}, ...result.changes.map(entry)) : el("p.wb-hint", {}, "No changes of tags yet."),
      ...(more > 0 ? [el("p.wb-hint", {}, `and ${thousands(more)} older ones: wb.history(ds)`)] : []));
  }).catch(fail);
  return { root, show };
}
