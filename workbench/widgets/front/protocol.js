// Requests to Python: a number, a listed command, an answer. The names are those of COMMANDS in commands.py.
const COMMANDS = [
  "toggle", "brush", "clear", "where", "page", "zoom", "select", "select_range", "select_filtered", "deselect",
  "tag", "undo", "redo", "refresh", "follow", "history", "options", "preview", "generate", "export", "cancel", "app",
];
const ANSWER_TIMEOUT_MS = 60000;

/**
 * @typedef {{result: any, buffers: DataView[]}} Answer
 * @typedef {(command: string, args?: object) => Promise<Answer>} Ask
 */

/**
 * Ask Python for one of COMMANDS. Late answers find nobody waiting and are dropped.
 * @param {any} model the widget's model
 * @param {AbortSignal} signal ends all waiting when the output goes away
 * @returns {Ask}
 */
function connect(model, signal) {
  let last = 0;
  const output = Math.random().toString(36).slice(2); // two outputs of one board must not take each other's answers
  /** @type {Map<string, {resolve: Function, reject: Function}>} */
  const waiting = new Map();
  const onMessage = (message, buffers) => {
    const request = waiting.get(message.id);
    if (!request) return;
    waiting.delete(message.id);
    if (message.ok) request.resolve({ result: message.result, buffers: buffers || [] });
    else request.reject(new Error(message.error));
  };
  model.on("msg:custom", onMessage);
  signal.addEventListener("abort", () => { model.off("msg:custom", onMessage); waiting.clear(); });
  return (command, args = {}) => new Promise((resolve, reject) => {
    if (!COMMANDS.includes(command)) throw new Error(`not a command: ${command}`);
    const id = `${output}-${++last}`;
    waiting.set(id, { resolve, reject });
    model.send({ id, command, args });
    setTimeout(() => {
      if (!waiting.delete(id)) return;
      reject(new Error("The kernel does not answer. It may be busy with a cell, or have stopped: restart it and run the cell again."));
    }, ANSWER_TIMEOUT_MS);
  });
}
