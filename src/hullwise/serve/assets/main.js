// The page: a form for one row, a place to paste or drop many, and what the service says.

import { bdi, make, number } from "/page/elements.js";
import { drawBatch, drawOne, reason } from "/page/results.js";
import { convertCommas, csvLine, listed, readRows, TextProblem } from "/page/table_text.js";

const TYPING_MILLISECONDS = 450;
const ROWS_AT_ONCE = 2000;
const MOST_FIELDS = 200;
const LARGEST_FILE = 200e6;
const byId = (id) => document.getElementById(id);

const state = { token: takeToken(), about: null, rows: [], answers: [], asked: 0, timer: 0 };

/** The token of the address, which is then taken out of it; it stays in this tab alone. */
function takeToken() {
  const sent = new URLSearchParams(location.hash.slice(1)).get("token");
  if (sent) {
    history.replaceState(null, "", location.pathname);
    sessionStorage.setItem("token", sent);
  }
  return sent ?? sessionStorage.getItem("token");
}

class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function ask(path, content) {
  const headers = { Accept: "application/json" };
  if (state.token) headers.Authorization = `Bearer ${state.token}`;
  if (content !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: content === undefined ? "GET" : "POST", headers, cache: "no-store",
      body: content === undefined ? undefined : JSON.stringify(content) });
  } catch {
    throw new Refusal(0, "The service does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({ error: `The service answered with status ${response.status}.` }));
  if (!response.ok) throw new Refusal(response.status, answer.error);
  return answer;
}

function say(text) { byId("problem").textContent = sentence(text); }
function sentence(text) { return text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."); }

function tell(error) {
  if (error instanceof Refusal && error.status === 401) return askForToken(state.token !== null);
  if (!(error instanceof Refusal || error instanceof TextProblem)) console.error(error);
  say(error.message);
}

function askForToken(wasWrong) {
  state.token = null;
  sessionStorage.removeItem("token");
  byId("desk").hidden = true;
  byId("scope").textContent = "";
  byId("token-form").hidden = false;
  byId("token-problem").textContent = wasWrong ? "That is not its token." : "";
  byId("token").focus();
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = byId("token").value.trim();
  sessionStorage.setItem("token", state.token);
  byId("token").value = "";
  open();
});

async function open() {
  try {
    state.about = await ask("/domain");
  } catch (error) {
    byId("scope").textContent = "";
    if (error.status !== 401) byId("scope").textContent = error.message;
    return tell(error);
  }
  byId("token-form").hidden = true;
  byId("desk").hidden = false;
  const { rows, columns } = state.about;
  byId("scope").textContent = `Against ${rows.toLocaleString("en")} training rows, ${columns.length} column${columns.length === 1 ? "" : "s"}`;
  byId("fields").replaceChildren(...columns.slice(0, MOST_FIELDS).map(field));
  if (columns.length > MOST_FIELDS) say(`Only the first ${MOST_FIELDS} of ${columns.length} columns have a field; paste rows for all`);
  byId("fields").querySelector("input")?.focus({ preventScroll: true });
}

function field(column, i) {
  const id = `field-${i}`;
  const input = make("input", { id, name: column.name, "aria-describedby": `${id}-hint`, spellcheck: "false",
    autocomplete: "off", autocapitalize: "off", placeholder: number(column.typical),
    inputmode: ["number", "log", "periodic"].includes(column.role) ? "decimal" : null });
  const parts = [make("label", { for: id }, bdi(column.name)), input, make("span", { class: "hint", id: `${id}-hint` }, hint(column))];
  if (column.levels) {
    input.setAttribute("list", `${id}-levels`);
    parts.push(make("datalist", { id: `${id}-levels` }, column.levels.map((level) => make("option", { value: level }))));
  }
  return make("div", { class: "field" }, parts);
}

function hint(column) {
  const gaps = column.has_gaps ? ", or empty" : "";
  if (column.levels) {
    const shown = column.levels.slice(0, 3).join(", ");
    return `${shown}${column.n_levels > 3 ? `, … (${column.n_levels})` : ""}${gaps}`;
  }
  if (column.minimum !== null) return `${number(column.minimum)} to ${number(column.maximum)}${gaps}`;
  return `${column.text}${gaps}`;
}

function inputs() { return [...byId("fields").querySelectorAll("input")]; }

function fillForm(row) {
  for (const input of inputs()) input.value = row[input.name] === null || row[input.name] === undefined ? "" : String(row[input.name]);
}

function formRow() {
  const row = Object.fromEntries(inputs().map((input) => [input.name, input.value.trim() === "" ? null : input.value.trim()]));
  convertCommas([row], state.about.columns);
  return row;
}

async function explain(row, { focus = false } = {}) {
  clearTimeout(state.timer);
  const turn = ++state.asked;
  byId("one").classList.add("waiting");
  try {
    const details = await ask("/explain", row);
    if (turn !== state.asked) return; // another row was asked for meanwhile
    say("");
    drawOne(byId("one"), details);
    markFields(details);
    if (focus) { byId("title").focus({ preventScroll: true }); byId("one").scrollIntoView({ block: "start", behavior: calm() }); }
  } catch (error) {
    if (turn === state.asked) { byId("one").hidden = true; tell(error); }
  } finally {
    byId("one").classList.remove("waiting");
  }
}

function categories() { return new Set(state.about.columns.filter((c) => c.role === "category").map((c) => c.name)); }

function calm() { return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth"; }

function markFields(details) {
  const out = new Set(details.columns.filter((c) => c.is_unseen).map((c) => c.name));
  for (const column of state.about.columns) if (isOutOfRange(column)) out.add(column.name);
  for (const input of inputs()) {
    input.parentElement.classList.toggle("out", out.has(input.name));
    input.setAttribute("aria-invalid", String(out.has(input.name)));
  }
}

function isOutOfRange({ name, minimum, maximum }) {
  const text = inputs().find((input) => input.name === name)?.value.trim().replace(",", ".");
  return Boolean(text) && typeof minimum === "number" && (Number(text) < minimum || Number(text) > maximum);
}

async function takeText(text) {
  say("");
  byId("progress").textContent = "";
  try {
    const { rows, notes } = readRows(text, state.about.columns);
    if (rows.length === 1 && typeof rows[0] === "object" && rows[0] !== null) {
      byId("batch").hidden = true;
      fillForm(rows[0]);
      await explain(rows[0]);
      byId("progress").textContent = notes.join(" ");
      return;
    }
    await locateAll(rows, notes);
  } catch (error) {
    tell(error);
  }
}

async function locateAll(rows, texts) {
  const turn = ++state.asked;
  const answers = [], notes = [...texts], known = new Set();
  byId("one").hidden = true;
  byId("batch").classList.add("waiting");
  const step = Math.min(ROWS_AT_ONCE, state.about.limits.max_rows);
  try {
    for (let start = 0; start < rows.length; start += step) {
      if (rows.length > step) byId("progress").textContent = `${start.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows …`;
      const answer = await ask("/locate", rows.slice(start, start + step));
      if (turn !== state.asked) return;
      for (const row of answer.rows) answers.push(Number.isInteger(row.row) && state.about.names_of_rows === null ? { ...row, row: row.row + start } : row);
      for (const note of answer.notes) if (!/ is empty in \d/.test(note) && !known.has(note)) { known.add(note); notes.push(sentence(note)); }
    }
    Object.assign(state, { rows, answers });
    byId("progress").textContent = "";
    drawBatch(byId("batch"), answers, notes, { categories: categories(), onPick: pick, onSave: save });
    byId("batch-title").focus({ preventScroll: true });
    byId("batch").scrollIntoView({ block: "start", behavior: calm() });
  } catch (error) {
    byId("progress").textContent = "";
    tell(error);
  } finally {
    byId("batch").classList.remove("waiting");
  }
}

function pick(i) {
  for (const button of byId("batch").querySelectorAll("[data-row]"))
    button.closest("tr").setAttribute("aria-current", String(button.dataset.row === String(i)));
  const row = state.rows[i];
  if (typeof row !== "object" || row === null) return say(reason(state.answers[i], categories()));
  fillForm(row);
  return explain(row, { focus: true });
}

function save() {
  const names = [...new Set(state.rows.flatMap((row) => Object.keys(row ?? {})))];
  const head = [...names, "band", "hull_percentile", "lower", "upper", "why", "nearest_rows"];
  const lines = state.answers.map((a, i) => csvLine([...names.map((name) => state.rows[i]?.[name]), a.band,
    a.hull_percentile, a.lower, a.upper, reason(a, categories()), a.nearest_rows.join(" ")]));
  const file = new Blob([[csvLine(head), ...lines, ""].join("\r\n")], { type: "text/csv" });
  const link = make("a", { href: URL.createObjectURL(file), download: "where.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- what people do

byId("row-form").addEventListener("submit", (event) => {
  event.preventDefault();
  explain(formRow());
});
byId("row-form").addEventListener("input", () => {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => { if (inputs().some((input) => input.value.trim())) explain(formRow()); }, TYPING_MILLISECONDS);
});
byId("typical").addEventListener("click", () => {
  fillForm(Object.fromEntries(state.about.columns.map((column) => [column.name, number(column.typical)])));
  explain(formRow());
});
byId("clear").addEventListener("click", () => {
  state.asked++;
  clearTimeout(state.timer);
  fillForm({});
  markFields({ columns: [] });
  say("");
  byId("progress").textContent = "";
  byId("one").hidden = true;
  inputs()[0]?.focus();
});
byId("fields").addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain");
  if (!/[\t\n;{[]/.test(text.trim())) return; // one cell goes where it is pasted
  event.preventDefault();
  takeText(text);
});
byId("paste-form").addEventListener("submit", (event) => {
  event.preventDefault();
  takeText(byId("pasted").value);
});
byId("file").addEventListener("change", () => takeFile(byId("file").files[0]).then(() => { byId("file").value = ""; }));

async function takeFile(file) {
  if (!file) return;
  if (file.size > LARGEST_FILE) return say(`${file.name} is too large for this page: hullwise locate reads files of any size`);
  if (/\.(parquet|xlsx?|ods|npy|hull|zip|gz)$/i.test(file.name)) return say(`${file.name} is no text: save it as CSV`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "windows-1252").decode(bytes);
  }
  await takeText(text);
}

let depth = 0;
const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => { if (hasFile(event) && state.about) { depth++; byId("drop").hidden = false; } });
addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) byId("drop").hidden = true; });
addEventListener("dragover", (event) => { if (hasFile(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  depth = 0;
  byId("drop").hidden = true;
  if (!hasFile(event)) return;
  event.preventDefault();
  if (state.about) takeFile(event.dataTransfer.files[0]);
});

open();
