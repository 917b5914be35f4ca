// Scrolling through more than a browser can be tall: beyond MOST_PX the scrollbar stands for a longer way.
import { el } from "./dom.js";

const MOST_PX = 4_000_000, LINE_PX = 16;

/**
 * @param {HTMLElement} root the element with the scrollbar
 * @param {AbortSignal} signal
 * @param {() => void} moved called, once per frame, when another part is to be drawn
 */
export function longScroll(root, signal, moved) {
  const layer = el("div.wb-layer");
  const space = el("div.wb-space", {}, layer);
  root.append(space);
  let length = 0, top = 0, expected = 0, frame = 0;
  const way = () => Math.max(0, length - root.clientHeight);
  const bar = () => Math.max(0, Math.min(length, MOST_PX) - root.clientHeight);
  const draw = () => { if (!frame) frame = requestAnimationFrame(() => { frame = 0; moved(); }); };
  const scrollTo = (y) => {
    top = Math.min(way(), Math.max(0, y));
    expected = way() ? (top / way()) * bar() : 0;
    root.scrollTop = expected;
    draw();
  };
  root.addEventListener("scroll", () => {
    if (Math.abs(root.scrollTop - expected) < 1) return; // our own
    expected = root.scrollTop;
    top = bar() ? (expected / bar()) * way() : 0;
    draw();
  }, { passive: true, signal });
  root.addEventListener("wheel", (event) => {
    if (length <= MOST_PX || event.ctrlKey) return;
    event.preventDefault(); // a step of the wheel stays a step
    scrollTo(top + event.deltaY * (event.deltaMode === 1 ? LINE_PX : 1));
  }, { passive: false, signal });
  const resized = new ResizeObserver(draw);
  resized.observe(root);
  signal.addEventListener("abort", () => { resized.disconnect(); cancelAnimationFrame(frame); });
  return {
    layer, draw, scrollTo,
    top: () => Math.min(top, way()),
    /** @param {number} px of all there is */
    setLength: (px) => {
      if (px === length) return;
      length = px;
      space.style.height = `${Math.min(px, MOST_PX)}px`;
      scrollTo(top);
    },
  };
}
