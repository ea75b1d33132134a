// Sends small pictures of the drawing canvas while the pen moves, including the current stroke.
//
// The canvas component reports a stroke only 200 ms after it has ended. Its canvases are in an open
// shadow root, so they can be copied, one on top of the other, onto a white background. The next
// picture is sent only after Python has answered with the number of the last one. A busy server
// therefore gets fewer pictures, and they do not queue up. If no canvas is found, nothing is sent,
// and only finished strokes are read.
//
// Python waits with links and downloads until the canvas has reported the strokes of a picture. If
// it cannot tell, it is told once the report must have been sent.
//
// Only the first finger draws. The canvas takes any finger for the pen, and would draw a bar from
// one finger to the other.
//
// It also prepares the canvas: it takes away the component's toolbar, whose tools would leave the
// canvas deaf, gives the canvas a label, and lays the starter over it until the visitor draws.
//
// A drawing that Python puts on the canvas, for example an example below it, is scrolled into view.
//
// The browser keeps the text of the drawing for this tab, and sends it back when the page was
// loaded again and nothing is drawn yet.

const SIDE_PX = 140;
const PAUSE_MS = 70; // between two pictures: at most 14 a second
const PATIENCE_MS = 2000; // then stop waiting for the answer
const REPORT_MS = 1000; // after the pen is up; the canvas has reported the stroke by then

const HEADER = "4rem"; // of the page, which covers what is scrolled under it
const KEPT = "mnistcmp.drawing"; // in the tab's storage
const STARTER_STYLE = "position:absolute;inset:0;z-index:20;pointer-events:none;opacity:.6";

const NONE = undefined; // no finger draws
const LIFTED = null; // the finger that drew is up, others are not

const taps = new WeakMap(); // the component's element -> its Tap

let canvases = []; // the component's canvases, the upper one last

function drawingCanvases() {
  if (canvases.length > 0 && canvases.every((canvas) => canvas.isConnected)) return canvases;
  canvases = [];
  for (const element of document.querySelectorAll("*")) {
    const upper = element.shadowRoot?.querySelector("canvas.upper-canvas");
    if (upper) canvases = [...element.shadowRoot.querySelectorAll("canvas")];
  }
  return canvases;
}

function onDrawing(event) {
  const path = event.composedPath();
  return drawingCanvases().some((canvas) => path.includes(canvas));
}

// What the tab keeps; "" in a private window or with a full storage.
function kept(change = (storage) => storage.getItem(KEPT)) {
  try {
    return change(window.sessionStorage) ?? "";
  } catch {
    return "";
  }
}

// Streamlit sends what it was given in a timer. After the pen was lifted, the browser paints a frame
// before it runs any timer; that would cost 15 ms.
function withoutTimers(act) {
  const { setTimeout } = window;
  window.setTimeout = (task) => queueMicrotask(task);
  try {
    act();
  } finally {
    window.setTimeout = setTimeout;
  }
}

class Tap {
  sent = 0;
  answered = 0;
  sentAt = 0;
  changed = false;
  penDown = false;
  upAt = 0;
  timer = null;
  settling = null;
  finger = NONE; // the identifier of the finger that draws
  starter = null; // the picture over the blank canvas
  tail = null; // the last two places of the pen that is down
  brush = 0; // its width in the pictures, px
  touched = false; // whether the visitor has drawn since Python offered the starter
  waitingForCanvas = null;
  redrawn = null; // how often Python has put a drawing on the canvas
  listeners = new AbortController();
  picture = Object.assign(document.createElement("canvas"), { width: SIDE_PX, height: SIDE_PX });

  constructor() {
    const options = { capture: true, passive: false, signal: this.listeners.signal };
    const on = (kind, act) => document.addEventListener(kind, act, options);
    on("pointerdown", (event) => event.isPrimary && this.down(event));
    on("pointermove", (event) => event.isPrimary && this.move(event));
    on("pointerup", (event) => event.isPrimary && this.up());
    on("pointercancel", (event) => event.isPrimary && this.up());
    for (const kind of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
      on(kind, (event) => this.touch(event));
    }
  }

  touch(event) {
    const { identifier } = event.changedTouches[0];
    if (this.finger === NONE && event.type === "touchstart" && onDrawing(event)) {
      this.finger = identifier;
    }
    if (event.touches.length === 0) {
      this.finger = NONE; // the canvas ends the stroke
    } else if (this.finger !== NONE && identifier !== this.finger) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (event.type === "touchend" || event.type === "touchcancel") {
      this.finger = LIFTED;
    }
  }

  down(event) {
    this.penDown = onDrawing(event);
    if (!this.penDown) return;
    this.touched = true;
    this.starter?.remove();
    this.tail = [event, event];
    clearTimeout(this.settling);
    this.soon();
  }

  move(event) {
    if (!this.penDown) return;
    this.tail = [this.tail[1], event];
    this.soon();
  }

  // The canvas may come after this component, and again.
  prepare(data) {
    cancelAnimationFrame(this.waitingForCanvas);
    const upper = drawingCanvases().at(-1);
    if (!upper) {
      this.waitingForCanvas = requestAnimationFrame(() => this.prepare(data));
      return;
    }
    const root = upper.getRootNode();
    root.querySelector(".dc-toolbar [aria-pressed=true]")?.click(); // back to drawing
    root.querySelector(".dc-toolbar")?.remove();
    upper.style.scrollMargin = HEADER;
    upper.setAttribute("role", "img");
    upper.setAttribute("aria-label", data.label);
    this.brush = (data.brush * SIDE_PX) / upper.width;
    this.showStarter(upper.closest(".dc-container"), data.starter);
  }

  // Not when the page is shown for the first time.
  follow(redrawn) {
    this.redrawn ??= redrawn;
    if (redrawn === this.redrawn) return;
    this.redrawn = redrawn;
    drawingCanvases().at(-1)?.scrollIntoView({ block: "nearest" });
  }

  showStarter(box, starter) {
    this.touched &&= starter !== null;
    if (starter === null || this.touched) {
      this.starter?.remove();
      this.starter = null;
    } else if (this.starter?.parentElement !== box) {
      this.starter?.remove();
      this.starter = Object.assign(document.createElement("img"), starter);
      this.starter.style.cssText = STARTER_STYLE;
      box.append(this.starter);
    }
  }

  keep(data) {
    const text = kept();
    if (data.starter !== null && text !== "" && !this.touched) {
      kept((storage) => storage.removeItem(KEPT)); // Python returns it if it can be drawn
      this.send("kept", text);
    } else if (data.kept !== null) {
      kept((storage) => storage.setItem(KEPT, data.kept));
    }
  }

  up() {
    if (!this.penDown) return;
    this.penDown = false;
    this.upAt = performance.now();
    // At once, and not when the canvas has drawn the finished stroke, which is in the next frame.
    clearTimeout(this.timer);
    withoutTimers(() => this.sendNow());
    this.tail = null;
  }

  answer(number, waiting) {
    this.answered = Math.max(this.answered, number);
    clearTimeout(this.settling);
    if (waiting && !this.penDown) {
      const left = Math.max(0, this.upAt + REPORT_MS - performance.now());
      this.settling = setTimeout(() => this.settle(), left);
    }
    if (this.changed) this.soon();
  }

  soon() {
    this.changed = true;
    const since = performance.now() - this.sentAt;
    const waiting = this.sent !== this.answered && since < PATIENCE_MS;
    if (this.timer !== null || waiting) return;
    this.timer = setTimeout(() => this.sendNow(), Math.max(0, PAUSE_MS - since));
  }

  sendNow() {
    this.timer = null;
    const canvases = drawingCanvases();
    if (canvases.length === 0) return;
    const pen = this.picture.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, SIDE_PX, SIDE_PX);
    for (const canvas of canvases) pen.drawImage(canvas, 0, 0, SIDE_PX, SIDE_PX);
    if (this.tail) this.drawTail(pen, canvases[0].getBoundingClientRect());
    this.changed = false;
    this.sentAt = performance.now();
    this.sent += 1;
    const png = this.picture.toDataURL("image/png");
    this.send("picture", { number: this.sent, png, up: !this.penDown, settled: false });
  }

  // While the pen is down, the canvas draws only to the middle of its last two places.
  drawTail(pen, box) {
    const [[fromX, fromY], [x, y]] = this.tail.map(({ clientX, clientY }) => [
      ((clientX - box.left) * SIDE_PX) / box.width,
      ((clientY - box.top) * SIDE_PX) / box.height,
    ]);
    Object.assign(pen, { lineWidth: this.brush, lineCap: "round" });
    pen.beginPath();
    pen.moveTo((fromX + x) / 2, (fromY + y) / 2);
    pen.lineTo(x, y);
    pen.stroke();
  }

  settle() {
    this.send("picture", { number: this.sent, png: "", up: true, settled: true });
  }

  end() {
    this.starter?.remove();
    cancelAnimationFrame(this.waitingForCanvas);
    clearTimeout(this.timer);
    clearTimeout(this.settling);
    this.listeners.abort();
  }
}

export default function ({ parentElement, data, setStateValue }) {
  let tap = taps.get(parentElement);
  if (!tap) {
    tap = new Tap();
    tap.sent = tap.answered = data.answered; // continue the numbers after a reconnection
    taps.set(parentElement, tap);
  }
  tap.send = setStateValue;
  tap.keep(data);
  tap.prepare(data);
  tap.follow(data.redrawn);
  tap.answer(data.answered, data.waiting);
  return () => {
    tap.end();
    taps.delete(parentElement);
  };
}
