// Requests to Python: a number, a command, an answer. Which commands there are is known in Python, which refuses others.
const HEARTBEAT_MS = 4000, SILENT_AFTER_MS = 7000;

/**
 * @typedef {{result: any, buffers: DataView[]}} Answer
 * @typedef {Promise<Answer> & {request?: string}} Asked
 * @typedef {((command: string, args?: object) => Asked) & {drop: (asked: Asked) => void, settled: () => Promise<void>}} Ask
 */
/** @typedef {Error & {dropped?: boolean}} Failure what went wrong; `dropped` where nobody waits any more */

/**
 * What the board gives to a panel.
 * @typedef {object} Context
 * @property {Ask} ask
 * @property {(text: string) => void} say shows a message over the board
 * @property {(error: Failure) => void} fail shows what went wrong
 * @property {AbortSignal} signal ends when the output goes away
 * @property {(sampleId: string, side?: string) => void} zoom opens a sample; arrows go along the gallery of the side
 * @property {() => void} leave gives the keyboard back to the gallery
 * @property {Record<string, any>} panels those built so far, by name
 */
/**
 * What a panel gives to the board.
 * @typedef {object} Panel
 * @property {HTMLElement} root
 * @property {(state: any) => void} [update] a new state was published
 * @property {() => void} [show] its tab was opened
 * @property {(options: any) => void} [offer] what its forms can offer, from the panel's `options` in Python
 * @property {(job: any, result: any) => void} [ended] a job of this board has ended
 * @property {(event: KeyEvent) => boolean} [key] whether it took a key
 * @property {() => void} [focus]
 */
/** @typedef {KeyboardEvent & {target: HTMLElement}} KeyEvent */

/**
 * Ask Python for a command. Late answers find nobody waiting and are dropped.
 * @param {any} model the widget's model
 * @param {AbortSignal} signal ends all waiting when the output goes away
 * @param {(silent: boolean) => void} heard told when the kernel stops to answer, and when it answers again
 * @returns {Ask}
 */
export function connect(model, signal, heard) {
  /** @type {Promise<any>} */
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
  const send = (/** @type {string} */ command, args = {}) => {
    const id = `${output}-${++last}`;
    const asked = new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      model.send({ id, command, args });
    });
    if (command.startsWith("select") || command === "deselect") choosing = asked;
    return Object.assign(asked, { request: id });
  };
  const settled = () => choosing.then(() => {}, () => {});
  const drop = (/** @type {Asked} */ asked) => {
    const request = waiting.get(asked.request || "");
    if (!request) return;
    waiting.delete(asked.request || "");
    model.send({ drop: asked.request });
    request.reject(Object.assign(new Error("dropped"), { dropped: true }));
  };
  const ask = Object.assign(send, { settled, drop });
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
