// A slider over the epochs of training that moves in the browser alone.
//
// Python sends what every network reads before training and after each epoch, and all sentences.

const STEP_MS = 900; // of an epoch that is played
const CALM_STEP_MS = 1800; // if the visitor prefers reduced motion
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");
const SVG = "http://www.w3.org/2000/svg";

const panels = new WeakMap(); // the component's element -> its Panel

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// A line through percentages; its box is as wide as the chart, and 100 high.
function line(percentages, colour) {
  const last = Math.max(percentages.length - 1, 1);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${last} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "polyline");
  path.setAttribute("points", percentages.map((each, at) => `${at},${100 - each}`).join(" "));
  path.style.stroke = colour;
  svg.append(path);
  return svg;
}

class Panel {
  at = 0; // the epoch; 0 is before training
  playing = null; // the timer
  cells = []; // for each network, its data and what changes with the epoch

  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.headline = find(".headline");
    this.label = find(".label");
    this.state = find(".state");
    this.button = find("button");
    this.slider = find("input");
    this.scale = find(".scale");
    this.table = find("table");
    this.slider.oninput = () => {
      this.halt();
      this.move(Number(this.slider.value));
    };
    this.button.onclick = () => (this.playing === null ? this.play() : this.halt());
  }

  show(data) {
    this.data = data;
    this.last = data.labels.length - 1;
    this.slider.max = this.last;
    this.slider.setAttribute("aria-label", data.title);
    this.scale.replaceChildren(...data.scale.map((textContent) => element("span", { textContent })));
    this.headline.textContent = data.headline;
    this.mark();
    const heads = data.heads.map((text) => element("th", { scope: "col", textContent: text }));
    this.table.tHead.rows[0].replaceChildren(...heads);
    this.cells = [];
    for (const body of [...this.table.tBodies]) body.remove();
    this.table.append(...data.families.map((family) => this.family(family)));
    this.move(Math.min(this.at, this.last));
  }

  family({ title, colour, character, rows }) {
    const shape = element("span", { textContent: `${character} `, ariaHidden: "true" });
    shape.style.color = colour;
    const head = element("th", { scope: "rowgroup", colSpan: 4 }, shape, title);
    return element("tbody", {}, element("tr", {}, head), ...rows.map((row) => this.row(row, colour)));
  }

  row(row, colour) {
    const chart = element("div", { className: "chart" }, line(row.chances, colour));
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", row.course);
    const answer = element("td", { className: "reads" });
    const accuracy = element("td");
    const made = element(
      "tr",
      { title: row.name },
      element("th", { scope: "row", textContent: row.title }),
      answer,
      element("td", { className: "course" }, chart),
      accuracy,
    );
    this.cells.push({ row, made, answer, accuracy });
    return made;
  }

  move(at) {
    const { labels, states, digit } = this.data;
    this.at = at;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", labels[at]);
    this.label.textContent = labels[at];
    this.state.textContent = states[at];
    this.table.style.setProperty("--at", `${(100 * at) / Math.max(this.last, 1)}%`);
    for (const { row, made, answer, accuracy } of this.cells) {
      const right = row.answers[at] === digit;
      made.className = right ? "" : "wrong";
      const read = element("b", { textContent: `${right ? "✓" : "✗"} ${row.answers[at]}` });
      answer.replaceChildren(read, ` ${row.sure[at]} %`);
      accuracy.textContent = row.accuracies[at];
    }
  }

  play() {
    if (this.at === this.last) this.move(0);
    this.playing = setInterval(() => this.step(), CALM.matches ? CALM_STEP_MS : STEP_MS);
    this.mark();
  }

  step() {
    if (this.at < this.last) this.move(this.at + 1);
    if (this.at === this.last) this.halt();
  }

  halt() {
    clearInterval(this.playing);
    this.playing = null;
    this.mark();
  }

  mark() {
    const { play, pause } = this.data;
    this.button.textContent = this.playing === null ? `▶\uFE0E ${play}` : `⏸\uFE0E ${pause}`;
  }
}

export default function ({ parentElement, data }) {
  let panel = panels.get(parentElement);
  if (!panel) {
    panel = new Panel(parentElement);
    panels.set(parentElement, panel);
  }
  panel.show(data);
  return () => {
    panel.halt();
    panels.delete(parentElement);
  };
}
