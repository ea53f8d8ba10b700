// Rows as people paste them: a spreadsheet's tabs, CSV of any kind, JSON, one row without names.

const SEPARATORS = ["\t", ";", ",", "|"];
const NUMBERS = new Set(["number", "log", "periodic"]);
const COMMA_NUMBER = /^[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+$/;
const POINT_NUMBER = /^[+-]?(\d{1,3}(,\d{3})+|\d*)\.\d+$/;
const GROUPED = /^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$/;

export class TextProblem extends Error {}

/** Rows as objects, and what is to be said of how they were read. */
export function readRows(text, columns) {
  const content = text.replace(/^\ufeff/, "").trim();
  if (!content) throw new TextProblem("There is nothing to read.");
  if (/^[[{]/.test(content)) return { rows: readJson(content), notes: [] };
  const separator = chooseSeparator(content, columns);
  const lines = splitLines(content, separator);
  const { names, body, notes } = nameColumns(lines, columns, separator);
  const rows = body.map((cells, i) => readLine(cells, names, i + 1 + (lines.length - body.length)));
  return { rows: rows.map((row) => row), notes: [...notes, ...convertCommas(rows, columns)] };
}

function readJson(content) {
  let value;
  try {
    value = JSON.parse(content);
  } catch (error) {
    const lines = content.split(/\r?\n/).filter((line) => line.trim());
    try {
      value = lines.map((line) => JSON.parse(line));
    } catch {
      throw new TextProblem(`This begins like JSON and is none: ${error.message}.`);
    }
  }
  if (Array.isArray(value)) return value;
  const lists = Object.values(value).filter(Array.isArray);
  if (!lists.length) return [value];
  const length = Math.max(...lists.map((list) => list.length));
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(Object.entries(value).map(([name, list]) => [name, list?.[i] ?? null])));
}

/** The separator under which the first line names the most columns, else gives the most cells. */
function chooseSeparator(content, columns) {
  const known = new Set(columns.map((column) => column.name));
  let best = SEPARATORS[0], most = -1;
  for (const separator of SEPARATORS) {
    const first = splitLines(content, separator, 1)[0] ?? [];
    const named = first.filter((cell) => known.has(cell.trim())).length;
    const fits = first.length === columns.length ? 0.5 : 0;
    const score = named * 1000 + fits * 100 + (separator === "\t" ? 50 : 0) * (first.length > 1)
      + (separator === ";" ? 20 : 0) * (first.length > 1) + Math.min(first.length, 19);
    if (score > most) [best, most] = [separator, score];
  }
  return best;
}

/** Cells of all lines; a quoted cell may hold separators, quotes twice, and line ends. */
function splitLines(content, separator, limit = Infinity) {
  const lines = [];
  let cells = [], cell = "", quoted = false;
  const endLine = () => {
    cells.push(cell);
    if (cells.length > 1 || cell.trim() || separator === "\t") lines.push(cells);
    [cells, cell] = [[], ""];
  };
  for (let i = 0; i < content.length && lines.length < limit; i++) {
    const letter = content[i];
    if (quoted) {
      if (letter === '"' && content[i + 1] === '"') { cell += '"'; i++; }
      else if (letter === '"') quoted = false;
      else cell += letter;
    } else if (letter === '"' && !cell.trim()) { quoted = true; cell = ""; }
    else if (letter === separator) { cells.push(cell); cell = ""; }
    else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && content[i + 1] === "\n") i++;
      endLine();
    } else cell += letter;
  }
  if (lines.length < limit && (cell || cells.length)) endLine();
  return lines;
}

function nameColumns(lines, columns, separator) {
  const expected = columns.map((column) => column.name);
  const first = lines[0].map((cell) => cell.trim());
  const named = first.filter((cell) => expected.includes(cell));
  if (named.length) {
    if (lines.length === 1) throw new TextProblem("There are names of columns, and no rows.");
    const twice = first.find((name, i) => name && first.indexOf(name) !== i);
    if (twice) throw new TextProblem(`The column ${twice} is there twice.`);
    const missing = expected.filter((name) => !first.includes(name));
    const notes = missing.length ? [`Left empty, as no column has that name: ${listed(missing)}.`] : [];
    return { names: first, body: lines.slice(1), notes };
  }
  if (first.length === expected.length)
    return { names: expected, body: lines, notes: [] };
  const many = first.length === 1 ? "1 cell" : `${first.length} cells`;
  throw new TextProblem(
    `The first line names no column, and has ${many} where ${expected.length} are needed: ` +
    `${listed(expected)}.`);
}

export function listed(names) {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown;
}

function readLine(cells, names, line) {
  if (cells.slice(names.length).some((cell) => cell.trim()))
    throw new TextProblem(`Line ${line} has ${cells.length} cells, and there are ${names.length} columns.`);
  const row = {};
  names.forEach((name, i) => {
    const cell = (cells[i] ?? "").trim();
    if (name) row[name] = cell === "" ? null : cell;
  });
  return row;
}

/** Decimal commas become points, in place, where no number has a point; says so. */
export function convertCommas(rows, columns) {
  const names = columns.filter((column) => NUMBERS.has(column.role)).map((column) => column.name);
  const cells = rows.flatMap((row) => names.map((name) => row[name])).filter((c) => typeof c === "string");
  if (!cells.some((cell) => COMMA_NUMBER.test(cell))) return [];
  if (cells.some((cell) => POINT_NUMBER.test(cell) && !GROUPED.test(cell))) return [];
  for (const row of rows)
    for (const name of names) {
      const cell = row[name];
      if (typeof cell === "string" && (COMMA_NUMBER.test(cell) || GROUPED.test(cell)))
        row[name] = cell.replaceAll(".", "").replace(",", ".");
    }
  return ["Commas were read as decimal marks."];
}

/** Cells as a line of CSV that no spreadsheet takes for a formula. */
export function csvLine(cells) {
  return cells.map((cell) => {
    if (cell === null || cell === undefined) return "";
    let text = String(cell);
    if (typeof cell === "string" && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",");
}
