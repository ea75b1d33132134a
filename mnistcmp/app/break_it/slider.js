// A dial that moves in the browser alone: its slider, the changed digit and what the networks read.
//
// Python sends everything that the networks read at every position of the slider, and all sentences.
// Here only the position changes. Python learns it when the dial rests, so that a link can name it.

const REST_MS = 400; // without a movement: the dial rests
const STEP_MS = 450; // of the sweep
const CALM_STEP_MS = 1200; // if the visitor prefers reduced motion
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

const dials = new WeakMap(); // the component's element -> its Dial

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

class Dial {
  key = null; // of the data that is shown
  at = 0; // the position of the slider
  step = 0; // the next one of the sweep's steps
  sweeping = null; // the sweep's timer
  resting = null; // the timer that waits for rest
  cells = []; // for each row of the table, its data and the cell of its answer

  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.dial = find(".dial");
    this.digit = find(".digit");
    this.level = find(".level");
    this.slider = find("input");
    this.ends = root.querySelectorAll(".ends span");
    this.button = find("button");
    this.state = find(".state");
    this.status = find("[role=status]");
    this.strip = find(".strip");
    this.table = find("table");
    this.slider.oninput = () => this.grasp();
    this.slider.onchange = () => this.restSoon();
    this.button.onclick = () => (this.sweeping === null ? this.play() : this.pause());
  }

  show(data) {
    if (data.key !== this.key) this.renew(data);
    for (const { row, line } of this.cells) {
      line.classList.toggle("chosen", row.name === data.chosen);
    }
  }

  renew(data) {
    this.halt();
    this.key = data.key;
    this.data = data;
    this.step = 0;
    const last = data.levels.length - 1;
    this.slider.max = last;
    this.slider.setAttribute("aria-label", data.title);
    [this.ends[0].textContent, this.ends[1].textContent] = data.ends;
    this.digit.style.backgroundImage = `url(${data.strip})`;
    this.digit.style.backgroundSize = `${100 * data.levels.length}% 100%`;
    // Small above the tracks: the middle of each picture is above its level.
    this.strip.src = data.strip;
    this.strip.style.width = `${(100 * data.levels.length) / last}%`;
    this.strip.style.marginLeft = `${-50 / last}%`;
    this.table.caption.textContent = data.title;
    this.table.querySelector(".scale").replaceChildren(
      ...data.scale.map(([at, text]) => this.tick(at, text)),
    );
    this.cells = [];
    for (const body of [...this.table.tBodies]) body.remove();
    this.table.append(...data.families.map((family) => this.family(family)));
    this.move(data.at);
    this.status.textContent = `${data.headline} ${data.states[data.at]}`;
  }

  tick(at, text) {
    const tick = element("span", { textContent: text });
    tick.style.left = `${this.share(at)}%`;
    return tick;
  }

  family({ title, colour, character, rows }) {
    const shape = element("span", { textContent: `${character} `, ariaHidden: "true" });
    shape.style.color = colour;
    const head = element("th", { scope: "rowgroup", colSpan: 3 }, shape, title);
    const lines = rows.map((row) => this.row(row, colour, character));
    return element("tbody", {}, element("tr", {}, head), ...lines);
  }

  row(row, colour, character) {
    const track = element("div", { className: "track" });
    if (row.held) {
      const [from, to] = row.held.map((at) => this.share(at));
      const bar = element("span", { className: "held" });
      Object.assign(bar.style, { left: `${from}%`, width: `${to - from}%`, background: colour });
      track.append(bar);
    }
    for (const at of row.breaks) {
      const mark = element("i", { className: "mark", textContent: character, ariaHidden: "true" });
      Object.assign(mark.style, { left: `${this.share(at)}%`, color: colour });
      track.append(mark);
    }
    track.append(element("span", { className: "unseen", textContent: row.where }));
    const answer = element("td", { className: "answer" });
    const head = element("th", { scope: "row", textContent: row.title });
    const title = `${row.name}: ${row.where}`;
    const line = element("tr", { title }, head, element("td", {}, track), answer);
    this.cells.push({ row, line, answer });
    return line;
  }

  share(at) {
    return (100 * at) / (this.data.levels.length - 1);
  }

  move(at) {
    const { labels, label, states } = this.data;
    this.at = at;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", labels[at]);
    this.level.textContent = labels[at];
    this.digit.style.backgroundPosition = `${this.share(at)}% 0`;
    this.digit.setAttribute("aria-label", `The digit: ${labels[at]}`);
    this.dial.style.setProperty("--at", `${this.share(at)}%`);
    this.state.textContent = states[at];
    for (const { row, answer } of this.cells) {
      const read = row.answers[at];
      const right = read === label;
      answer.className = right ? "answer" : "answer wrong";
      const text = `${right ? "✓" : "✗"} ${read < 0 ? "–" : read}`;
      answer.replaceChildren(element("b", { textContent: text }), ` ${row.sure[at]} %`);
    }
  }

  grasp() {
    this.halt();
    this.step = 0;
    this.move(Number(this.slider.value));
  }

  // Along the sweep's path, from rest outwards; after a pause it goes on where it was.
  play() {
    const { path } = this.data;
    clearTimeout(this.resting);
    if (this.step >= path.length) this.step = 0;
    this.mark("⏸\uFE0E Pause");
    this.sweeping = setInterval(() => this.stepOn(), CALM.matches ? CALM_STEP_MS : STEP_MS);
    this.stepOn();
  }

  stepOn() {
    this.move(this.data.path[this.step]);
    this.step += 1;
    if (this.step >= this.data.path.length) this.pause();
  }

  pause() {
    this.halt();
    this.rest();
  }

  halt() {
    clearInterval(this.sweeping);
    clearTimeout(this.resting);
    this.sweeping = null;
    this.mark("▶\uFE0E Play");
  }

  mark(text) {
    this.button.textContent = text;
  }

  restSoon() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  }

  rest() {
    const { dial, direction, levels, states } = this.data;
    this.status.textContent = states[this.at];
    this.send("place", { dial, direction, level: levels[this.at] });
  }
}

export default function ({ parentElement, data, setStateValue }) {
  let dial = dials.get(parentElement);
  if (!dial) {
    dial = new Dial(parentElement);
    dials.set(parentElement, dial);
  }
  dial.send = setStateValue;
  dial.show(data);
  return () => {
    dial.halt();
    dials.delete(parentElement);
  };
}
