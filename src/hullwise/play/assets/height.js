/** Levels of height that stay the same from frame to frame, and their colours. */

import { mix } from "./theme.js";

const DOUBLINGS = 6;
const STEPS = 8;

/** How far a class is ahead, in log odds: doubling, so that a net that is sure stays readable. */
export const LEAD_LEVELS = [0, 0.5, 1, 2, 4, 8, 16, 32, 64, 128];

export function leadColor(theme, c, level) {
  const share = level / (LEAD_LEVELS.length - 1);
  return mix(theme.paper, theme.classColor(c), 0.08 + 0.62 * share);
}

const NICE = [1, 2, 2.5, 5, 10];

function niceStep(length) {
  const power = 10 ** Math.floor(Math.log10(length));
  return NICE.map((n) => n * power).find((step) => step >= length * 0.999);
}

/** Even steps over the targets' range, doubling ones beyond: heights far out do not hide those within. */
export function heightLevels([low, high]) {
  const range = high > low ? high - low : 1;
  const step = niceStep(range / STEPS);
  const first = Math.floor(low / step) * step;
  const last = Math.ceil(high / step) * step;
  const even = [];
  for (let i = 0; first + i * step <= last + step / 2; i++) even.push(first + i * step);
  const beyond = Array.from({ length: DOUBLINGS }, (_, i) => step * 2 ** (i + 1));
  return {
    levels: [...beyond.map((b) => first - b).reverse(), ...even, ...beyond.map((b) => last + b)],
    step,
  };
}

/** Blue below, paper in the middle, orange above; `level` -1 is below all. */
export function heightColor(theme, level, levels) {
  const share = (2 * (level + 1)) / levels - 1;
  const color = theme.classColor(share < 0 ? 0 : 1);
  return mix(theme.paper, color, 0.75 * Math.abs(share) ** 0.8);
}
