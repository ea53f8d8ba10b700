/** The small pictures of the data sets: the first rows of each, as the server draws them. */

import { glyph } from "./marks.js";
import { css, mix } from "./theme.js";
import { SAMPLES } from "./samples.js";

const SIZE = 44;

function colorOf(sample, theme, target) {
  if (sample.task === "classes") return theme.classColor(target);
  const [low, high] = [Math.min(...sample.targets), Math.max(...sample.targets)];
  return mix(theme.classColor(0), theme.classColor(1), (target - low) / (high - low));
}

export class Thumbnail {
  constructor(name, theme) {
    this.sample = SAMPLES[name];
    this.theme = theme;
    this.canvas = document.createElement("canvas");
    this.draw();
    theme.listeners.push(() => this.draw());
  }

  draw() {
    const ratio = Math.max(2, devicePixelRatio || 1);
    this.canvas.width = this.canvas.height = SIZE * ratio;
    const g = this.canvas.getContext("2d");
    g.scale(ratio, ratio);
    const { points, targets, task } = this.sample;
    points.forEach(([x, y], i) => {
      g.beginPath();
      const shape = task === "classes" ? targets[i] : 0;
      glyph(g, shape, SIZE * (0.5 + 0.42 * x), SIZE * (0.5 - 0.42 * y), 1.7);
      g.fillStyle = css(colorOf(this.sample, this.theme, targets[i]));
      g.fill();
    });
  }
}
