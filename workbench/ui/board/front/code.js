// The session as Python, to copy into a cell.
import { el } from "./dom.js";

/** @import { Context } from "./protocol.js" */

/** @param {Context} context */
export function panel({ say }) {
  const text = el("pre.wb-code", { tabIndex: 0, "aria-label": "The session as Python" });
  const cell = () => `${text.textContent}\nwb.Board(selection)`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(cell());
    } catch { // not allowed here: the old way
      const area = el("textarea", { value: cell() });
      root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say("Copied. Paste it into a cell: it gives the same samples.");
  };
  const root = el("div.wb-form", {}, el("div.wb-row", {}, el("button.wb-primary", { data: { does: "copy" }, onclick: copy }, "Copy as cell")), el("p.wb-hint", {}, "Each action is one line. Run in a new kernel it gives the same samples."), text);
  return { root, update: (state) => { if (text.textContent !== state.code) { text.textContent = state.code; text.scrollTop = text.scrollHeight; } } };
}
