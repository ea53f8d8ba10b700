// Elements of the page: whatever comes from rows is put in as text.

export const BANDS = ["core", "edge", "beyond", "far", "unknown"];
const SVG = "http://www.w3.org/2000/svg";
// As in the reports: the shape says what the colour says.
const MARKS = {
  core: "M-4.4,0a4.4,4.4 0 1 0 8.8,0a4.4,4.4 0 1 0 -8.8,0z",
  edge: "M-4.4,-4.4h8.8v8.8h-8.8z",
  beyond: "M0,-5.28l5.28,9.68h-10.56z",
  far: "M0,-6.07l6.07,6.07l-6.07,6.07l-6.07,-6.07z",
  unknown: "M-4.4,-2h2.4v-2.4h4v2.4h2.4v4h-2.4v2.4h-4v-2.4h-2.4z",
};

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

export function glyph(band) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `glyph fill-${band}`);
  svg.setAttribute("viewBox", "-6.5 -6.5 13 13");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", MARKS[band]);
  svg.append(path);
  return svg;
}

/** The service's own picture, which is XML; anything that is no picture is left out. */
export function pictureOf(text) {
  if (!text) return null;
  const tree = new DOMParser().parseFromString(text, "text/xml");
  if (tree.querySelector("parsererror, script, foreignObject")) return null;
  const box = make("div", { class: tree.documentElement.getAttribute("class") });
  for (const svg of tree.documentElement.children) box.append(document.importNode(svg, true));
  return box;
}

export function table(head, rows, label) {
  const cell = (value, first) => {
    if (value instanceof Node && /^T[DH]$/.test(value.nodeName)) return value;
    return make(first ? "th" : "td", first ? { scope: "row" } : {}, value);
  };
  return make("div", { class: "wide-table", tabindex: "0", role: "region", "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, row.map((value, i) => cell(value, i === 0)))))));
}

export function bdi(text) {
  return make("bdi", {}, String(text));
}

export function number(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
