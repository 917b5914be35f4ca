// Explore: a map of the embeddings with a lasso, similar images, attributes taught by tags.
import { busy, checkbox, choice, counted, el, field, notice, offer, pictureStore, shortName, thousands } from "./dom.js";
import { section, table } from "./tables.js";
import { strip } from "./tile.js";

/** @import { Context } from "./protocol.js" */

const MAP_PX = 292, LASSO_STEP_PX = 3;
const POINT_PX = (n) => (n < 2000 ? 5 : n < 20000 ? 3 : 2); // many points need to be small, few would vanish
const MAP_COLORS = ["#1b7a55", "#6d4fc4", "#c9772b", "#2f7fc1", "#b83a6b", "#7b8a1f", "#168a9a", "#8a5a3b", "#c0392b", "#5866c9", "#8b93a1"];

/** The map: a point for each image, those outside the filter faint; a drag draws a lasso. @param {(corners: number[][]) => void} chosen */
function embeddingMap(chosen) {
  const canvas = /** @type {HTMLCanvasElement} */ (el("canvas.wb-cloud", { width: MAP_PX * 2, height: MAP_PX * 2, tabIndex: 0, role: "img", "aria-label": "Embedding map; drag to select the images inside an outline" }));
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let points = new Float32Array(0), codes = new Uint8Array(0), kept = new Uint8Array(0), /** @type {number[][]|null} */ path = null;
  const draw = () => {
    const side = canvas.width;
    ink.clearRect(0, 0, side, side);
    const across = POINT_PX(codes.length) * 2; // the canvas has two pixels for one of the page
    for (const wanted of [0, 1]) for (let i = 0; i < codes.length; i++) if (kept[i] === wanted) {
      ink.globalAlpha = wanted ? 0.85 : 0.18;
      ink.fillStyle = MAP_COLORS[Math.min(codes[i], MAP_COLORS.length - 1)];
      ink.fillRect((0.02 + 0.96 * points[2 * i]) * side - across / 2, (0.02 + 0.96 * points[2 * i + 1]) * side - across / 2, across, across);
    }
    ink.globalAlpha = 1;
    if (!path) return;
    ink.strokeStyle = getComputedStyle(canvas).color;
    ink.lineWidth = 2;
    ink.setLineDash([6, 4]);
    ink.beginPath();
    for (const [x, y] of path) ink.lineTo(x * side, y * side);
    ink.stroke();
    ink.setLineDash([]);
  };
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]; };
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); path = [at(event)]; event.preventDefault(); };
  canvas.onpointermove = (event) => {
    if (!path) return;
    const [x, y] = at(event), [a, b] = path[path.length - 1];
    if (Math.hypot(x - a, y - b) * MAP_PX >= LASSO_STEP_PX) { path.push([x, y]); draw(); }
  };
  canvas.onpointerup = () => {
    const corners = path ?? [];
    path = null;
    draw();
    if (corners.length >= 3) chosen(corners.map(([x, y]) => [(x - 0.02) / 0.96, (y - 0.02) / 0.96]));
  };
  canvas.onpointercancel = () => { path = null; draw(); };
  const numbers = (view, kind) => new kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  return {
    root: canvas,
    show: (buffers) => { points = numbers(buffers[0], Float32Array); codes = numbers(buffers[1], Uint8Array); kept = numbers(buffers[2], Uint8Array); draw(); },
  };
}

/** @param {Context} context */
export function panel({ ask, fail, say, zoom, signal }) {
  const pictures = pictureStore(signal);
  /** @type {Record<string, string[]>} object URLs of each strip */
  const urls = { similar: [], taught: [] };
  let /** @type {any} */ state = null, drawn = "", mapVersion = 0;
  /** The tiles of a strip with their images; those before are released. */
  const withImages = (name, tiles, buffers) => {
    for (const url of urls[name]) pictures.release(url);
    urls[name] = buffers.map(pictures.add);
    return tiles.map((tile, i) => ({ ...tile, url: urls[name][i] }));
  };
  // embeddings
  const known = el("p.wb-hint");
  const embedHere = el("button", { data: { does: "embed" }, onclick: () => busy(embedHere, ask("embed")).catch(fail) }, "Embed images");
  const count = () => ask("embeddings").then(({ result }) => {
    known.textContent = `Embeddings: ${thousands(result.embedded)} of ${counted(result.all, "image")}`;
    embedHere.hidden = result.all > 0 && result.embedded >= result.all;
    if (result.embedded && !drawn) drawMap();
  }).catch(fail);
  // map
  const color = choice("Colour of the map"), mapNotice = notice(), legend = el("div.wb-legend"), onlyFiltered = checkbox("filtered images only", false);
  const cloud = embeddingMap((corners) => ask("lasso", { corners, filtered: true, version: mapVersion }).then(({ result }) => say(`Selected ${counted(result.chosen, "image")} on the map.`)).catch(mapNotice.fail));
  const drawMap = () => {
    drawn = `${state?.arrangement}`;
    mapNotice.say("Drawing …");
    return busy(mapHere, ask("embedding_map", { color: color.value || "source" })).then(({ result, buffers }) => {
      mapNotice.clear();
      cloud.root.hidden = false;
      cloud.show(buffers);
      mapVersion = result.version;
      legend.replaceChildren(...result.names.map((name, i) => el("span", {}, el("i", { style: { background: MAP_COLORS[i], width: "9px", height: "9px", borderRadius: "2px" } }), name)));
    }).catch((error) => { drawn = ""; mapNotice.fail(error); });
  };
  const mapHere = el("button.wb-primary", { data: { does: "embedding-map" }, onclick: () => drawMap() }, "Draw");
  color.onchange = () => { if (drawn) drawMap(); };
  cloud.root.hidden = true;
  // similar images
  const similarNotice = notice(), similar = el("div");
  const similarHere = el("button.wb-primary", { data: { does: "similar" }, onclick: () => {
    similarNotice.clear();
    busy(similarHere, ask("similar", { filtered: onlyFiltered.input.checked })).then(({ result, buffers }) => {
      const ids = result.tiles.map((tile) => tile.id);
      similar.replaceChildren(strip(withImages("similar", result.tiles, buffers), zoom),
        el("button", { data: { does: "choose-similar" }, onclick: () => ask("select", { ids }).catch(fail) }, `Select these ${ids.length} too`));
    }).catch(similarNotice.fail);
  } }, "Find similar");
  // teach
  const attribute = el("input", { placeholder: "surface, finish, wetness …", "aria-label": "Attribute to teach", value: "surface", maxLength: 60, spellcheck: false });
  const teachNotice = notice(), taught = el("div");
  const teachHere = el("button.wb-primary", { data: { does: "teach" }, onclick: () => {
    teachNotice.say("Learning …");
    taught.replaceChildren();
    busy(teachHere, ask("teach", { attribute: attribute.value.trim() })).then(({ result, buffers }) => {
      teachNotice.say(result.text);
      taught.replaceChildren(table(["value", "tagged", "predicted"], result.rows),
        el("p.wb-hint", {}, "Least certain: tag these next."), strip(withImages("taught", result.tiles, buffers), zoom),
        el("button", { data: { does: "choose-doubtful" }, onclick: () => ask("select", { ids: result.tiles.map((tile) => tile.id), only: true }).catch(fail) }, `Select these ${result.tiles.length}`));
    }).catch(teachNotice.fail);
  } }, "Teach");
  attribute.onkeydown = (event) => { if (event.key === "Enter") teachHere.click(); };

  const root = el("div.wb-form", {},
    el("div.wb-row", {}, known, embedHere),
    section("Embedding map", el("div.wb-row", {}, field("Colour by", color), mapHere), cloud.root, legend, el("p.wb-hint", {}, "Similar images lie close together. Drag around some to select them; those outside the filter are faint and stay out."), mapNotice.root),
    section("Find similar", el("div.wb-row", {}, similarHere, onlyFiltered.root), similarNotice.root, similar),
    section("Teach an attribute",
      el("p.wb-hint", {}, "Tag 50 to 300 images, e.g. surface:brushed and surface:glass (with a colon in the Tag form). The rest is predicted, and becomes a facet."),
      el("div.wb-row", {}, attribute, teachHere), teachNotice.root, taught));
  return {
    root, show: count,
    ended: (job) => { if (job.kind === "embed") { drawn = ""; count(); } },
    update: (next) => {
      state = next;
      offer(color, next.columns.filter(([, kind]) => kind === "CategoryColumn").map(([name]) => [name, shortName(name)]).filter(([name]) => !/sha256|source_key|origin|filepath|record$/.test(name)));
      if (!root.hidden && drawn && drawn !== `${next.arrangement}` && !cloud.root.hidden) drawMap();
    },
  };
}
