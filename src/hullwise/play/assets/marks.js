/** Small drawings on the second canvas: rows, hull, points, lines, ellipses. CSS pixels throughout. */

import { css } from "./theme.js";

const SHAPES = [
  (g, x, y, r) => {
    g.moveTo(x + r, y);
    g.arc(x, y, r, 0, 2 * Math.PI);
  },
  (g, x, y, r) => polygon(g, x, y, 1.28 * r, [0, 0.25, 0.5, 0.75]),
  (g, x, y, r) => polygon(g, x, y, 1.35 * r, [-0.25, 1 / 12, 5 / 12]),
  (g, x, y, r) => polygon(g, x, y, 1.2 * r, [0.125, 0.375, 0.625, 0.875]),
  (g, x, y, r) => polygon(g, x, y, 1.35 * r, [0.25, 7 / 12, 11 / 12]),
  (g, x, y, r) => {
    const w = r / 2.4;
    g.rect(x - r, y - w, 2 * r, 2 * w);
    g.rect(x - w, y - r, 2 * w, 2 * r);
  },
];

/** Back to its first corner by a line: closePath takes time that grows with the square of their number. */
function polygon(g, x, y, r, turns) {
  [...turns, turns[0]].forEach((turn, i) => {
    const [px, py] = [x + r * Math.cos(2 * Math.PI * turn), y + r * Math.sin(2 * Math.PI * turn)];
    if (i) g.lineTo(px, py);
    else g.moveTo(px, py);
  });
}

/** The glyph of a class, as a path. */
export const glyph = (g, c, x, y, r) => SHAPES[c % SHAPES.length](g, x, y, r);

export function outline(g, picture, points, isClosed = true) {
  g.beginPath();
  points.forEach((point, i) => {
    const [x, y] = picture.toScreen(point);
    if (i) g.lineTo(x, y);
    else g.moveTo(x, y);
  });
  if (isClosed) g.closePath();
}

export function hullOutline(g, picture) {
  const { data, theme, store } = picture;
  if (!store.configuration.show.hull || !(data?.hull?.length > 2)) return;
  outline(g, picture, data.hull);
  g.strokeStyle = css(theme.ink);
  g.lineWidth = 1.3;
  g.globalAlpha = 0.75;
  g.setLineDash([5, 4]);
  g.stroke();
  g.setLineDash([]);
  g.globalAlpha = 1;
}

const radius = (rows) => (rows > 1500 ? 1.7 : rows > 700 ? 2.1 : 2.6);

/** Classes by colour and shape; numbers by the colour of their height. */
export function rowMarks(g, picture) {
  const { data, theme, store } = picture;
  if (!store.configuration.show.rows || !data?.points) return;
  const r = radius(data.points.length);
  const [width, height] = picture.size;
  g.lineWidth = r < 2 ? 0.5 : 0.9;
  g.strokeStyle = css(theme.paper);
  for (const { color, members, shape } of data.groups(theme)) {
    g.fillStyle = css(color);
    g.beginPath();
    for (const i of members) {
      const [x, y] = picture.toScreen(data.points[i]);
      if (x < -r || y < -r || x > width + r || y > height + r) continue;
      glyph(g, shape, x, y, r);
    }
    g.stroke(); // beneath the colour: in a crowd the light edges would be all that is seen
    g.fill();
  }
}

/** A line on a halo of paper, so that it is seen on any ground. */
export function line(g, picture, from, to, { color, width = 1.6, dash = [] }) {
  const [x0, y0] = picture.toScreen(from);
  const [x1, y1] = picture.toScreen(to);
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.setLineDash(dash);
  g.strokeStyle = css(picture.theme.paper);
  g.lineWidth = width + 2.4;
  g.stroke();
  g.strokeStyle = css(color);
  g.lineWidth = width;
  g.stroke();
  g.setLineDash([]);
}

export function dot(g, picture, point, r, fill, stroke) {
  const [x, y] = picture.toScreen(point);
  g.beginPath();
  g.arc(x, y, r, 0, 2 * Math.PI);
  g.fillStyle = css(fill);
  g.strokeStyle = css(stroke);
  g.lineWidth = 2;
  g.fill();
  g.stroke();
}
