// What is said of one row, and of many.

import { BANDS, bdi, glyph, make, number, pictureOf, table } from "/page/elements.js";

const SHOWN_ROWS = 500;
const WORST_FIRST = ["far", "beyond", "unknown", "edge", "core"];

export function drawOne(place, details) {
  place.replaceChildren(
    make("p", { class: "band-name" }, glyph(details.band), details.error ? "not located" : details.band),
    make("h2", { class: "lead", id: "title", tabindex: "-1" }, details.title),
    make("ul", { class: "reasons" }, details.reasons.map((text) => make("li", {}, bdi(text)))),
    ...[pictureOf(details.picture)].filter(Boolean),
    ...(details.picture ? [make("p", { class: "quiet" },
      "Each dot is a share of the training rows, left out in turn and measured like this row.")] : []),
    ...columnTable(details),
    ...nearestTable(details),
    ...notes(details.notes));
  place.hidden = false;
}

function columnTable(details) {
  if (!details.columns.length) return [];
  const rows = details.columns.map((c) => {
    const own = c.value === "" ? make("span", { class: "empty" }, "empty") : bdi(c.value);
    const kind = c.is_unseen ? "never" : c.share > 0 ? "away" : null;
    return [bdi(c.name), make("td", { class: kind }, own, c.is_unseen ? ` ${c.unseen_text}` : ""),
      bdi(c.nearest), bdi(c.training)];
  });
  return [make("h3", {}, "Column by column"),
    table(["column", "this row", "nearest mixture", "training rows"], rows, "Column by column")];
}

function nearestTable(details) {
  if (!details.nearest.length) return [];
  const names = Object.keys(details.nearest[0].cells);
  const rows = details.nearest.map((near) => [bdi(near.row),
    ...names.map((name) => bdi(number(near.cells[name])))]);
  return [make("h3", {}, "The nearest training rows"),
    table(["row", ...names], rows, "The nearest training rows")];
}

function notes(texts) {
  return texts.length ? [make("ul", { class: "reasons notes quiet" }, texts.map((text) => make("li", {}, bdi(text))))] : [];
}

/** All rows, the worst first; `onPick` is called with a row's number. */
export function drawBatch(place, answers, texts, { categories, onPick, onSave }) {
  const counts = Object.fromEntries(BANDS.map((band) => [band, 0]));
  for (const answer of answers) counts[answer.band]++;
  const order = answers.map((_, i) => i).sort((a, b) =>
    WORST_FIRST.indexOf(answers[a].band) - WORST_FIRST.indexOf(answers[b].band)
    || (answers[b].upper ?? 0) - (answers[a].upper ?? 0) || a - b);
  const near = counts.core + counts.edge;
  place.replaceChildren(
    make("h2", { class: "lead", id: "batch-title", tabindex: "-1" },
      `${near.toLocaleString("en")} of ${answers.length.toLocaleString("en")} rows ${near === 1 ? "is" : "are"} no farther out than 95 % of the training rows.`),
    make("ul", { class: "tally" }, BANDS.filter((band) => counts[band] || band !== "unknown").map((band) =>
      make("li", {}, make("span", { class: "name" }, glyph(band), band), make("b", {}, counts[band].toLocaleString("en"))))),
    ...notes(texts),
    make("div", { class: "batch-head" },
      make("p", { class: "quiet" }, order.length > SHOWN_ROWS ? `The ${SHOWN_ROWS} worst rows.` : "The worst first."),
      make("button", { type: "button", id: "save", onclick: onSave }, "Save as CSV")),
    batchTable(order.slice(0, SHOWN_ROWS), answers, categories, onPick));
  place.hidden = false;
}

function batchTable(order, answers, categories, onPick) {
  const box = table(["row", "band", "percentile", "why"], order.map((i) => {
    const answer = answers[i];
    return [
      make("th", { scope: "row" }, make("button", { type: "button", class: "plain", "data-row": i, onclick: () => onPick(i) }, bdi(answer.row))),
      make("td", { class: "band" }, glyph(answer.band), answer.error ? "not located" : answer.band),
      make("td", {}, answer.hull_percentile === null ? "" : `${Math.floor(answer.hull_percentile)} %`),
      make("td", { class: "why" }, bdi(reason(answer, categories))),
    ];
  }), "All rows");
  box.classList.add("batch-table");
  return box;
}

/** Why a row stands where it does, in short; of a category its name alone. */
export function reason(answer, categories) {
  if (answer.error) return answer.error.replace(/^not located: /, "");
  const never = answer.status.match(/^far: (.*?never seen in [^;]*|.*?was always [^;]*)/);
  const pushes = answer.pushed_out_by.slice(0, 3).map(({ column, amount }) => {
    if (categories.has(column)) return column;
    return `${column} ${amount > 0 ? "+" : "−"}${number(Math.abs(Number(amount.toPrecision(3))))}`;
  });
  return [...(never ? [never[1]] : []), ...pushes].join("; ");
}
