// Jobs: progress, rate, time left, cancel; errors in place.
import { counted, el, first, thousands } from "./dom.js";

/** @import { Ask, Failure } from "./protocol.js" */

/** @param {number|null} seconds */
function timeLeft(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.ceil(seconds / 60)} min left`;
}

/**
 * @param {Ask} ask @param {(error: Failure) => void} fail
 * @param {(job: any, result: any) => void} ended told what a job that has just ended found
 */
export function jobList(ask, fail, ended) {
  const root = el("div.wb-jobs", { role: "status", "aria-live": "polite", "aria-label": "Jobs" });
  const running = new Set();
  const job = (j) => {
    const share = j.total ? j.done / j.total : j.state === "done" ? 1 : 0;
    const facts = [j.stage, j.total === null ? counted(j.done, j.unit) : `${thousands(j.done)} of ${counted(j.total, j.unit)}`, j.rate_per_s ? `${j.rate_per_s.toFixed(1)}/s` : "", timeLeft(j.seconds_left)];
    return el(`div.wb-job.wb-${j.state}`, { data: { job: j.number, state: j.state } },
      el("div.wb-row", {}, el("b", {}, j.label), j.state === "running" ? el("button", { data: { does: "cancel" }, onclick: () => ask("cancel", { number: j.number }).catch(fail) }, "Cancel") : el("span.wb-dim", {}, j.state)),
      el("div.wb-progress", { role: "progressbar", "aria-label": j.label, "aria-valuenow": Math.round(share * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, el("i", { style: { width: `${share * 100}%` } })),
      el("small", {}, j.state === "running" ? facts.filter(Boolean).join(" · ") : j.message));
  };
  return {
    root,
    update: (jobs) => {
      const top = first(root, ":focus")?.closest("[data-job]")?.dataset.job;
      root.replaceChildren(...jobs.map(job));
      if (top) first(root, `[data-job="${top}"] button`)?.focus();
      for (const j of jobs) {
        if (j.state === "running") running.add(j.number);
        else if (running.delete(j.number) && j.state === "done" && j.kind) ask("job_result", { number: j.number }).then(({ result }) => ended(j, result)).catch(fail);
      }
    },
  };
}
