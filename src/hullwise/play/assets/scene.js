/**
 * What a frame looks like, as a list of shapes from back to front. The canvas draws the list, an
 * export writes the same list as SVG. Units are the plane's, relative to the frame's centre; widths
 * are CSS pixels.
 */

import { css } from "./theme.js";
import { LEAD_LEVELS, heightColor, heightLevels, leadColor } from "./height.js";
import {
  classShapes,
  heightShapes,
  leadShapes,
  slopeColor,
  slopeShapes,
  wallPaths,
} from "./split.js";

const OUTSIDE_FADE = 0.36;

function rectangle(frame, Path) {
  const [hx, hy] = frame.half;
  const path = new Path();
  path.moveTo(-hx, -hy);
  path.lineTo(hx, -hy);
  path.lineTo(hx, hy);
  path.lineTo(-hx, hy);
  return path;
}

/** The mode that is possible: rows of numbers have no classes. */
export const effectiveMode = (mode, data) =>
  mode === "class" && data?.task === "regression" ? "height" : mode;

function fillsOfClasses(frame, theme, Path) {
  const { base, fills, boundary } = classShapes(frame, Path);
  const ground = base === null ? [] : [{ path: rectangle(frame, Path), fill: theme.tinted(base) }];
  return {
    fills: [...ground, ...fills.map(([c, path]) => ({ path, fill: theme.tinted(c) }))],
    lines: [{ path: boundary, stroke: theme.ink, width: 2.3 }],
  };
}

function fillsOfLeads(frame, theme, Path) {
  const { paths, contours, boundary } = leadShapes(frame, LEAD_LEVELS, Path);
  return {
    fills: paths.flatMap((row, level) =>
      row.map((path, c) => ({ path, fill: leadColor(theme, c, level) })),
    ),
    lines: [
      { path: contours, stroke: theme.ink, width: 0.8, alpha: 0.45 },
      { path: boundary, stroke: theme.ink, width: 2.3 },
    ],
  };
}

function fillsOfHeights(frame, data, theme, Path) {
  const { levels } = heightLevels(data.range);
  const { paths, contours } = heightShapes(frame, levels, Path);
  const ground = { path: rectangle(frame, Path), fill: heightColor(theme, -1, levels.length) };
  return {
    fills: [
      ground,
      ...paths.map((path, i) => ({ path, fill: heightColor(theme, i, levels.length) })),
    ],
    lines: [{ path: contours, stroke: theme.ink, width: 0.9, alpha: 0.55 }],
  };
}

function fillsOfSlopes(frame, data, theme, Path) {
  const { shapes } = slopeShapes(frame, Path);
  const fills = shapes.map((shape) => ({ path: shape.path, fill: slopeColor(theme, shape) }));
  if (data.task !== "classes") return { fills, lines: [] };
  const { boundary } = classShapes(frame, Path);
  return { fills, lines: [{ path: boundary, stroke: theme.ink, width: 2.3 }] };
}

function surface(frame, data, theme, mode, Path) {
  if (mode === "regions") return fillsOfSlopes(frame, data, theme, Path);
  if (data.task === "regression") return fillsOfHeights(frame, data, theme, Path);
  if (mode === "height") return fillsOfLeads(frame, theme, Path);
  return fillsOfClasses(frame, theme, Path);
}

function walls(frame, theme, shown, Path) {
  const layers = frame.counts.length - 1;
  return wallPaths(frame, Path).flatMap((path, i) =>
    shown[i] === false
      ? []
      : [
          {
            path,
            stroke: theme.layer(i, layers),
            width: i === 0 ? 0.9 : 0.75,
            alpha: theme.forced ? 1 : i === 0 ? 0.6 : 0.5,
            dash: theme.forced && i > 0 ? [3 + 2 * i, 2] : null,
          },
        ],
  );
}

function outsideFade(frame, data, theme, Path) {
  if (!(data.hull?.length > 2)) return [];
  const path = rectangle(frame, Path);
  const [cx, cy] = frame.center;
  data.hull.forEach(([x, y], i) => (i ? path.lineTo(x - cx, y - cy) : path.moveTo(x - cx, y - cy)));
  return [{ path, fill: theme.paper, alpha: OUTSIDE_FADE, rule: "evenodd" }];
}

/** Shapes of the cells, their walls, the fade outside the hull, and the boundary. */
export function sceneOf(frame, data, theme, show, Path = Path2D) {
  const mode = effectiveMode(show.mode, data);
  const { fills, lines } = surface(frame, data, theme, mode, Path);
  return [
    ...fills,
    ...walls(frame, theme, show.layers, Path),
    ...(show.hull ? outsideFade(frame, data, theme, Path) : []),
    ...lines,
  ];
}

/** Draws a scene; `scale` is device pixels for a unit of the transform that is set. */
export function paintScene(g, scene, scale, pixelRatio) {
  for (const shape of scene) {
    g.globalAlpha = shape.alpha ?? 1;
    if (shape.fill) {
      g.fillStyle = css(shape.fill);
      g.fill(shape.path, shape.rule ?? "nonzero");
    } else {
      g.lineCap = shape.width > 2 ? "round" : "butt"; // thin round ends only cost time
      g.strokeStyle = css(shape.stroke);
      g.lineWidth = (shape.width * pixelRatio) / scale;
      g.setLineDash((shape.dash ?? []).map((d) => (d * pixelRatio) / scale));
      g.stroke(shape.path);
    }
  }
  g.globalAlpha = 1;
  g.setLineDash([]);
}
