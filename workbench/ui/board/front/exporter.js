// Export: splits in a format that trainers read, checked by reading them back.
import { busy, checkbox, choice, el, field, notice, offer } from "./dom.js";
import { table } from "./tables.js";

/** @import { Context } from "./protocol.js" */

/** @param {Context} context */
export function panel({ ask }) {
  const folder = el("input", { "aria-label": "Folder" });
  const format = choice("Format");
  const scope = choice("Which samples", [["filtered", "filtered samples"], ["all", "all samples"]]);
  const mode = choice("How splits are made", [["draw", "Create new splits"], ["keep", "Keep existing splits"]]);
  /** @type {[string, HTMLInputElement][]} */
  const parts = ["train", "val", "test"].map((name, i) => [name, el("input", { type: "number", min: 0, step: 0.05, value: [0.7, 0.15, 0.15][i], "aria-label": `share of ${name}` })]);
  const shares = el("div.wb-row", {}, ...parts.map(([name, input]) => field(name, input, "Shares that add up to 1, or numbers of samples")));
  const train = choice("How train is divided");
  const folds = el("input", { type: "number", min: 2, max: 100, value: 5, "aria-label": "Number of folds" });
  const foldsField = field("Folds", folds);
  const synthetic = el("input", { type: "number", min: 0, max: 1, step: 0.05, placeholder: "any", "aria-label": "Largest synthetic share" });
  const seed = el("input", { type: "number", min: 0, value: 0, "aria-label": "Seed of the splits" });
  const media = choice("Images");
  const realOnly = checkbox("Real samples only in test", true);
  const near = checkbox("Keep near duplicates in one split", true, "Looks for edited copies of the same image first");
  const trouble = notice(), result = el("div");
  const fit = () => {
    const keep = mode.value === "keep";
    shares.hidden = keep;
    offer(train, [["", "one split"], ["stages", "pretrain and finetune"], ...(keep ? [] : [["folds", "folds"]])]); // folds are always drawn anew
    foldsField.hidden = train.value !== "folds";
  };
  mode.onchange = train.onchange = fit;
  fit();
  const more = el("details", {}, el("summary", {}, "More options"));
  /** @type {[string, HTMLInputElement][]} */
  let others = [];
  /** Fields that have no control of their own above. @param {any[]} fields */
  const offerOthers = (fields) => {
    if (others.length) return;
    others = fields.map((option) => [option.name, el("input", option.switch ? { type: "checkbox", "aria-label": option.help } : { placeholder: option.example, "aria-label": option.help })]);
    const label = (/** @type {string} */ name) => name.replaceAll("_", " ");
    more.append(...others.map(([name, input], i) => field(fields[i].switch ? fields[i].help : label(name), input, fields[i].help)));
    switched = new Map(fields.filter((option) => option.switch).map((option) => [option.name, !option.value]));
  };
  /** Value of each switch when it is on. @type {Map<string, boolean>} */
  let switched = new Map();
  const given = () => Object.fromEntries(others.filter(([, input]) => (input.type === "checkbox" ? input.checked : input.value.trim())).map(([name, input]) => [name, switched.get(name) ?? input.value.trim()]));
  const divided = () => ({ stages: train.value === "stages", folds: train.value === "folds" ? Number(folds.value) : 0 });
  const splits = () => (mode.value === "keep" ? null : Object.fromEntries(parts.filter(([, input]) => Number(input.value) > 0).map(([name, input]) => [name, Number(input.value)])));
  const go = el("button.wb-primary", { data: { does: "export" }, onclick: () => {
    trouble.clear();
    result.replaceChildren();
    busy(go, ask("export", { folder: folder.value.trim(), format: format.value, scope: scope.value, media: media.value, near_duplicates: near.input.checked,
      splits: { splits: splits(), seed: Number(seed.value), real_only: realOnly.input.checked ? ["test"] : [], ...divided(), max_synthetic: synthetic.value === "" ? null : Number(synthetic.value), ...given() } })).catch(trouble.fail);
  } }, "Export");
  const root = el("div.wb-form", {}, field("Folder (new or empty)", folder), el("div.wb-row", {}, field("Format", format), field("What", scope)),
    field("Splits", mode), shares,
    el("div.wb-row", {}, field("Train as", train, "pretrain holds the synthetic samples, finetune the real ones"), foldsField, field("Synthetic at most", synthetic, "Largest share of synthetic samples in any lighting × surface slice of any split; more are left out")), el("div.wb-row", {}, field("Seed", seed), field("Images", media)), realOnly.root, near.root, more, el("div.wb-row", {}, go), trouble.root, result,
    el("p.wb-hint", {}, "Samples of one scene, and generated samples and their parents, stay in one split. Every file is read back and compared."));
  return {
    root,
    ended: (job, report) => {
      if (job.kind !== "export" || !report) return;
      const rows = Object.entries(report.splits).map(([name, n]) => [name, n.samples, n.real, n.synthetic, n.labels]);
      result.replaceChildren(table(["split", "samples", "real", "synthetic", "labels"], rows), ...[...report.lost.map((text) => `Not in this format: ${text}`), ...report.notes].map((text) => el("p.wb-hint", {}, text)), el("p.wb-hint.wb-data", {}, report.manifest));
    },
    offer: (options) => { folder.value ||= options.folder; offer(format, options.formats); offer(media, options.media); offerOthers(options.fields); },
  };
}
