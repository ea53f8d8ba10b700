/** Small parts of the page: elements, toggles, sliders over a list, radio groups, problems. */

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (names with a dash) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Text is only written where it differs, so that nothing is laid out again in vain. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
export const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));

export function toggle(button, onChange) {
  button.addEventListener("click", () => {
    press(button, !isPressed(button));
    onChange(isPressed(button));
  });
}

/** A slider over the places of a list; any other value (from the URL) takes the nearest place. */
export class ListSlider {
  constructor(input, list, write, onChange) {
    this.input = input;
    this.list = list;
    this.write = write;
    input.min = 0;
    input.max = list.length - 1;
    input.step = 1;
    input.addEventListener("input", () => this.show(list[+input.value], true));
    input.addEventListener("change", () => onChange(list[+input.value]));
  }

  show(value, isOwn = false) {
    if (!isOwn) {
      const distance = (v) => Math.abs(v - value);
      const nearest = this.list.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      this.input.value = this.list.indexOf(nearest);
    }
    showValue(this.input, this.write(value));
  }
}

export function showValue(input, text) {
  input.setAttribute("aria-valuetext", text);
  const output = input.parentElement.querySelector("output");
  if (output) setText(output, text);
}

/** Native radio buttons in a fieldset: arrows and names come with them. */
export class RadioGroup {
  constructor(fieldset, options, onChange) {
    this.inputs = options.map(({ value, label, face }) => {
      const input = make("input", { type: "radio", name: fieldset.id, value });
      if (face) input.setAttribute("aria-label", label);
      input.addEventListener("change", () => onChange(value));
      const body = make("label", { title: face ? label : "" }, input, face ?? label);
      fieldset.append(body);
      return input;
    });
  }

  show(value) {
    for (const input of this.inputs) input.checked = input.value === value;
  }

  disable(value, isDisabled) {
    this.inputs.find((input) => input.value === value).disabled = isDisabled;
  }
}

/** For a reload of this tab, where the browser has room. */
export function keep(key, text) {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    sessionStorage.removeItem(key);
  }
}

export function options(select, entries) {
  select.replaceChildren(
    ...entries.map(([value, text]) => make("option", { value, textContent: text })),
  );
}

/** The control that a dotted key of the configuration belongs to. */
function controlOf(key) {
  for (let parts = key.split("."); parts.length; parts.pop()) {
    const control = document.querySelector(`[data-key="${parts.join(".")}"]`);
    if (control) return control;
  }
  return null;
}

/** Says what is wrong at the control it concerns; false where there is none. */
export function showProblem(key, sentence) {
  const control = key && /^[\w.]+$/.test(key) ? controlOf(key) : null;
  if (!control) return false;
  for (let around = control.closest("details"); around; ) {
    around.open = true;
    around = around.parentElement.closest("details");
  }
  const text = make("p", { className: "problem", role: "alert", textContent: sentence });
  if (control.matches("button, fieldset")) control.after(text);
  else control.append(text);
  return true;
}

export function clearProblems() {
  for (const problem of document.querySelectorAll(".problem")) problem.remove();
}
