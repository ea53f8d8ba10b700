/** The live region: the newest text, at most once in two seconds. */

import { $ } from "./widgets.js";

const INTERVAL_MILLISECONDS = 2000;

export class Announcer {
  constructor() {
    this.waiting = null;
    this.timer = 0;
    this.last = -Infinity;
  }

  say(text) {
    this.waiting = text;
    const wait = Math.max(0, this.last + INTERVAL_MILLISECONDS - performance.now());
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.last = performance.now();
      $("live").textContent = this.waiting;
    }, wait);
  }
}
