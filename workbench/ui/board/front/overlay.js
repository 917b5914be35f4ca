// What lies over a picture: boxes and outlines in class colours, or coloured by what became of each label.
import { el, svg } from "./dom.js";

/** Colour, stroke and words of each outcome; strokes differ as well, for those who see few colours. */
const OUTCOMES = {
  hit: { color: "#2fd07a", text: "hit" },
  miss: { color: "#ff5a5f", text: "missed", wide: true },
  false_alarm: { color: "#ffa62b", text: "false alarm", dash: "5 3" },
  wrong_class: { color: "#e07bff", text: "wrong class", dash: "5 3" },
  badly_placed: { color: "#ffe14d", text: "badly placed", dash: "2 2" },
  duplicate: { color: "#6fb7ff", text: "duplicate", dash: "2 2" },
};
const UNJUDGED = { color: "#c8ccd4", text: "not judged" };

/** Bright enough for dark text on it and for dark pictures under it. @param {number} hue degrees, one per class */
const classColor = (hue) => `hsl(${hue} 80% 62%)`;

/**
 * @param {{boxes: any[], outlines?: any[]}} item
 * @param {{boxes: boolean, masks: boolean, outcomes: boolean}} show
 * @param {boolean} named whether names are written
 * @param {{has: (id: string) => boolean, flip: (id: string) => void}} [chosen] boxes that can be chosen, by their names
 */
export function overlay(item, show, named, chosen) {
  const layer = svg("svg", { class: "wb-boxes", viewBox: "0 0 1000 1000", preserveAspectRatio: "none" });
  const names = el("div.wb-names");
  if (show.masks) {
    for (const { hue, rings } of item.outlines || []) {
      const path = rings.map((ring) => `M${ring.join(" ")}Z`).join("");
      layer.append(svg("path", { d: path, fill: classColor(hue), stroke: classColor(hue), class: "wb-outline" }));
    }
  }
  if (show.boxes) {
    for (const box of item.boxes) {
      if (!show.outcomes && box.of === "predicted") continue;
      const look = show.outcomes ? OUTCOMES[box.outcome] || UNJUDGED : { color: classColor(box.hue) };
      const [left, top, right, bottom] = box.xyxy;
      const rect = svg("rect", { x: left * 1000, y: top * 1000, width: (right - left) * 1000, height: (bottom - top) * 1000, stroke: look.color });
      if (look.dash) rect.setAttribute("stroke-dasharray", look.dash);
      const kinds = [look.wide ? "wb-wide" : "", chosen?.has(box.id) ? "wb-chosen" : ""].filter(Boolean);
      if (kinds.length) rect.setAttribute("class", kinds.join(" "));
      layer.append(rect);
      if (named) {
        const text = [box.name, show.outcomes && box.outcome ? look.text : "", box.confidence ? box.confidence.toFixed(2) : "", box.tags?.length ? `⚑ ${box.tags.map((tag) => tag.replace(/^failure:/, "")).join(", ")}` : ""].filter(Boolean).join(" · ");
        const pick = chosen ? { role: "button", tabIndex: 0, data: { label: box.id }, "aria-pressed": String(chosen.has(box.id)), title: [box.name, ...(box.tags || [])].join(" · "), onclick: () => chosen.flip(box.id), onkeydown: (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); event.stopPropagation(); chosen.flip(box.id); } } } : {};
        names.append(el("span", { ...pick, style: { left: `${left * 100}%`, top: `${top * 100}%`, background: look.color } }, text));
      }
    }
  }
  return el("div.wb-overlay", {}, layer, names);
}

/** The key to the colours of outcomes. */
export function legend() {
  const sign = (look) => {
    const line = svg("line", { x1: 1, x2: 15, y1: 5, y2: 5, stroke: look.color, "stroke-width": look.wide ? 3.5 : 2 });
    if (look.dash) line.setAttribute("stroke-dasharray", look.dash);
    return el("span", {}, svg("svg", { width: 16, height: 10, "aria-hidden": "true" }, line), look.text);
  };
  return el("div.wb-legend", { role: "note" }, ...Object.values(OUTCOMES).map(sign));
}
