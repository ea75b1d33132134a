// Sends small pictures of the drawing canvas while the pen moves, including the current stroke.
//
// The canvas component reports a stroke only 200 ms after it has ended. Its canvases are in an open
// shadow root, so they can be copied, one on top of the other, onto a white background. The next
// picture is sent only after Python has answered with the number of the last one. A busy server
// therefore gets fewer pictures, and they do not queue up. If no canvas is found, nothing is sent,
// and only finished strokes are read.

const SIDE_PX = 140;
const PAUSE_MS = 100; // between two pictures
const PATIENCE_MS = 2000; // then stop waiting for the answer

const taps = new WeakMap(); // the component's element -> its Tap

function drawingCanvases() {
  for (const element of document.querySelectorAll("*")) {
    const canvases = [...(element.shadowRoot?.querySelectorAll("canvas") ?? [])];
    if (canvases.some((canvas) => canvas.classList.contains("upper-canvas"))) return canvases;
  }
  return [];
}

class Tap {
  sent = 0;
  answered = 0;
  sentAt = 0;
  changed = false;
  penDown = false;
  timer = null;
  listeners = new AbortController();
  picture = Object.assign(document.createElement("canvas"), { width: SIDE_PX, height: SIDE_PX });

  constructor() {
    const options = { capture: true, signal: this.listeners.signal };
    document.addEventListener("pointerdown", (event) => this.down(event), options);
    document.addEventListener("pointermove", () => this.penDown && this.soon(), options);
    document.addEventListener("pointerup", () => this.up(), options);
    document.addEventListener("pointercancel", () => this.up(), options);
  }

  down(event) {
    const path = event.composedPath();
    this.penDown = drawingCanvases().some((canvas) => path.includes(canvas));
    if (this.penDown) this.soon();
  }

  up() {
    if (!this.penDown) return;
    this.penDown = false;
    // The canvas draws the end of the stroke in its own listener, which runs after this one.
    setTimeout(() => {
      clearTimeout(this.timer); // send the scheduled picture now
      this.sendNow();
    });
  }

  answer(number) {
    this.answered = Math.max(this.answered, number);
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
    this.changed = false;
    this.sentAt = performance.now();
    this.sent += 1;
    this.send("picture", { number: this.sent, png: this.picture.toDataURL("image/png") });
  }

  end() {
    clearTimeout(this.timer);
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
  tap.answer(data.answered);
  return () => {
    tap.end();
    taps.delete(parentElement);
  };
}
