/** What is drawn over the plane on request: ellipses of the metric, where the guard clips, how many walls are near. */

import { css } from "./theme.js";
import { count, short } from "./words.js";
import { $, setText } from "./widgets.js";

const DOT_SHARE = 0.42; // of the spacing of the grid, for the largest count

function ellipses(g, picture, { points, axes }) {
  g.strokeStyle = css(picture.theme.ink);
  g.fillStyle = css(picture.theme.paper);
  points.forEach((point, i) => {
    const [long, short_] = axes[i].map(([dx, dy]) => [dx * picture.scale, -dy * picture.scale]);
    const [x, y] = picture.toScreen(point);
    g.beginPath();
    const angle = Math.atan2(long[1], long[0]);
    g.ellipse(x, y, Math.hypot(...long), Math.hypot(...short_), angle, 0, 2 * Math.PI);
    g.globalAlpha = 0.15;
    g.fill();
    g.globalAlpha = 0.6;
    g.lineWidth = 1;
    g.stroke();
  });
  g.globalAlpha = 1;
}

function segments(g, picture, list) {
  g.beginPath();
  for (const [from, to] of list) {
    g.moveTo(...picture.toScreen(from));
    g.lineTo(...picture.toScreen(to));
  }
}

/** Hatching over what the guard changes, exact outlines where there are some. */
function guardArea(g, picture, { grid, outline }) {
  g.strokeStyle = css(picture.theme.far);
  if (outline) {
    segments(g, picture, outline);
    g.lineWidth = 2;
    g.setLineDash([7, 3]);
    g.stroke();
    g.setLineDash([]);
  }
  if (!grid) return;
  const { x, y, changed } = grid;
  const [wx, wy] = [(x[1] - x[0]) * picture.scale, (y[1] - y[0]) * picture.scale].map(Math.abs);
  g.beginPath();
  changed.forEach((row, j) =>
    row.forEach((isChanged, i) => {
      if (!isChanged) return;
      const [px, py] = picture.toScreen([x[i], y[j]]);
      g.moveTo(px - wx / 4, py + wy / 4);
      g.lineTo(px + wx / 4, py - wy / 4);
    }),
  );
  g.lineWidth = 1.2;
  g.globalAlpha = 0.6;
  g.stroke();
  g.globalAlpha = 1;
}

/** A dot for each place of a grid: its area is the number of pieces near. */
function complexityDots(g, picture, { x, y, counts }) {
  const most = Math.max(1, ...counts.flat());
  const spacing = Math.abs(x[1] - x[0]) * picture.scale;
  g.fillStyle = css(picture.theme.ink);
  g.globalAlpha = 0.28;
  g.beginPath();
  counts.forEach((row, j) =>
    row.forEach((n, i) => {
      const r = DOT_SHARE * spacing * Math.sqrt(n / most);
      if (r < 0.3) return;
      const [px, py] = picture.toScreen([x[i], y[j]]);
      g.moveTo(px + r, py);
      g.arc(px, py, r, 0, 2 * Math.PI);
    }),
  );
  g.fill();
  g.globalAlpha = 1;
}

export class Overlays {
  constructor(picture, store) {
    this.picture = picture;
    this.store = store;
    this.numbers = {};
    picture.overlays.push((g) => this.paint(g));
    store.subscribe(({ show }) => {
      for (const key of ["metric", "guard", "complexity"]) {
        if (!show[key]) this.numbers = { ...this.numbers, [key]: undefined };
      }
      this.describe();
    });
  }

  show({ metric, guard, complexity }) {
    const had = this.isShown;
    this.numbers = { metric, guard, complexity };
    this.describe();
    if (had || this.isShown) this.picture.redraw({ cells: false });
  }

  get isShown() {
    return Object.values(this.numbers).some(Boolean);
  }

  describe() {
    const { guard, metric, complexity } = this.numbers;
    setText($("guard-note"), guard ? guardSentence(guard) : GUARD_MEANING);
    const notes = metric?.notes?.join(" ");
    setText($("metric-note"), notes || METRIC_MEANING);
    const means = complexity?.mean_by_layer;
    $("complexity-note").hidden = !means;
    if (means) {
      const text = means.map((v, i) => `${short(v, 2)} by layer ${i + 1}`).join(", ");
      setText($("complexity-note"), `Walls near a point, on average: ${text}. Larger dots: more.`);
    }
  }

  paint(g) {
    const { show } = this.store.configuration;
    const { metric, guard, complexity } = this.numbers;
    if (complexity && show.complexity) complexityDots(g, this.picture, complexity);
    if (guard && show.guard) guardArea(g, this.picture, guard);
    if (metric?.points?.length && show.metric) ellipses(g, this.picture, metric);
  }
}

const GUARD_MEANING =
  "Each unit is kept within the values that it took on the rows: far out the network stops growing.";
const METRIC_MEANING = "Along an ellipse's short axis the output changes most.";

function guardSentence(guard) {
  const view = `The guard changes the output on ${short(100 * guard.share_changed, 2)}\u00a0% of the view (red)`;
  if (guard.n_new_changed === null || !guard.n_new_rows) return `${view}.`;
  return `${view} and for ${count(guard.n_new_changed)} of ${count(guard.n_new_rows)} new rows.`;
}
