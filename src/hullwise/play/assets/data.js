/** The rows as the page needs them: groups that are drawn in one go, ranges, names. */

import { mix } from "./theme.js";

const HEIGHT_SHADES = 12;

export function bounds(points) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const p of points) {
    for (const i of [0, 1]) {
      low[i] = Math.min(low[i], p[i]);
      high[i] = Math.max(high[i], p[i]);
    }
  }
  return { low, high };
}

export class Data {
  /** Of the message "configuration"; of points drawn by hand `rows` and `hull` alone. */
  constructor({ rows, hull, fit, names, labels, units, configuration }) {
    this.points = rows.points;
    this.targets = rows.targets;
    this.task = rows.task;
    this.classes = rows.classes ?? 0;
    this.isOwn = configuration?.data === "own";
    this.labels = this.isOwn && labels?.length ? labels : null;
    this.names = names ?? ["x", "y"];
    this.units = units ?? null;
    this.hull = hull;
    this.fit = fit ?? this.bounding();
    this.range = this.targets.length
      ? this.targets.reduce(([a, b], t) => [Math.min(a, t), Math.max(b, t)], [Infinity, -Infinity])
      : [0, 1];
  }

  /** A point in the units of an own table. */
  inUnits(point) {
    return point.map((z, i) => (this.units ? this.units[i].centre + this.units[i].scale * z : z));
  }

  bounding() {
    if (!this.points.length) return { center: [0, 0], half: [1, 1] };
    const { low, high } = bounds(this.points);
    return {
      center: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
      half: [(high[0] - low[0]) / 2, (high[1] - low[1]) / 2],
    };
  }

  /** Rows that share a shape and a colour. */
  groups(theme) {
    this.members ??= this.grouped();
    return this.members.map(({ members, key }) => {
      if (this.task === "classes") return { members, shape: key, color: theme.classColor(key) };
      const share = (2 * key) / (HEIGHT_SHADES - 1) - 1;
      const end = theme.classColor(share < 0 ? 0 : 1);
      return { members, shape: 0, color: mix(mix(theme.ink, theme.paper, 0.35), end, Math.abs(share)) };
    });
  }

  grouped() {
    const groups = new Map();
    const [low, high] = this.range;
    this.targets.forEach((target, i) => {
      const share = high > low ? (target - low) / (high - low) : 0;
      const key = this.task === "classes" ? target : Math.round(share * (HEIGHT_SHADES - 1));
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(i);
    });
    return [...groups].sort(([a], [b]) => a - b).map(([key, members]) => ({ key, members }));
  }
}
