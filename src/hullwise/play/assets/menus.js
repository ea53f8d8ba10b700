/** Menus of the bar: a name and a sheet that opens below it. */

import { $, make } from "./widgets.js";

/** A new menu; what it holds goes into the element that is returned. */
export function addMenu(id, title) {
  const sheet = make("div", { className: "sheet" });
  const summary = make("summary", { textContent: title });
  $("menus").append(make("details", { className: "popover", id }, summary, sheet));
  return sheet;
}

/** A sheet closes on a click elsewhere and on Escape. */
export function closeMenusFromOutside() {
  const open = () => [...document.querySelectorAll(".popover[open]")];
  addEventListener("click", ({ target }) => {
    for (const popover of open()) if (!popover.contains(target)) popover.open = false;
  });
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const popover of open()) {
      popover.open = false;
      popover.querySelector("summary").focus();
    }
  });
}
