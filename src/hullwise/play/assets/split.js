/**
 * Cells to shapes. On each cell every output is affine, so classes, levels of height and their
 * boundaries are polygons: a cell is clipped where outputs are equal, or reach a level.
 *
 * `Path` is anything with moveTo and lineTo: Path2D for the canvas, text for SVG. Polygons are not
 * closed: filling does that, and closePath takes time that grows with the square of their number.
 * Shapes are in the plane's units relative to the frame's centre.
 */

import { oklch, mix } from "./theme.js";

const BORDER = -1;

function addPolygon(path, points) {
  path.moveTo(points[0].x, points[0].y);
  for (let i = 1; i < points.length; i++) path.lineTo(points[i].x, points[i].y);
}

function addCell({ xy, corner }, path, begin, end) {
  path.moveTo(xy[2 * corner[begin]], xy[2 * corner[begin] + 1]);
  for (let j = begin + 1; j < end; j++) path.lineTo(xy[2 * corner[j]], xy[2 * corner[j] + 1]);
}

/**
 * The part of a convex polygon where `value(point) >= 0`, affine. An edge is marked by the `mark` of
 * the clip that made it (on the point it starts from), else as it was.
 */
function clip(points, value, mark) {
  const kept = [];
  for (let i = 0; i < points.length; i++) {
    const a = points[i];
    const b = points[(i + 1) % points.length];
    const va = value(a);
    const vb = value(b);
    if (va >= 0) kept.push(vb < 0 && va === 0 ? { ...a, mark } : a);
    if ((va > 0 && vb < 0) || (va < 0 && vb > 0)) {
      const t = va / (va - vb);
      kept.push({
        x: a.x + t * (b.x - a.x),
        y: a.y + t * (b.y - a.y),
        f: a.f.map((v, c) => v + t * (b.f[c] - v)),
        mark: va > 0 ? mark : a.mark,
      });
    }
  }
  return kept.length > 2 ? kept : [];
}

/** One cell's corners with all functions that compete there. */
function cellPoints(frame, values, k, begin, end) {
  const points = [];
  for (let j = begin; j < end; j++) {
    const v = frame.corner[j];
    const f = [];
    for (let c = 0; c < k; c++) f.push(values[k * v + c]);
    points.push({ x: frame.xy[2 * v], y: frame.xy[2 * v + 1], f, mark: BORDER });
  }
  return points;
}

/** The competing functions of a frame: a single output is class 1 against 0. */
function competitors(frame, task) {
  if (task !== "classes" || frame.k > 1) return { values: frame.outputs, k: frame.k };
  const values = new Float32Array(2 * frame.outputs.length);
  for (let v = 0; v < frame.outputs.length; v++) values[2 * v + 1] = frame.outputs[v];
  return { values, k: 2 };
}

/** Where `winner` is ahead of all others by at least `level`; new edges marked by the other class. */
function ahead(points, winner, k, level) {
  let part = points;
  for (let other = 0; other < k && part.length; other++) {
    if (other !== winner) part = clip(part, (p) => p.f[winner] - p.f[other] - level, other);
  }
  return part;
}

function addMarkedEdges(path, points, isWanted) {
  for (let i = 0; i < points.length; i++) {
    if (points[i].mark === BORDER || !isWanted(points[i].mark)) continue;
    const next = points[(i + 1) % points.length];
    path.moveTo(points[i].x, points[i].y);
    path.lineTo(next.x, next.y);
  }
}

/** Fast way for one output: above or below zero. */
function splitAtZero(frame, Path) {
  const { xy, outputs: f, ends, corner } = frame;
  const above = new Path();
  const boundary = new Path();
  let begin = 0;
  for (const end of ends) {
    let positive = 0;
    for (let j = begin; j < end; j++) if (f[corner[j]] > 0) positive++;
    if (positive === end - begin) addCell(frame, above, begin, end);
    else if (positive) {
      let isFirst = true;
      const put = (x, y) => {
        if (isFirst) above.moveTo(x, y);
        else above.lineTo(x, y);
        isFirst = false;
      };
      const crossings = [];
      for (let j = begin; j < end; j++) {
        const a = corner[j];
        const b = corner[j + 1 < end ? j + 1 : begin];
        if (f[a] > 0) put(xy[2 * a], xy[2 * a + 1]);
        if (f[a] > 0 === f[b] > 0) continue;
        const t = f[a] / (f[a] - f[b]);
        const x = xy[2 * a] + t * (xy[2 * b] - xy[2 * a]);
        const y = xy[2 * a + 1] + t * (xy[2 * b + 1] - xy[2 * a + 1]);
        put(x, y);
        crossings.push(x, y);
      }
      if (crossings.length === 4) {
        boundary.moveTo(crossings[0], crossings[1]);
        boundary.lineTo(crossings[2], crossings[3]);
      }
    }
    begin = end;
  }
  return { above, boundary };
}

/** Fills of the classes and the boundary between them: `{ base, fills: [[class, path]], boundary }`. */
export function classShapes(frame, Path = Path2D) {
  if (frame.k === 1) {
    const { above, boundary } = splitAtZero(frame, Path);
    return { base: 0, fills: [[1, above]], boundary };
  }
  const { outputs, k, ends, corner } = frame;
  const paths = Array.from({ length: k }, () => new Path());
  const boundary = new Path();
  let begin = 0;
  for (const end of ends) {
    const winner = winnerOf(outputs, k, corner, begin, end);
    if (winner >= 0) addCell(frame, paths[winner], begin, end);
    else {
      const points = cellPoints(frame, outputs, k, begin, end);
      for (let c = 0; c < k; c++) {
        const part = ahead(points, c, k, 0);
        if (!part.length) continue;
        addPolygon(paths[c], part);
        addMarkedEdges(boundary, part, (other) => other > c);
      }
    }
    begin = end;
  }
  return { base: null, fills: paths.map((path, c) => [c, path]), boundary };
}

/** The class ahead at all corners (then in the whole cell), or -1. */
function winnerOf(values, k, corner, begin, end) {
  let winner = -1;
  for (let j = begin; j < end; j++) {
    const at = k * corner[j];
    let best = 0;
    for (let c = 1; c < k; c++) if (values[at + c] > values[at + best]) best = c;
    if (winner >= 0 && best !== winner) return -1;
    winner = best;
  }
  return winner;
}

/** How far ahead each class is: nested shapes by level, and the levels' contours. */
export function leadShapes(frame, levels, Path = Path2D) {
  const { values, k } = competitors(frame, "classes");
  const { ends, corner } = frame;
  const paths = levels.map(() => Array.from({ length: k }, () => new Path()));
  const contours = new Path();
  const boundary = new Path();
  let begin = 0;
  for (const end of ends) {
    const winner = winnerOf(values, k, corner, begin, end);
    const points = cellPoints(frame, values, k, begin, end);
    for (let c = 0; c < k; c++) {
      if (winner >= 0 && winner !== c) continue;
      let level = 0;
      if (winner === c) {
        const least = Math.min(...points.map((p) => leadOf(p.f, c)));
        while (level + 1 < levels.length && levels[level + 1] <= least) level++;
        addPolygon(paths[level][c], points);
        level++;
      }
      for (; level < levels.length; level++) {
        const part = ahead(points, c, k, levels[level]);
        if (!part.length) break;
        addPolygon(paths[level][c], part);
        if (level === 0) addMarkedEdges(boundary, part, (other) => other > c);
        else addMarkedEdges(contours, part, () => true);
      }
    }
    begin = end;
  }
  return { paths, contours, boundary };
}

function leadOf(f, winner) {
  let lead = Infinity;
  for (let c = 0; c < f.length; c++) if (c !== winner) lead = Math.min(lead, f[winner] - f[c]);
  return lead;
}

/** Height of the first output: shapes where it reaches each level (from below), and contours. */
export function heightShapes(frame, levels, Path = Path2D) {
  const { outputs, k, ends, corner } = frame;
  const paths = levels.map(() => new Path());
  const contours = new Path();
  let begin = 0;
  for (const end of ends) {
    let low = Infinity;
    let high = -Infinity;
    for (let j = begin; j < end; j++) {
      const f = outputs[k * corner[j]];
      if (f < low) low = f;
      if (f > high) high = f;
    }
    let level = -1;
    while (level + 1 < levels.length && levels[level + 1] <= low) level++;
    if (level >= 0) addCell(frame, paths[level], begin, end);
    let points = null;
    for (level++; level < levels.length && levels[level] < high; level++) {
      points ??= cellPoints(frame, outputs, k, begin, end);
      const part = clip(points, (p) => p.f[0] - levels[level], 0);
      if (!part.length) break;
      addPolygon(paths[level], part);
      addMarkedEdges(contours, part, () => true);
    }
    begin = end;
  }
  return { paths, contours };
}

/** Walls: one path for each layer, in the frame's order (the rectangle's own edges left out). */
export function wallPaths(frame, Path = Path2D) {
  const { xy, edge, counts } = frame;
  const paths = [];
  let e = 2 * counts[0];
  for (let layer = 1; layer < counts.length; layer++) {
    const path = new Path();
    for (const last = e + 2 * counts[layer]; e < last; e += 2) {
      path.moveTo(xy[2 * edge[e]], xy[2 * edge[e] + 1]);
      path.lineTo(xy[2 * edge[e + 1]], xy[2 * edge[e + 1] + 1]);
    }
    paths.push(path);
  }
  return paths;
}

const DIRECTIONS = 24;
const STEEPNESSES = 4;

/** Cells by the direction in which the output rises, and how steeply: the same from frame to frame. */
export function slopeShapes(frame, Path = Path2D) {
  const { xy, outputs, k, ends, corner } = frame;
  const slopes = new Float64Array(2 * ends.length);
  const values = k === 1 ? (v) => outputs[v] : (v) => outputs[k * v + 1] - outputs[k * v];
  let begin = 0;
  ends.forEach((end, cell) => {
    let gx = 0;
    let gy = 0;
    let area = 0;
    for (let j = begin; j < end; j++) {
      const a = corner[j];
      const b = corner[j + 1 < end ? j + 1 : begin];
      const dx = xy[2 * b] - xy[2 * a];
      const dy = xy[2 * b + 1] - xy[2 * a + 1];
      const mean = (values(a) + values(b)) / 2;
      gx += mean * dy; // the mean of a gradient is the integral of f times the outward normal
      gy -= mean * dx;
      area += (xy[2 * a] * xy[2 * b + 1] - xy[2 * b] * xy[2 * a + 1]) / 2;
    }
    slopes[2 * cell] = gx / area;
    slopes[2 * cell + 1] = gy / area;
    begin = end;
  });
  return { shapes: bySlope(frame, slopes, Path) };
}

function bySlope(frame, slopes, Path) {
  const steepness = Float64Array.from(frame.ends, (_, i) =>
    Math.hypot(slopes[2 * i], slopes[2 * i + 1]),
  );
  const middle = Float64Array.from(steepness).sort()[steepness.length >> 1] || 1;
  const buckets = new Map();
  let begin = 0;
  frame.ends.forEach((end, cell) => {
    const angle = Math.atan2(slopes[2 * cell + 1], slopes[2 * cell]);
    const direction = Math.round((angle / (2 * Math.PI)) * DIRECTIONS + DIRECTIONS) % DIRECTIONS;
    const share = steepness[cell] / (steepness[cell] + middle);
    const steep = Math.min(STEEPNESSES - 1, Math.floor(share * STEEPNESSES)) || 0;
    const key = direction * STEEPNESSES + steep;
    if (!buckets.has(key)) buckets.set(key, new Path());
    addCell(frame, buckets.get(key), begin, end);
    begin = end;
  });
  return [...buckets].map(([key, path]) => ({
    angle: (Math.floor(key / STEEPNESSES) / DIRECTIONS) * 2 * Math.PI,
    strength: ((key % STEEPNESSES) + 1) / STEEPNESSES,
    path,
  }));
}

/** The colour of a slope on the theme's paper. */
export function slopeColor(theme, { angle, strength }) {
  const hue = oklch(theme.dark ? 0.5 : 0.8, 0.085, angle);
  return mix(theme.paper, hue, 0.25 + 0.6 * strength);
}
