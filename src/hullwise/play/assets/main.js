/** The page: one configuration, one socket, one picture, and who hears of what. */

import { Announcer } from "./announce.js";
import { askForAddress, closedSentence, isRefused } from "./connection.js";
import { Controls } from "./controls.js";
import { Data } from "./data.js";
import { DrawTool } from "./draw.js";
import { FeaturePlane } from "./feature_plane.js";
import { listenForKeys } from "./keys.js";
import { Lanes } from "./lanes.js";
import { LessonCard } from "./lesson_card.js";
import { hullOutline, rowMarks } from "./marks.js";
import { closeMenusFromOutside } from "./menus.js";
import { NewRows } from "./new_rows.js";
import { Overlays } from "./overlays.js";
import { Picture } from "./picture.js";
import { Pointer } from "./pointer.js";
import { Probe } from "./probe.js";
import { effectiveMode } from "./scene.js";
import { SentViews } from "./sent_views.js";
import { addShareMenu } from "./share.js";
import { Store, equal, fromFragment, toFragment, validated } from "./state.js";
import { TableDialog } from "./table.js";
import { Theme } from "./theme.js";
import { $, clearProblems, setText, showProblem } from "./widgets.js";
import { Wire } from "./wire.js";
import { count, leadSentence, short } from "./words.js";

const QUIET_FRAME_MILLISECONDS = 500; // where motion is not wished for
const FRAME_MILLISECONDS = 15;
const VIEW_PATIENCE_MILLISECONDS = 600;
const SHOWN_BY_THE_PAGE = ["mode", "layers", "rows", "hull"];
const DRAWN_AGAIN = ["data", "rows", "noise", "seed"];

class Page {
  constructor() {
    this.theme = new Theme();
    this.store = new Store(fromFragment(location.hash.slice(1)));
    this.announcer = new Announcer();
    this.picture = new Picture($("picture"), this.theme, this.store);
    this.overlays = new Overlays(this.picture, this.store);
    this.picture.overlays.push(hullOutline, rowMarks);
    this.controls = new Controls(this.store, this.theme);
    this.probe = new Probe(this.picture, this.store, (message) => this.wire.send(message));
    this.lanes = new Lanes(this.theme, {
      scrub: (step) => this.wire.send({ type: "scrub", step }),
      resume: () => this.resume(),
    });
    this.actions = {
      tool: null,
      probe: (point) => this.probe.hover(point),
      pin: (point) => this.probe.pin(point),
    };
    this.handlers = {};
    this.listeners = []; // called with each reading that is shown: (type, message)
    this.draw = new DrawTool(this);
    this.table = new TableDialog(this);
    this.newRows = new NewRows(this);
    this.featurePlane = new FeaturePlane(this);
    new Pointer(this.picture, this.actions);
    this.lesson = new LessonCard(this);
    addShareMenu(this);
    this.isPlaying = false;
    this.isOpen = false;
    this.number = -1; // of the configuration that frames have to have
    this.frame = null; // that waits to be drawn
    this.waiting = []; // readings of frames that are not drawn yet
    this.drawn = -1;
    this.lastDrawing = -Infinity;
    this.numbers = null;
    this.motion = matchMedia("(prefers-reduced-motion: reduce)");
    this.wishesToPlay = !this.motion.matches;
    this.views = new SentViews();
    this.picture.onView = (view) => this.sendView(view);
    this.bind();
    this.controls.show(this.store.configuration);
    this.overlays.describe();
    this.store.subscribe((...change) => this.configurationChanged(...change));
    this.wire = new Wire({
      onOpen: () => this.open(),
      onText: (message) => this.text(message),
      onFrame: (frame) => this.frameCame(frame),
      onClose: (event) => this.closed(event),
    });
  }

  bind() {
    $("play").addEventListener("click", () => this.playOrPause());
    $("step").addEventListener("click", () => this.step());
    $("restart").addEventListener("click", () => this.restart());
    $("zoom-in").addEventListener("click", () => this.picture.zoom(1 / 1.5));
    $("zoom-out").addEventListener("click", () => this.picture.zoom(1.5));
    $("zoom-data").addEventListener("click", () => this.picture.showData());
    $("keys").addEventListener("click", () => this.showKeys());
    $("more").addEventListener("click", () => this.showExtras(!$("extras").classList.contains("open")));
    for (const tab of document.querySelectorAll(".tabs button")) {
      tab.addEventListener("click", () => this.showPanel(tab.dataset.panel));
    }
    addEventListener("hashchange", () => this.store.change(fromFragment(location.hash.slice(1))));
    closeMenusFromOutside();
    listenForKeys(this);
  }

  /** On a phone: the rest of the bar, over the page. */
  showExtras(isOpen) {
    $("extras").classList.toggle("open", isOpen);
    $("more").setAttribute("aria-expanded", String(isOpen));
  }

  showPanel(name) {
    document.body.dataset.panel = name;
    for (const tab of document.querySelectorAll(".tabs button")) {
      if (tab.dataset.panel === name) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
    }
  }

  /* what people do */

  playOrPause() {
    this.wishesToPlay = !this.isPlaying;
    this.wire.send({ type: this.isPlaying ? "pause" : "play" });
  }

  step() {
    this.wishesToPlay = false;
    this.wire.send({ type: "step" });
  }

  restart() {
    this.lanes.clear();
    this.wire.send({ type: "restart" });
  }

  resume() {
    this.lanes.goOn();
    this.wishesToPlay = true;
    this.wire.send({ type: "resume" });
  }

  pressEnter() {
    if (this.actions.tool) this.actions.tool.press(this.probe.point ?? this.picture.view.center);
    else this.probe.pressEnter();
  }

  leaveTool() {
    this.actions.tool?.leave();
  }

  showKeys() {
    $("keys-dialog").showModal();
  }

  readAloud() {
    this.announcer.say([$("lead").textContent, this.probe.panel.text].filter(Boolean).join(" "));
  }

  /* the configuration */

  configurationChanged(configuration, keys, origin, before) {
    this.writeAddress();
    if (keys.includes("show")) this.picture.redraw({ rebuild: true });
    if (this.picture.data) this.showMode();
    if (origin === "server") return;
    clearProblems();
    if (keys.every((key) => key === "view")) return; // the picture sends it
    const isOfThePage =
      keys.every((key) => key === "show" || key === "view") &&
      Object.keys(configuration.show).every(
        (key) =>
          SHOWN_BY_THE_PAGE.includes(key) || equal(configuration.show[key], before.show[key]),
      );
    if (!isOfThePage) this.sendConfiguration(keys);
  }

  writeAddress() {
    const parts = [toFragment(this.store.configuration), this.draw.addressPart];
    const fragment = parts.filter(Boolean).join("&");
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname);
  }

  sendConfiguration(keys) {
    const isOther = keys.some((key) => DRAWN_AGAIN.includes(key)) && !this.actions.tool;
    if (isOther && !keys.includes("view")) this.store.change({ view: null }, "server");
    const { configuration } = this.store;
    const view = isOther ? configuration.view : this.picture.view;
    if (view) this.views.remember(view);
    this.wire.send({ type: "configure", configuration: { ...configuration, view } });
  }

  sendView(view) {
    const hasData = this.picture.data || this.picture.expected;
    if (!this.isOpen || !hasData || equal(view, this.sentView)) return;
    this.views.remember(view);
    this.sentView = view;
    this.sentViewAt = performance.now();
    this.viewTimer ||= requestAnimationFrame(() => {
      this.viewTimer = 0;
      this.wire.send({ type: "view", view: this.sentView });
    });
  }

  showMode(data = this.picture.data) {
    const mode = effectiveMode(this.store.configuration.show.mode, data);
    this.controls.showData(data, mode);
  }

  /* the socket */

  open() {
    const { token } = this.wire;
    const { configuration } = this.store;
    const comesLater = configuration.data === "own" && this.table.canReopen;
    const first = comesLater ? { ...configuration, data: "spirals" } : configuration;
    this.wire.send({ type: "open", token, configuration: first });
  }

  closed(event) {
    this.isOpen = false;
    this.frame = null;
    $("picture").classList.add("away");
    this.setPlaying(false);
    this.showStatus(closedSentence(event));
    if (isRefused(event)) askForAddress((token) => this.wire.connectWith(token));
  }

  text(message) {
    if (message.frame === null) return; // a question that was taken back
    const handlers = {
      opened: () => this.opened(message),
      configuration: () => this.configured(message),
      status: () => this.status(message),
      error: () => this.problem(message),
    };
    const ofFrames = ["numbers", "probe", "line", "unit", "features"];
    if (handlers[message.type]) handlers[message.type]();
    else if (ofFrames.includes(message.type)) this.reading(message);
    else this.handlers[message.type]?.(message);
  }

  opened({ token }) {
    this.wire.keepToken(token);
    this.isOpen = true;
    this.isFresh = true;
    this.sentView = null;
    this.number = -1;
    this.drawn = -1;
    this.waiting = [];
    $("picture").classList.remove("away");
    this.showStatus("");
    this.lanes.clear();
    const { data } = this.store.configuration;
    if (data === "own" && this.table.canReopen) {
      this.isFresh = false;
      this.table.reopen();
    }
    if (data === "drawn") {
      this.wire.send({ type: "rows", points: this.draw.points });
    }
    if (this.wishesToPlay) this.wire.send({ type: "play" });
    this.probe.askAgain();
    this.featurePlane.ask();
    this.newRows.refresh();
  }

  configured(message) {
    this.number = message.number;
    this.accepted = message.configuration;
    if (this.isFresh) this.takeOver(message.configuration);
    this.isFresh = false;
    if (message.configuration.data === "own" && this.table.isAwaited) {
      this.store.change({ data: "own", view: null }, "server");
      this.table.accepted();
    }
    if (message.rows) {
      const next = new Data(message);
      if (!equal(next.points, this.picture.data?.points)) {
        this.probe.forget();
        this.newRows.refresh();
      }
      this.picture.expect(next);
      this.showMode(next);
    }
    const isCurved = message.configuration.inputs.some((name) => name.length > 1);
    const notes = isCurved ? "" : (message.notes ?? []).join(" "); // those are at the inputs
    setText($("data-note"), notes);
    $("data-note").hidden = !notes;
  }

  /** What the server has: at the start, and where it refused a change. Answers may be older than changes. */
  takeOver({ view: _, ...settings }) {
    this.store.change(validated(settings, this.store.configuration), "server");
    this.controls.show(this.store.configuration);
  }

  status({ state, sentence }) {
    this.setPlaying(state === "playing");
    const isOver = state === "flat" || state === "diverged";
    if (isOver) this.wishesToPlay = false;
    this.showStatus(sentence);
    if (sentence) this.announcer.say(sentence);
  }

  setPlaying(isPlaying) {
    this.isPlaying = isPlaying;
    setText($("play"), isPlaying ? "Pause" : "Play");
    if (!isPlaying) this.announceSoon();
  }

  announceSoon() {
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => this.announcer.say($("lead").textContent), 400);
  }

  showStatus(sentence) {
    setText($("status"), sentence ?? "");
    $("status").hidden = !sentence;
  }

  problem({ sentence, where }) {
    const isSetting = where && where.split(".")[0] in this.store.configuration;
    if (isSetting && this.accepted) this.takeOver(this.accepted);
    if (!showProblem(where, sentence)) this.showStatus(sentence);
  }

  /* frames */

  frameCame(frame) {
    this.frame = frame;
    this.animation ||= requestAnimationFrame((now) => this.animate(now));
  }

  animate(now) {
    this.animation = 0;
    if (!this.frame) return;
    const interval = this.motion.matches ? QUIET_FRAME_MILLISECONDS : FRAME_MILLISECONDS;
    if (now - this.lastDrawing < interval) {
      this.animation = requestAnimationFrame((later) => this.animate(later));
      return;
    }
    this.lastDrawing = now;
    const frame = this.views.sharpen(this.frame);
    this.frame = null;
    if (frame.configuration === this.number && this.isInView(frame)) {
      this.picture.setFrame(frame);
      this.picture.paint();
      this.drawn = frame.frame;
      this.showWaiting();
    }
    this.wire.send({ type: "ack", frame: frame.frame }); // and with it all before
  }

  /** The first frame for other rows has a view that the server made up; the one wished for is coming. */
  isInView({ half }) {
    if (!this.picture.expected) return true;
    const isAlike = Math.abs(half[1] / this.picture.view.half[1] - 1) < 1e-3;
    return isAlike || performance.now() - this.sentViewAt > VIEW_PATIENCE_MILLISECONDS;
  }

  /** What belongs to a frame is shown with it. */
  reading(message) {
    this.waiting.push(message);
    if (message.frame <= this.drawn) this.showWaiting();
  }

  showWaiting() {
    const due = this.waiting.filter((message) => message.frame <= this.drawn);
    this.waiting = this.waiting.filter((message) => message.frame > this.drawn);
    const newest = new Map(due.map((message) => [message.type, message]));
    for (const [type, message] of newest) {
      for (const listener of this.listeners) listener(type, message);
      if (type === "numbers") this.showNumbers(message);
      else if (type === "probe") this.showProbe(message);
      else if (type === "line") this.probe.showLine(message);
      else if (type === "unit") this.probe.showUnit(message);
      else this.featurePlane.show(message);
    }
  }

  showNumbers(numbers) {
    this.numbers = numbers;
    setText($("lead"), leadSentence(numbers, this.picture.data));
    setText($("step-now"), count(numbers.step));
    setText($("loss-now"), short(numbers.loss, 2));
    this.lanes.show(numbers);
    this.overlays.show(numbers);
    this.controls.showChords(numbers.chords);
    this.showCost(numbers.milliseconds);
  }

  showCost(milliseconds) {
    if (!milliseconds?.train || !$("training").open) return; // nothing was trained
    const steps = this.store.configuration.steps_per_frame;
    const each = short(milliseconds.train / steps, 2);
    $("cost").hidden = false;
    setText($("cost"), `${each} ms a step; ${short(milliseconds.slice, 2)} ms for the picture's pieces.`);
  }

  showProbe(answer) {
    this.probe.show(answer);
    if (!this.isPlaying && document.activeElement === $("picture")) {
      this.announcer.say($("probe-title").textContent);
    }
  }
}

/** For modules that add to the page: `page.handlers[type]` takes further messages of the server. */
export const page = new Page();
