// Small ways to make elements. Text from data only ever becomes text nodes.

/**
 * @template {string} T
 * @typedef {T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : HTMLElement} Named
 */
/**
 * The element of a tag with classes: "input.wb-name" is an input.
 * @template {string} T
 * @typedef {T extends `${infer N}.${string}` ? Named<N> : Named<T>} ElementOf
 */

/**
 * @template {string} T
 * @param {T} tag element name, with classes after dots: "button.wb-primary"
 * @param {Record<string, any>} [props] properties; `on…` are listeners, `data` is the dataset, `style` an object
 * @param {...(Node|string|number|null|undefined)} children
 * @returns {ElementOf<T>}
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = /** @type {any} */ (document.createElement(name));
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "style") Object.assign(node.style, value);
    else if (key.startsWith("aria-") || key === "role") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((c) => (c instanceof Node ? c : String(c))));
  return node;
}

/** An element of SVG. @param {string} name @param {object} attributes @param {...Node} children */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {number} n @returns {string} with thousands apart */
export const thousands = (n) => Number(n).toLocaleString("en-US");

/** "1 sample", "2 samples". @param {number} n @param {string} noun of one */
export const counted = (n, noun) => `${thousands(n)} ${noun}${Number(n) === 1 ? "" : "s"}`;

/** A number in few digits. @param {number|null|undefined} n */
export function digits(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  if (Number.isInteger(n)) return thousands(n);
  const size = Math.abs(n);
  return size >= 1000 ? thousands(Math.round(n)) : size >= 100 ? n.toFixed(0) : size >= 10 ? n.toFixed(1) : size >= 0.1 ? n.toFixed(2) : Number(n.toPrecision(2)).toString();
}

/** "measures.noise" is shown as "noise"; the full name stands in the title. @param {string} name */
export const shortName = (name) => name.replace(/^(measures|evaluation|generation)\./, "");

/**
 * Object URLs of pictures, released one by one or all when the output goes away.
 * @param {AbortSignal} signal
 */
export function pictureStore(signal) {
  const urls = new Set();
  signal.addEventListener("abort", () => { for (const url of urls) URL.revokeObjectURL(url); urls.clear(); });
  return {
    /** @param {DataView} view @returns {string} "" for a picture that could not be read */
    add: (view) => {
      if (!view?.byteLength) return "";
      const url = URL.createObjectURL(new Blob([/** @type {DataView<ArrayBuffer>} */ (view)], { type: "image/jpeg" }));
      urls.add(url);
      return url;
    },
    /** @param {string} url */
    release: (url) => { if (urls.delete(url)) URL.revokeObjectURL(url); },
  };
}

/** The first element of a selector, if any. @param {Element} root @param {string} selector @returns {any} an element */
export const first = (root, selector) => root.querySelector(selector);

/** The focused element, if it is in another. @param {Element} root @returns {HTMLElement|null} */
export const focusedIn = (root) => (root.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null);

/** A labelled control of a form. @param {string} label @param {HTMLElement} input @param {string} [hint] */
export const field = (label, input, hint) => el("label.wb-field", { title: hint || "" }, el("span", {}, label), input);

/** A checkbox with its text. @param {string} label @param {boolean} checked @param {string} [hint] */
export function checkbox(label, checked, hint) {
  const input = el("input", { type: "checkbox", checked, "aria-label": label });
  return { input, root: el("label.wb-check", { title: hint || "" }, input, label) };
}

/** @typedef {string|string[]} Entry a value, or a value with its text */

/** A choice. @param {string} label @param {Entry[]} [entries] */
export function choice(label, entries = []) {
  const input = el("select", { "aria-label": label });
  offer(input, entries);
  return input;
}

/** Put entries into a select; the chosen one stays if it still exists. @param {HTMLSelectElement} input @param {Entry[]} entries */
export function offer(input, entries) {
  const before = input.value;
  const pairs = entries.map((entry) => (Array.isArray(entry) ? entry : [entry, entry]));
  const same = input.options.length === pairs.length && pairs.every(([value, text], i) => input.options[i].value === value && input.options[i].text === text);
  if (same) return;
  input.replaceChildren(...pairs.map(([value, text]) => el("option", { value }, text)));
  if (pairs.some(([value]) => value === before)) input.value = before;
}

/**
 * Run work for a button, which cannot be pressed again meanwhile.
 * @template T
 * @param {HTMLButtonElement} button @param {Promise<T>} work @returns {Promise<T>}
 */
export function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  return work.finally(() => { button.disabled = false; button.removeAttribute("aria-busy"); });
}

/** A line for what went wrong, or what there is to know, under a form. */
export function notice() {
  const root = el("p.wb-notice", { hidden: true, role: "status" });
  const put = (/** @type {string} */ text, /** @type {boolean} */ bad) => { root.hidden = !text; root.className = `wb-notice${bad ? " wb-bad" : ""}`; root.textContent = text; };
  return {
    root, clear: () => put("", false),
    /** @param {string} text */
    say: (text) => put(text, false),
    /** @param {Error & {dropped?: boolean}} error */
    fail: (error) => { if (!error.dropped) put(error.message, true); },
  };
}

/**
 * Where predictions come from: a field of the dataset, or a file.
 * @param {string} label of the field @param {string} fileLabel
 */
export function predictionsInput(label, fileLabel) {
  const input = choice(label);
  const file = el("input", { placeholder: "or a file: results.json", "aria-label": fileLabel });
  return {
    parts: [field("Predictions", input), file],
    value: () => file.value.trim() || input.value,
    /** @param {string[]} names */
    offer: (names) => offer(input, names.length ? names : [["", "no field with predictions"]]),
  };
}
