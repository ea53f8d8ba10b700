/** The network along a line between two points: value, breaks, where it leaves the hull. */

import { css } from "./theme.js";
import { plural, short } from "./words.js";
import { make } from "./widgets.js";

export class LinePlot {
  constructor(box, theme) {
    this.box = box;
    this.theme = theme;
    this.canvas = make("canvas", { role: "img" });
    this.sentence = make("p", { className: "note" });
    this.answer = null;
    theme.listeners.push(() => this.answer && this.draw());
  }

  show(answer) {
    this.answer = answer;
    if (!answer) return this.box.replaceChildren();
    if (!this.canvas.isConnected) this.box.replaceChildren(this.canvas, this.sentence);
    this.draw();
    const pieces = `${plural(answer.n_pieces, "piece")} on a way of ${short(answer.length)}`;
    const decisions = answer.decisions?.length;
    const changes = decisions === undefined ? "" : `, ${plural(decisions, "change")} of class`;
    const outside = answer.outside_share
      ? ` ${short(100 * answer.outside_share)} % of it outside the hull (grey).`
      : "";
    this.sentence.textContent = `${pieces}${changes}.${outside} ${answer.sentence ?? ""} ${(answer.notes ?? []).join(" ")}`;
    this.canvas.setAttribute("aria-label", `The output along the line: ${pieces}${changes}`);
  }

  draw() {
    const { positions, values, breaks, outside } = this.answer;
    const width = this.canvas.clientWidth || 250;
    const height = this.canvas.clientHeight || 84;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const g = this.canvas.getContext("2d");
    g.scale(ratio, ratio);
    const x = (t) => 1 + t * (width - 2);
    const all = values.flat().filter(Number.isFinite);
    const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
    const y = (v) => 3 + (height - 6) * (1 - (v - low) / (high - low || 1));
    g.fillStyle = css(this.theme.rule);
    for (const [a, b] of outside ?? []) g.fillRect(x(a), 0, x(b) - x(a), height);
    g.strokeStyle = css(this.theme.dust);
    g.lineWidth = 1;
    g.strokeRect(0, y(0), width, 0);
    const outputs = values[0]?.length ?? 0;
    for (let k = 0; k < outputs; k++) {
      g.beginPath();
      positions.forEach((t, i) => {
        if (i) g.lineTo(x(t), y(values[i][k]));
        else g.moveTo(x(t), y(values[i][k]));
      });
      g.strokeStyle = css(outputs > 1 ? this.theme.classColor(k) : this.theme.ink);
      g.lineWidth = 1.6;
      g.stroke();
    }
    g.fillStyle = css(this.theme.ink);
    for (const at of breaks) g.fillRect(x(at) - 0.5, height - 5, 1, 5);
  }
}
