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

/** @param {number} n */
const thousands = (n) => Number(n).toLocaleString("en-US");

/** @param {DataView} view @param {AbortSignal} signal an object URL that dies with the output */
function pictureUrl(view, signal) {
  const url = URL.createObjectURL(new Blob([view], { type: "image/jpeg" }));
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return url;
}

/** Bright enough for dark text on it and for dark pictures under it. @param {number} hue degrees, one per class */
const classColor = (hue) => `hsl(${hue} 75% 62%)`;

/** Boxes over a picture, as SVG in relative coordinates. @param {any[]} boxes @param {boolean} named */
function boxLayer(boxes, named) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "wb-boxes");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  const names = el("div.wb-names");
  for (const [name, left, top, right, bottom, hue] of boxes) {
    const rect = document.createElementNS(ns, "rect");
    const put = { x: left * 100, y: top * 100, width: (right - left) * 100, height: (bottom - top) * 100 };
    for (const [key, value] of Object.entries(put)) rect.setAttribute(key, String(value));
    rect.setAttribute("stroke", classColor(hue));
    svg.append(rect);
    if (named) names.append(el("span", { style: { left: `${left * 100}%`, top: `${top * 100}%`, background: classColor(hue) } }, name));
  }
  return el("div.wb-overlay", {}, svg, names);
}
