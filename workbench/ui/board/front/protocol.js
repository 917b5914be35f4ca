// Requests to Python: a number, a listed command, an answer. The names are those of COMMANDS in commands.py.
const COMMANDS = [
  "toggle", "brush", "clear", "where", "find", "show_facet", "sort", "pin", "unpin",
  "select", "select_range", "select_filtered", "deselect", "refresh", "follow", "alive",
  "page", "marks", "zoom", "heat", "cell", "app", "app_take",
  "tag", "tag_labels", "undo", "redo", "describe", "history",
  "measure", "evaluate", "discover", "gap",
  "vectors", "embed", "picture_map", "lasso", "like", "teach",
  "options", "scenario", "preview", "generate", "export", "cancel", "job_result",
  "recreate", "revise",
  "scoreboard", "record", "retrain",
];
const HEARTBEAT_MS = 4000, SILENT_AFTER_MS = 7000;

/**
 * @typedef {{result: any, buffers: DataView[]}} Answer
 * @typedef {Promise<Answer> & {request?: string}} Asked
 * @typedef {((command: string, args?: object) => Asked) & {drop: (asked: Asked) => void, settled: () => Promise<void>}} Ask
 */

/**
 * Ask Python for one of COMMANDS. Late answers find nobody waiting and are dropped.
 * @param {any} model the widget's model
 * @param {AbortSignal} signal ends all waiting when the output goes away
 * @param {(silent: boolean) => void} heard told when the kernel stops to answer, and when it answers again
 * @returns {Ask}
 */
function connect(model, signal, heard) {
  let choosing = Promise.resolve(); // the last change of what is chosen
  let last = 0, heardAt = Date.now(), silent = false;
  const output = Math.random().toString(36).slice(2); // two outputs of one board must not take each other's answers
  /** @type {Map<string, {resolve: Function, reject: Function}>} */
  const waiting = new Map();
  const onMessage = (message, buffers) => {
    heardAt = Date.now();
    if (silent) { silent = false; heard(false); }
    const request = waiting.get(message.id);
    if (!request) return;
    waiting.delete(message.id);
    if (message.ok) request.resolve({ result: message.result, buffers: buffers || [] });
    else request.reject(Object.assign(new Error(message.error), { dropped: Boolean(message.dropped) }));
  };
  const ask = (command, args = {}) => {
    const id = `${output}-${++last}`;
    const asked = new Promise((resolve, reject) => {
      if (!COMMANDS.includes(command)) throw new Error(`not a command: ${command}`);
      waiting.set(id, { resolve, reject });
      model.send({ id, command, args });
    });
    if (command.startsWith("select") || command === "deselect") choosing = asked;
    return Object.assign(asked, { request: id });
  };
  ask.settled = () => choosing.then(() => {}, () => {});
  ask.drop = (asked) => {
    const request = waiting.get(asked.request);
    if (!request) return;
    waiting.delete(asked.request);
    model.send({ drop: asked.request });
    request.reject(Object.assign(new Error("dropped"), { dropped: true }));
  };
  const gone = () => { if (!silent) { silent = true; heard(true); } };
  const beat = setInterval(() => {
    if (document.hidden) { heardAt = Date.now(); return; }
    if (Date.now() - heardAt > HEARTBEAT_MS + SILENT_AFTER_MS) gone();
    ask("alive").catch(() => {});
  }, HEARTBEAT_MS);
  const disconnected = () => { if (model.comm_live === false) gone(); };
  model.on("msg:custom", onMessage);
  model.on("comm_live_update", disconnected);
  signal.addEventListener("abort", () => {
    clearInterval(beat);
    model.off("msg:custom", onMessage);
    model.off("comm_live_update", disconnected);
    waiting.clear();
  });
  return ask;
}
