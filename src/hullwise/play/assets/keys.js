/** The keyboard: training from anywhere, the probe on the picture. */

const STEP_PIXELS = 12;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Keys that these elements need themselves. */
function takesKey(target, key) {
  if (target.matches("input[type=number], input[type=text], textarea, select")) return true;
  if (target.closest("dialog[open]")) return true;
  return key === " " && target.matches("button, summary, input, a, label");
}

export function listenForKeys(page) {
  const everywhere = {
    " ": () => page.playOrPause(),
    ".": () => page.step(),
    r: () => page.restart(),
    0: () => page.picture.showData(),
    "+": () => page.picture.zoom(1 / 1.25),
    "=": () => page.picture.zoom(1 / 1.25),
    "-": () => page.picture.zoom(1.25),
    l: () => page.readAloud(),
    "?": () => page.showKeys(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || takesKey(event.target, event.key)) return;
    const action = everywhere[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  page.picture.box.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      event.preventDefault();
      if (event.shiftKey) page.probe.crossWall(arrow);
      else page.probe.moveBy(arrow.map((a) => (a * STEP_PIXELS) / page.picture.scale));
    } else if (event.key === "Enter") {
      event.preventDefault();
      page.pressEnter();
    } else if (event.key === "Escape") page.leaveTool();
  });
}
