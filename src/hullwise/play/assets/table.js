/** A table of one's own: CSV from a file or pasted, its columns, the plane through them. */

import { $, clearProblems, keep, make, options } from "./widgets.js";
import { plural } from "./words.js";

const LARGEST_TEXT = 7_500_000;
const LARGEST_KEPT = 2_000_000; // of what survives a reload
const PRINCIPAL = "principal";

export class TableDialog {
  constructor(page) {
    this.page = page;
    this.dialog = $("table-dialog");
    this.csv = sessionStorage.getItem("table");
    this.choice = JSON.parse(sessionStorage.getItem("columns") ?? "null");
    this.isExpected = false; // a table of a lesson, which no dialog chose
    page.handlers.table = (description) => this.showColumns(description);
    this.body = make("div");
    this.body.dataset.key = "table";
    this.dialog.append(make("h2", { id: "table-title", textContent: "Your own table" }), this.body);
    $("open-table").addEventListener("click", () => this.open());
    for (const kind of ["dragover", "drop"]) {
      addEventListener(kind, (event) => {
        event.preventDefault();
        const file = kind === "drop" && event.dataTransfer.files[0];
        if (file) this.open().then(() => this.read(file));
      });
    }
  }

  async open() {
    clearProblems();
    this.askForText();
    if (!this.dialog.open) this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }

  askForText() {
    const file = make("input", { type: "file", id: "table-file", accept: ".csv,.tsv,.txt,text/csv" });
    file.addEventListener("change", () => file.files[0] && this.read(file.files[0]));
    const text = make("textarea", {
      id: "table-text",
      rows: 8,
      spellcheck: false,
      placeholder: "age,weight,ill\n30,70.5,no\n41,80,yes",
    });
    const buttons = make(
      "div",
      { className: "buttons" },
      this.button("Read it", () => this.send(text.value), "go"),
      this.button("Cancel", () => this.close()),
    );
    this.body.replaceChildren(
      make("p", { className: "note", textContent: "It stays on this machine: the page gives it to the server that you started." }),
      make("div", { className: "field" }, make("label", { for: "table-file", textContent: "a CSV file" }), file),
      make("label", { for: "table-text", className: "note", textContent: "or its text, names of columns first" }),
      text,
      buttons,
    );
  }

  button(text, act, className = "") {
    const element = make("button", { type: "button", textContent: text, className });
    element.addEventListener("click", act);
    return element;
  }

  async read(file) {
    if (file.size > LARGEST_TEXT) return this.refuse("This file has more than 7.5 MB: take fewer rows.");
    this.send(await file.text());
  }

  refuse(sentence) {
    clearProblems();
    this.body.append(make("p", { className: "problem", role: "alert", textContent: sentence }));
  }

  send(csv) {
    clearProblems();
    if (!csv.trim()) return this.refuse("There is no text yet.");
    if (csv.length > LARGEST_TEXT) return this.refuse("This is more than 7.5 MB: take fewer rows.");
    this.csv = csv;
    this.page.wire.send({ type: "table", csv, columns: null });
  }

  /** What was read, and what it is proposed to be. */
  showColumns({ rows, limit, columns, proposed }) {
    if (!this.dialog.open) return;
    this.columns = columns;
    const names = (key) => columns.filter((c) => c[key]).map((c) => c.name);
    const field = (text, control, id) => {
      control.id = id;
      return make("div", { className: "field" }, make("label", { for: id, textContent: text }), control);
    };
    const select = (entries, value) => {
      const element = make("select");
      options(element, entries);
      element.value = value;
      return element;
    };
    const pairs = (list) => list.map((name) => [name, name]);
    const numbers = names("is_coordinate");
    const isPair = Array.isArray(proposed.plane);
    this.target = select([["", "nothing"], ...pairs(names("is_target"))], proposed.target ?? "");
    this.task = select([["classes", "a class"], ["regression", "a number"]], proposed.task);
    this.plane = select(
      [["columns", "two columns"], [PRINCIPAL, "the directions of largest spread"]],
      isPair ? "columns" : PRINCIPAL,
    );
    const [first, second] = isPair ? proposed.plane : proposed.features;
    this.across = select(pairs(numbers), first);
    this.up = select(pairs(numbers), second);
    this.inputs = select(
      [["plane", "the plane's two coordinates"], ["all", "all chosen columns"]],
      proposed.inputs,
    );
    this.units = select([["own", "of the table"], ["standard", "standard deviations"]], proposed.units);
    this.features = numbers.map((name) => this.featureBox(name, proposed.features.includes(name)));
    const axes = [
      field("across", this.across, "table-across"),
      field("up", this.up, "table-up"),
    ];
    const showAxes = () => axes.forEach((a) => (a.hidden = this.plane.value === PRINCIPAL));
    this.plane.addEventListener("change", showAxes);
    showAxes();
    this.body.replaceChildren(
      make("p", { className: "note", textContent: this.summary(rows, limit, columns) }),
      field("predict", this.target, "table-target"),
      field("which is", this.task, "table-task"),
      field("plane", this.plane, "table-plane"),
      ...axes,
      field("inputs", this.inputs, "table-inputs"),
      field("units", this.units, "table-units"),
      make(
        "details",
        { open: numbers.length > 2 },
        make("summary", { textContent: "Columns that span the space" }),
        make("div", { className: "boxes" }, ...this.features.map((box) => box.parentElement)),
      ),
      make(
        "div",
        { className: "buttons" },
        this.button("Show it", () => this.choose(), "go"),
        this.button("Another table", () => this.askForText()),
        this.button("Cancel", () => this.close()),
      ),
    );
    this.body.querySelector(".go").focus();
  }

  featureBox(name, checked) {
    const box = make("input", { type: "checkbox", value: name, checked });
    make("label", {}, box, ` ${name}`);
    return box;
  }

  summary(rows, limit, columns) {
    const left = rows > limit ? `, of which ${limit.toLocaleString("en-US")} are taken` : "";
    const out = columns.filter((c) => c.reason).map((c) => `${c.name}: ${c.reason}`);
    const gaps = columns.filter((c) => c.gaps).map((c) => `${c.name} (${c.gaps})`);
    const parts = [`${plural(rows, "row")}${left}, ${plural(columns.length, "column")}.`];
    if (gaps.length) parts.push(`Empty cells: ${gaps.join(", ")}; a row with one in a column that is used is left out.`);
    if (out.length) parts.push(`No coordinate: ${out.join("; ")}.`);
    return parts.join(" ");
  }

  choose() {
    clearProblems();
    const pair = [this.across.value, this.up.value];
    const isPrincipal = this.plane.value === PRINCIPAL;
    const ticked = this.features.filter((box) => box.checked).map((box) => box.value);
    const features = isPrincipal ? ticked : [...new Set([...pair, ...ticked])];
    this.choice = {
      plane: isPrincipal ? PRINCIPAL : pair,
      features: features.filter((name) => name !== this.target.value),
      inputs: this.inputs.value,
      target: this.target.value || null,
      task: this.task.value,
      units: this.units.value,
    };
    this.sendChoice();
  }

  sendChoice() {
    this.page.wire.send({ type: "table", csv: null, columns: this.choice });
  }

  /** The rows are shown: keep the table for a reload. */
  accepted() {
    this.isExpected = false;
    this.close();
    if (!this.csv || this.csv.length > LARGEST_KEPT) return;
    keep("table", this.csv);
    keep("columns", JSON.stringify(this.choice));
  }

  get isAwaited() {
    return this.dialog.open || this.isExpected;
  }

  get canReopen() {
    return Boolean(this.csv && this.choice);
  }

  /** A table that the page brings itself, as it is chosen. */
  show(csv, choice) {
    [this.csv, this.choice] = [csv, choice];
    this.isExpected = true;
    this.reopen();
  }

  /** On a new socket. */
  reopen() {
    this.page.wire.send({ type: "table", csv: this.csv, columns: this.choice });
  }
}
