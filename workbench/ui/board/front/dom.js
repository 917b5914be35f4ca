// Small ways to make elements. Text from data only ever becomes text nodes.

/**
 * @param {string} tag element name, with classes after dots: "button.wb-primary"
 * @param {object} [props] properties; `on…` are listeners, `data` is the dataset, `style` an object
 * @param {...(Node|string|number|null)} children
 * @returns {HTMLElement}
 */
function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
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
function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {number} n */
const thousands = (n) => Number(n).toLocaleString("en-US");

/** "1 sample", "2 samples". @param {number} n @param {string} noun of one */
const counted = (n, noun) => `${thousands(n)} ${noun}${Number(n) === 1 ? "" : "s"}`;

/** A number in few digits. @param {number|null|undefined} n */
function digits(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  if (Number.isInteger(n)) return thousands(n);
  const size = Math.abs(n);
  return size >= 1000 ? thousands(Math.round(n)) : size >= 100 ? n.toFixed(0) : size >= 10 ? n.toFixed(1) : size >= 0.1 ? n.toFixed(2) : Number(n.toPrecision(2)).toString();
}

/** "measures.noise" is shown as "noise"; the full name stands in the title. @param {string} name */
const shortName = (name) => name.replace(/^(measures|evaluation|generation)\./, "");

/**
 * Object URLs of pictures, released one by one or all when the output goes away.
 * @param {AbortSignal} signal
 */
function pictureStore(signal) {
  const urls = new Set();
  signal.addEventListener("abort", () => { for (const url of urls) URL.revokeObjectURL(url); urls.clear(); });
  return {
    /** @param {DataView} view @returns {string} "" for a picture that could not be read */
    add: (view) => {
      if (!view?.byteLength) return "";
      const url = URL.createObjectURL(new Blob([view], { type: "image/jpeg" }));
      urls.add(url);
      return url;
    },
    /** @param {string} url */
    release: (url) => { if (urls.delete(url)) URL.revokeObjectURL(url); },
  };
}

/** A labelled control of a form. @param {string} label @param {HTMLElement} input @param {string} [hint] */
const field = (label, input, hint) => el("label.wb-field", { title: hint || "" }, el("span", {}, label), input);

/** A checkbox with its text. @param {string} label @param {boolean} checked @param {string} [hint] */
function checkbox(label, checked, hint) {
  const input = el("input", { type: "checkbox", checked, "aria-label": label });
  return { input, root: el("label.wb-check", { title: hint || "" }, input, label) };
}

/** A choice. @param {string} label @param {(string|[string, string])[]} entries values, or values with their text */
function choice(label, entries = []) {
  const input = /** @type {HTMLSelectElement} */ (el("select", { "aria-label": label }));
  return Object.assign(input, { offer: (list) => offer(input, list) }, offer(input, entries));
}

/** Put entries into a select; the chosen one stays if it still exists. */
function offer(input, entries) {
  const before = input.value;
  const pairs = entries.map((entry) => (Array.isArray(entry) ? entry : [entry, entry]));
  const same = input.options.length === pairs.length && pairs.every(([value, text], i) => input.options[i].value === value && input.options[i].text === text);
  if (same) return {};
  input.replaceChildren(...pairs.map(([value, text]) => el("option", { value }, text)));
  if (pairs.some(([value]) => value === before)) input.value = before;
  return {};
}

/** Run work for a button, which cannot be pressed again meanwhile. */
function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  return work.finally(() => { button.disabled = false; button.removeAttribute("aria-busy"); });
}

/** A line for what went wrong, or what there is to know, under a form. */
function notice() {
  const root = el("p.wb-notice", { hidden: true, role: "status" });
  const put = (text, bad) => { root.hidden = !text; root.className = `wb-notice${bad ? " wb-bad" : ""}`; root.textContent = text; };
  return { root, say: (text) => put(text, false), fail: (error) => { if (!error.dropped) put(error.message, true); }, clear: () => put("", false) };
}
