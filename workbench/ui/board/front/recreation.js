// Recreate a failure: fit a scenario to samples, see the gap before and after, change what it draws row by row.
const HOW = [["measured", "measured"], ["free", "free"], ["assumed", "assumed"]];

/** "lighting.key.intensity" is shown as "key.intensity"; the full path stands in the title. */
const shortPath = (path) => path.replace(/^(sensor|lighting|scene|assets)\./, "");

/**
 * One parameter: how its distribution came to be, and what it is; both can be changed.
 * @param {any} row @param {(value: string, mode: string) => Promise<string>} revise gives the distribution as it stands then
 */
function parameterRow(row, revise) {
  const made = row.mode === "jitter" ? "measured" : row.measured === null ? "free" : "assumed";
  const how = choice(`How ${row.path} is drawn`, made === "measured" ? HOW : HOW.slice(1));
  const value = el("input.wb-value", { value: row.value, "aria-label": `Distribution of ${row.path}`, title: `${row.path}: ${row.why}`, spellcheck: false });
  const trouble = notice();
  how.value = made;
  how.className = "wb-mode";
  let stands = row.value, was = made;
  const put = async (wanted, mode) => {
    trouble.clear();
    try {
      stands = value.value = await revise(wanted, mode === "measured" ? "jitter" : "free");
      was = how.value = mode;
    } catch (error) {
      how.value = was;
      trouble.fail(error);
    }
  };
  how.onchange = () => {
    if (how.value === "assumed") { was = "assumed"; value.focus(); value.select(); } else put(how.value === "measured" ? row.value : row.wide, how.value);
  };
  value.onchange = () => { if (value.value.trim() !== stands) put(value.value, "assumed"); };
  value.onkeydown = (event) => { if (event.key === "Escape") value.value = stands; };
  const sure = el("small", { title: row.why }, row.measured === null ? row.confidence : `${row.measured} · ${row.confidence}`);
  return el("div.wb-parameter", { data: { path: row.path } }, el("div.wb-row", {}, el("span.wb-data", { title: `${row.path}: ${row.why}` }, shortPath(row.path)), how), value, sure, trouble.root);
}

/** @param {Ask} ask @param {(yaml: string) => void} take what is done with the scenario at the end */
function recreationSection(ask, take) {
  const source = choice("What to recreate"), name = el("input", { placeholder: "name (optional)", "aria-label": "Name of the scenario" });
  const probes = checkbox("fit by test pictures", true, "Draw pictures and move the distributions until they measure like the photos");
  const spare = checkbox("leave out those of test, which judge", true, "A picture that a scenario was fitted to is never judged by again: keep those of test for the scoreboard");
  const seconds = el("input", { type: "number", min: 10, max: 3600, value: 90, "aria-label": "Seconds for the fit" });
  const secondsField = field("Seconds at most", seconds);
  probes.input.onchange = () => { secondsField.hidden = !probes.input.checked; };
  const trouble = notice(), fitted = el("div.wb-form");
  const start = el("button.wb-primary", { data: { does: "recreate" }, onclick: () => {
    trouble.clear();
    busy(start, ask("recreate", { source: source.value, name: name.value, probes: probes.input.checked, seconds: Number(seconds.value), spare_test: spare.input.checked })).catch(trouble.fail);
  } }, "Recreate");
  const gap = (found) => found.before === null ? null : el("div.wb-gap", { data: { before: found.before, after: found.after } },
    el("p.wb-hint", {}, "Distance of its pictures to the photos, in the photos' own spread"),
    ...[["before", found.before], ["after", found.after]].map(([when, value]) => el("div.wb-row.wb-gap-bar", {}, el("small", {}, when), el("i", { style: { width: `${(60 * value) / Math.max(found.before, found.after, 1e-9)}%` } }), el("b", {}, digits(value)))));
  const show = (found) => {
    let yaml = found.yaml, last = Promise.resolve();
    const revise = (path) => (value, mode) => {
      const asked = last.then(() => ask("revise", { text: yaml, path, value, mode })); // one after the other: each changes what the last one gave
      last = asked.then(({ result }) => { yaml = result.yaml; }, () => {});
      return asked.then(({ result }) => result.value);
    };
    fitted.replaceChildren(el("p.wb-hint", {}, `${found.name}: from ${counted(found.samples, "sample")}.`), ...[gap(found)].filter(Boolean),
      el("div.wb-parameters", {}, ...found.rows.map((row) => parameterRow(row, revise(row.path)))),
      el("div.wb-row", {}, el("button.wb-primary", { data: { does: "take-fit" }, onclick: () => last.then(() => take(yaml)) }, "Edit and generate")));
  };
  return {
    root: section("Recreate a failure", field("Samples", source), name, spare.root, probes.root, secondsField, el("div.wb-row", {}, start), trouble.root, fitted),
    ended: (job, result) => { if (job.kind === "recreate" && result) show(result); },
    update: (next) => offer(source, [["filtered", `the ${thousands(next.counts.filtered)} filtered`], ["selected", `the ${thousands(next.counts.selected)} selected`], ...next.scenarios.map((s) => [s.tag, `${s.tag} (${thousands(s.count)})`])]),
  };
}
