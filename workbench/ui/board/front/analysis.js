// Find out: measure, evaluate, discover failing slices, the gap of two sets. Tables over the same functions as Python.
import { busy, checkbox, choice, counted, digits, el, field, notice, offer, predictionsInput, shortName, thousands } from "./dom.js";
import { interval, section, table, valueText } from "./tables.js";

/** @import { Context } from "./protocol.js" */

/** @param {Context} context */
export function panel({ ask, fail }) {
  let /** @type {any} */ state = null;
  // measure
  const measured = el("p.wb-hint");
  const measureHere = el("button.wb-primary", { data: { does: "measure" }, onclick: () => busy(measureHere, ask("measure")).catch(fail) }, "Measure");
  // evaluate
  const predictions = predictionsInput("Predictions field", "Predictions file");
  const iou = el("input", { type: "number", min: 0.05, max: 1, step: 0.05, value: 0.5, "aria-label": "IoU" });
  const confidence = el("input", { type: "number", min: 0, max: 1, step: 0.05, value: 0, "aria-label": "Confidence" });
  const scope = choice("Samples to evaluate");
  const evaluated = el("div"), evaluateNotice = notice();
  const evaluateHere = el("button.wb-primary", { data: { does: "evaluate" }, onclick: () => {
    evaluateNotice.clear();
    busy(evaluateHere, ask("evaluate", { predictions: predictions.value(), iou: Number(iou.value), confidence: Number(confidence.value), scope: scope.value || "covered" })).catch(evaluateNotice.fail);
  } }, "Evaluate");
  const showEvaluation = (evaluation) => {
    if (evaluation.covered < evaluation.total) evaluateNotice.say(`The predictions cover ${thousands(evaluation.covered)} of ${counted(evaluation.total, "sample")}; ${thousands(evaluation.samples)} evaluated.`);
    const rate = (name) => [name, valueText({ value: evaluation[name], low: evaluation[`${name}_low`], high: evaluation[`${name}_high`] }), interval({ value: evaluation[name], low: evaluation[`${name}_low`], high: evaluation[`${name}_high`] }, { from: 0, to: 1 })];
    evaluated.replaceChildren(table(["", "value (95 %)", ""], [rate("recall"), rate("precision"), ["AP", digits(evaluation.ap50), interval({ value: evaluation.ap50, low: null, high: null }, { from: 0, to: 1 })]]),
      table(["outcome", "labels"], [["hits", evaluation.tp], ["missed", evaluation.fn], ...Object.entries(evaluation.errors).map(([name, n]) => [name.replaceAll("_", " "), n])]));
  };
  // discover
  const metric = choice("Metric of the slices");
  const onlyFiltered = checkbox("filtered samples only", false);
  const slices = el("div"), discoverNotice = notice();
  const discoverHere = el("button.wb-primary", { data: { does: "discover" }, onclick: () => {
    discoverNotice.say("Searching one half, confirming on the other …");
    slices.replaceChildren();
    busy(discoverHere, ask("discover", { metric: metric.value, filtered: onlyFiltered.input.checked })).then(({ result }) => { discoverNotice.say([result.summary, ...result.notes].join(" ")); showSlices(result); }).catch(discoverNotice.fail);
  } }, "Discover");
  const showSlices = ({ slices: rows, metric: of }) => slices.replaceChildren(...(rows.length ? [table(["slice", "n", of, "rest", "p"], rows.map((slice) => [
    el("button.wb-link", { title: `${slice.words}. Click to filter.`, data: { slice: slice.filter }, onclick: () => ask("where", { text: slice.filter }).catch(fail) }, slice.filter),
    slice.samples, el("span.wb-n", { title: valueText(slice) }, digits(slice.value)), digits(slice.rest), slice.p_value < 0.001 ? "<0.001" : slice.p_value.toFixed(3)]))] : []));
  // gap
  const sides = choice("Sides of the gap"), by = choice("Gap by");
  const gaps = el("div"), gapNotice = notice();
  const gapHere = el("button.wb-primary", { data: { does: "gap" }, onclick: () => {
    gapNotice.say("Comparing the two sides, and random halves for reference …");
    gaps.replaceChildren();
    busy(gapHere, ask("gap", { sides: sides.value, by: by.value || null })).then(({ result }) => { if (result.notes.length) gapNotice.say(result.notes.join(" ")); else gapNotice.clear(); showGaps(result); }).catch(gapNotice.fail);
  } }, "Gap");
  const far = (measures) => {
    const most = Math.max(...measures.map((m) => Math.max(m.distance, m.expected)), 1e-9);
    return el("div.wb-far", {}, ...measures.map((m) => el("div", { title: `${m.name}: ${digits(m.distance)} standard deviations of the reference; chance gives ${digits(m.expected)}; p ${m.p_value.toFixed(3)}` },
      el("span", {}, m.name), el("i", { className: m.p_value <= 0.05 ? "wb-bad" : "", style: { width: `${(60 * m.distance) / most}%` } }), el("b", {}, digits(m.distance)))));
  };
  const showGaps = ({ rows, by: of, sides: names }) => gaps.replaceChildren(
    el("p.wb-hint", {}, `${names[0]} against ${names[1]}. AUC of a classifier that separates them: 0.5 is chance, 1 is perfect.`),
    ...rows.map((row) => el("div.wb-gap-row", { data: { word: row.word ?? "" } },
      el("div.wb-row", {}, el("b", {}, of ? row.word ?? "missing" : "all"), row.auc === null ? el("span.wb-dim", {}, row.note) : el("span", {}, `AUC ${valueText({ value: row.auc, low: row.low, high: row.high })}`)),
      row.look?.auc == null ? null : el("p.wb-hint", { title: `kernel distance ${digits(row.look.kid)}, p ${row.look.kid_p?.toFixed(3)}` }, `By their embeddings: AUC ${valueText({ value: row.look.auc, low: row.look.low, high: row.look.high })}`),
      row.auc === null ? null : interval({ value: row.auc, low: row.low, high: row.high }, { from: 0, to: 1, mark: 0.5, bad: row.different }),
      el("p.wb-hint", {}, `${thousands(row.samples)} and ${counted(row.against, "sample")}${row.auc !== null ? row.different ? ", different" : ", no difference shown" : ""}`),
      row.distance === null ? null : el("p.wb-hint.wb-distance", { title: "To rank candidates by, smaller is nearer: mean distance of the measures plus that of the labels, in standard deviations of the reference." },
        `Distance ${digits(row.distance)} standard deviations${row.distance_objects === null ? ", of the images alone" : `: ${digits(row.distance_pictures)} of the images, ${digits(row.distance_objects)} of the objects`}`),
      row.measures.length ? far(row.measures) : null,
      row.object?.auc == null ? null : el("p.wb-hint", {}, `By their labels: AUC ${valueText({ value: row.object.auc, low: row.object.low, high: row.object.high })}`),
      row.object?.measures.length ? far(row.object.measures) : null)));

  const root = el("div.wb-analysis", {},
    section("Measure", measured, el("div.wb-row", {}, measureHere)),
    section("Evaluate", ...predictions.parts, el("div.wb-row", {}, field("IoU", iou), field("Confidence", confidence), field("Samples", scope)), el("div.wb-row", {}, evaluateHere), evaluateNotice.root, evaluated),
    section("Discover", field("Metric", metric), onlyFiltered.root, el("div.wb-row", {}, discoverHere), discoverNotice.root, slices),
    section("Gap", field("Sides", sides), field("By", by), el("div.wb-row", {}, gapHere), gapNotice.root, gaps));
  return {
    root,
    ended: (job, result) => { if (job.kind === "evaluate" && result) showEvaluation(result); },
    offer: (options) => {
      predictions.offer(options.predictions);
      offer(sides, options.sides);
      offer(scope, options.scopes);
      const n = state?.counts.all ?? 0;
      measured.textContent = options.measured >= n ? `All measured: ${counted(n, "sample")}.` : `Not measured yet: ${thousands(n - options.measured)} of ${counted(n, "sample")}.`;
      measureHere.disabled = options.measured >= n;
    },
    update: (next) => {
      const first = !state;
      const gained = !state?.evaluation && next.evaluation;
      state = next;
      const numbers = next.columns.filter(([name, kind]) => kind === "NumberColumn" && name.startsWith("measures.")).map(([name]) => [`mean:${name}`, `mean ${shortName(name)}`]);
      offer(metric, [...(next.evaluation ? next.metrics.search : []), ...numbers, ...next.scenarios.map((s) => [`share:${s.tag}`, `share of ${s.tag}`])]);
      if ((first || gained) && metric.options.length) metric.selectedIndex = 0;
      offer(by, [["", "nothing"], ...next.columns.filter(([name, kind]) => kind !== "NumberColumn" && name !== "origin").map(([name]) => name)]);
      discoverHere.disabled = !metric.options.length;
    },
  };
}
