// Rounds: record one, retrain, and the scoreboard: which failures are closed, failing or worse; what got worse comes first.
import { busy, checkbox, choice, counted, digits, el, field, notice, offer, predictionsInput, svg } from "./dom.js";
import { section, table, valueText } from "./tables.js";

/** @import { Context } from "./protocol.js" */

const PLOT = { left: 6, width: 288, step: 11 };

/** One row of the plot: a mark per compared round, older ones above and lighter; a tick where the rest lies. @param {any} row */
function levelPlot(row) {
  const x = (value) => PLOT.left + Math.min(1, Math.max(0, value)) * PLOT.width;
  const height = PLOT.step * row.levels.length + 8;
  const parts = [0, 0.25, 0.5, 0.75, 1].map((at) => svg("line", { x1: x(at), x2: x(at), y1: 1, y2: height - 1, class: "wb-axis", "stroke-dasharray": "2 3" }));
  if (row.rest !== null) parts.push(svg("line", { x1: x(row.rest), x2: x(row.rest), y1: 1, y2: height - 1, class: "wb-rest" }));
  for (const [i, level] of row.levels.entries()) {
    if (level.value === null) continue;
    const y = PLOT.step * (i + 0.5) + 4, opacity = 0.35 + (0.65 * (i + 1)) / row.levels.length;
    if (level.low !== null) parts.push(svg("line", { x1: x(level.low), x2: x(level.high), y1: y, y2: y, class: "wb-reach", opacity: opacity / 2 }));
    parts.push(svg("circle", { cx: x(level.value), cy: y, r: 4, class: "wb-level", opacity }));
  }
  return svg("svg", { viewBox: `0 0 300 ${height}`, class: "wb-levels", role: "img", "aria-label": `${row.name}: ${row.levels.map(valueText).join(", then ")}` }, ...parts);
}

/** "+0.20 (+0.05 to +0.35)" @param {{value: number, low: number|null, high: number|null}} change */
function changeText(change) {
  const sign = (n) => `${n < 0 ? "−" : "+"}${Math.abs(n).toFixed(2)}`;
  return `${sign(change.value)}${change.low === null ? "" : ` (${sign(change.low)} to ${sign(change.high)})`}`;
}

/** @param {Context} context */
export function panel({ ask, fail }) {
  let drawnFor = ""; // the failure tags that the scoreboard was drawn for
  // record
  const predictions = predictionsInput("Predictions of the round", "Predictions file of the round");
  const name = el("input", { placeholder: "baseline", "aria-label": "Name of the round", maxLength: 200 });
  const manifest = el("input", { placeholder: "optional: folder of the export", "aria-label": "What the model was trained on" });
  const recordNotice = notice();
  const record = el("button.wb-primary", { data: { does: "record" }, onclick: () => {
    recordNotice.clear();
    busy(record, ask("record", { predictions: predictions.value(), name: name.value, manifest: manifest.value })).catch(recordNotice.fail);
  } }, "Record");
  name.onkeydown = (event) => { if (event.key === "Enter") record.click(); };
  // retrain
  const newName = el("input", { placeholder: "with more dim metal", "aria-label": "Name of the new round", maxLength: 200 });
  const trainer = choice("Trainer"), folder = el("input", { "aria-label": "Folder for export and model" });
  const stages = checkbox("pretrain on synthetic, then finetune on real", false);
  const retrainNotice = notice();
  let rounds = "", suggested = "";
  const suggest = () => { if (folder.value === suggested) folder.value = suggested = `${rounds}/${newName.value.trim().replace(/[^A-Za-z0-9_-]+/g, "_") || "second"}`; };
  newName.oninput = suggest;
  const retrain = el("button.wb-primary", { data: { does: "retrain" }, onclick: () => {
    retrainNotice.clear();
    busy(retrain, ask("retrain", { name: newName.value, folder: folder.value, trainer: trainer.value, stages: stages.input.checked })).catch(retrainNotice.fail);
  } }, "Retrain");
  newName.onkeydown = (event) => { if (event.key === "Enter") retrain.click(); };
  // scoreboard
  const metric = choice("Judged by");
  const scores = el("div.wb-scores"), trouble = notice();
  const load = (byUser = false) => ask("scoreboard", { metric: metric.value, by_user: byUser }).then(({ result }) => { trouble.clear(); draw(result); }).catch((error) => { scores.replaceChildren(); trouble.fail(error); });
  metric.onchange = () => load(true);
  const again = el("button", { data: { does: "scoreboard" }, title: "Compare the rounds again", onclick: () => busy(again, load(true)) }, "Compare");
  const score = (row, compared, look) => el(`div.wb-score.wb-${row.state || look}`, { data: { score: row.name, state: row.state } },
    el("div.wb-row", {}, row.state ? el("span.wb-state", {}, row.label) : null,
      row.name.startsWith("failure:") ? el("button.wb-link", { title: "Show these samples", onclick: () => ask("toggle", { facet: "tags", value: row.name }).catch(fail) }, row.name.slice("failure:".length)) : el("b.wb-data", {}, row.name),
      el("span.wb-n", {}, row.levels.length ? digits(row.levels.at(-1).value) : "–")),
    levelPlot(row),
    el("p.wb-change", {}, row.since_first ? `${changeText(row.since_first)} since the first round` : "", compared > 2 && row.since_before ? ` · ${changeText(row.since_before)} since the one before` : ""),
    el("p.wb-hint", {}, `${counted(row.samples, "image")}, ${counted(row.labels, "label")}${row.rest === null ? "" : `; the rest ${digits(row.rest)}`}${row.note ? `. ${row.note[0].toUpperCase()}${row.note.slice(1)}.` : ""}`));
  const group = (title, rows, compared, look = "plain") => (rows.length ? [el("h4", {}, title), ...rows.map((row) => score(row, compared, look))] : []);
  const draw = (board) => {
    const compared = board.compared.length;
    const lines = board.rounds.map((round) => [round.number, round.name, round.metrics[board.metric] ?? null, round.images ?? "–", round.seconds === null ? "–" : `${digits(round.seconds)} s`]);
    scores.replaceChildren(
      ...(board.rounds.length ? [table(["", "round", board.metric, "new", "time"], lines)] : []),
      ...(compared ? [el("p.wb-hint", {}, `Compared on ${counted(board.samples, "real image")} that nothing was trained on or fitted to. Marks from top to bottom: ${board.compared.join(", ")}; bar: 95 % interval; tick: the rest.`)] : []),
      ...group("Got worse", board.worse, compared, "worse"), ...group("Failure scenarios", board.scenarios, compared), ...group("All, and slices of light and surface", board.others, compared),
      ...board.waiting.map((tag) => el("p.wb-hint", {}, `${tag}: no round yet`)),
      ...board.notes.map((text) => el("p.wb-hint", {}, text)));
  };
  const root = el("div.wb-scoreboard", {},
    section("Record a round", ...predictions.parts, field("Name of the model", name), field("Trained on", manifest, "manifest.json of an export, or its folder: gives the splits and the number of new images"), el("div.wb-row", {}, record), recordNotice.root),
    section("Retrain", field("Name of the model", newName), field("Trainer", trainer), stages.root, field("Folder (new or empty)", folder), el("div.wb-row", {}, retrain), retrainNotice.root,
      el("p.wb-hint", {}, "Exports all samples, trains, predicts on the real images and records the round. If cancelled, it leaves nothing behind.")),
    section("Scoreboard", el("div.wb-row", {}, field("Judged by", metric), again), trouble.root, scores));
  return {
    root, show: () => load(),
    ended: (job) => { if (job.kind === "record" || job.kind === "retrain") load(); },
    offer: (options) => {
      predictions.offer(options.predictions);
      offer(trainer, options.trainers);
      rounds = options.rounds_folder;
      suggest();
    },
    update: (next) => {
      offer(metric, next.metrics.compare);
      const tags = JSON.stringify(next.scenarios.map((s) => [s.tag, s.count]));
      if (!root.hidden && drawnFor && tags !== drawnFor) load();
      drawnFor = tags;
    },
  };
}
