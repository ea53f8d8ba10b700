/** The picture as SVG: the same scene as on the canvas, in the same units. */

import { glyph } from "./marks.js";
import { sceneOf } from "./scene.js";
import { css } from "./theme.js";

const DECIMALS = 5;

/** A path as text; what the canvas's Path2D does for `sceneOf`, and a context's for `glyph`. */
class TextPath {
  constructor() {
    this.parts = [];
  }

  put(letter, ...numbers) {
    this.parts.push(letter + numbers.map((v) => +v.toPrecision(DECIMALS + 1)).join(" "));
  }

  moveTo(x, y) {
    this.put("M", x, y);
  }

  lineTo(x, y) {
    this.put("L", x, y);
  }

  closePath() {
    this.parts.push("Z");
  }

  arc(x, y, r) {
    this.parts.pop(); // the move to where the circle starts
    this.put("M", x - r, y);
    this.put("a", r, r, 0, 1, 0, 2 * r, 0);
    this.put("a", r, r, 0, 1, 0, -2 * r, 0);
  }

  rect(x, y, w, h) {
    this.moveTo(x, y);
    this.put("h", w);
    this.put("v", h);
    this.put("h", -w);
    this.closePath();
  }

  get text() {
    return this.parts.join("");
  }
}

const attributes = (values) =>
  Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join("");

function pathElement(shape, scale) {
  const paint = shape.fill
    ? { fill: css(shape.fill), "fill-rule": shape.rule }
    : {
        fill: "none",
        stroke: css(shape.stroke),
        "stroke-width": shape.width / scale,
        "stroke-dasharray": shape.dash?.map((d) => d / scale).join(" "),
      };
  return `<path${attributes({ d: shape.path.text, opacity: shape.alpha, ...paint })}/>`;
}

function hullElement({ data, theme }, at) {
  const points = data.hull.map((p) => at(p).join(",")).join(" ");
  const line = { fill: "none", stroke: css(theme.ink), "stroke-width": 1.3 };
  return `<polygon${attributes({ points, ...line, "stroke-dasharray": "5 4", opacity: 0.75 })}/>`;
}

function rowElements({ data, theme }, at, r) {
  return data.groups(theme).map(({ color, members, shape }) => {
    const path = new TextPath();
    for (const i of members) glyph(path, shape, ...at(data.points[i]), r);
    const line = { stroke: css(theme.paper), "stroke-width": 0.9, "paint-order": "stroke" };
    return `<path${attributes({ d: path.text, fill: css(color), ...line })}/>`;
  });
}

/** The picture, as large as it is on the screen, with its sentence as the title. */
export function svgOf(picture, sentence) {
  const { data, frame, size, store, theme } = picture;
  const { show } = store.configuration;
  const [width, height] = size;
  const [x, y] = picture.toScreen(frame.center);
  const { scale } = picture;
  const at = (point) => picture.toScreen(point).map((v) => +v.toFixed(2));
  const scene = sceneOf(frame, data, theme, show, TextPath);
  const cells = scene.map((shape) => pathElement(shape, scale)).join("\n");
  const marks = [
    ...(show.hull && data.hull?.length > 2 ? [hullElement(picture, at)] : []),
    ...(show.rows ? rowElements(picture, at, data.points.length > 700 ? 2.1 : 2.6) : []),
  ];
  const title = sentence.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="${css(theme.paper)}"/>`,
    `<g transform="translate(${x} ${y}) scale(${scale} ${-scale})" stroke-linejoin="round" stroke-linecap="round">`,
    cells,
    "</g>",
    ...marks,
    "</svg>",
  ].join("\n");
}
