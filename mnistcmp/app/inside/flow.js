// One network: how it reads the digit, its layers in the order of the flow, and one layer's details.
//
// Python sends all pictures and sentences. Here a click only opens the details of another layer.

const WIDE = window.matchMedia("(min-width: 641px)"); // on a phone, details open on a tap only

const networks = new WeakMap(); // the component's element -> its Network

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// The maps with these numbers, out of a sheet that has all maps below one another.
function tiles(sheet, numbers, className) {
  const box = element("span", { className: `tiles ${className}` });
  box.style.setProperty("--sheet", `url(${sheet.url})`);
  box.style.setProperty("--aspect", sheet.aspect);
  for (const number of numbers) {
    const tile = element("i", { className: "tile" });
    tile.style.backgroundSize = `100% ${100 * sheet.count}%`;
    tile.style.backgroundPosition = `0 ${sheet.count > 1 ? (100 * number) / (sheet.count - 1) : 0}%`;
    box.append(tile);
  }
  return box;
}

function all(sheet) {
  return [...Array(sheet.count).keys()];
}

function scale(labels) {
  const ends = labels.map((label) => element("span", { textContent: label }));
  return element("span", { className: "scale" }, element("span", { className: "bar" }), ...ends);
}

class Network {
  shown = null; // the data that is shown, as text
  open = undefined; // the id of the layer whose details are open, null for none

  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.network = find(".network");
    this.input = find(".input");
    this.title = find("h2");
    this.about = find(".about");
    this.reading = find(".reading");
    this.evidence = find(".evidence");
    this.flow = find(".flow");
    this.details = find(".details");
  }

  show(data) {
    const text = JSON.stringify(data);
    if (text === this.shown) return;
    this.shown = text;
    this.data = data;
    this.layers = new Map();
    this.describe();
    this.flow.setAttribute("aria-label", data.texts.layers);
    const steps = data.steps.map((step, at) => this.step(step, at + 1));
    this.flow.replaceChildren(...steps);
    for (const shortcut of data.shortcuts) {
      steps[shortcut.first - 1].before(this.shortcut(shortcut));
    }
    this.flow.classList.toggle("shortcuts", data.shortcuts.length > 0);
    this.details.setAttribute("aria-label", data.texts.details);
    if (!this.layers.has(this.open)) {
      const closed = this.open === null || !WIDE.matches;
      this.open = closed ? null : data.first;
    }
    this.mark();
  }

  describe() {
    const { title, name, about, reading, input, evidence, colours } = this.data;
    for (const [use, colour] of Object.entries(colours)) {
      this.network.style.setProperty(`--${use}`, colour);
    }
    this.title.replaceChildren(`${title} `, element("small", { textContent: name }));
    this.reading.textContent = reading ?? "";
    for (const old of this.about.querySelectorAll(".more")) old.remove();
    this.about.append(
      ...about.map((text) => element("p", { className: "more", textContent: text })),
    );
    this.input.hidden = !input;
    Object.assign(this.input, input ? { src: input.url, alt: input.alt } : { alt: "" });
    this.evidence.replaceChildren(
      ...(evidence ?? []).map((each) =>
        element(
          "figure",
          {},
          element("img", { src: each.url, alt: each.alt }),
          element(
            "figcaption",
            {},
            element("b", { textContent: each.title }),
            element("span", { textContent: each.caption }),
            scale(each.scale),
          ),
        ),
      ),
    );
  }

  // A shortcut: a line around the layers, with buttons for layers on the line itself.
  shortcut({ first, sum, layers }) {
    const line = element("div", { className: "shortcut" });
    line.style.setProperty("--from", first);
    line.style.setProperty("--to", sum + 1);
    line.append(...layers.map((layer) => this.button(layer, [])));
    return line;
  }

  step(step, at) {
    const made = step.id
      ? this.button(step, [this.picture(step)])
      : this.sum(step);
    made.classList.add("step");
    made.style.setProperty("--at", at);
    return made;
  }

  // The place where a shortcut is added.
  sum({ does, relu }) {
    const plus = element("span", { className: "plus", textContent: "+" });
    return element("span", { className: "sum", title: does }, plus, relu ? this.relu() : "");
  }

  relu() {
    return element("span", { className: "relu", textContent: this.data.texts.relu });
  }

  picture({ output, answers }) {
    if (answers) {
      const bars = answers.map(({ share }) => {
        const bar = element("i");
        bar.style.setProperty("--share", `${share}%`);
        return bar;
      });
      return element("span", { className: "bars", ariaHidden: "true" }, ...bars);
    }
    if (!output) return "";
    return Object.assign(tiles(output, output.shown, "few"), { ariaHidden: "true" });
  }

  button(layer, picture) {
    const made = element(
      "button",
      { type: "button", className: "layer" },
      ...picture,
      element("span", { className: "name", textContent: layer.name }),
      element("span", { className: "size", textContent: layer.size }),
      layer.relu ? this.relu() : "",
    );
    made.onclick = () => {
      this.open = this.open === layer.id ? null : layer.id;
      this.mark();
    };
    this.layers.set(layer.id, { layer, button: made });
    return made;
  }

  mark() {
    for (const [id, { button }] of this.layers) {
      button.setAttribute("aria-pressed", id === this.open);
    }
    const { layer } = this.layers.get(this.open) ?? {};
    this.details.replaceChildren(
      ...(layer ? this.card(layer) : [element("p", { textContent: this.data.texts.hint })]),
    );
    this.details.classList.toggle("closed", !layer);
    this.details.tabIndex = layer && !WIDE.matches ? 0 : -1; // on a phone it scrolls sideways
  }

  card(layer) {
    const { name, id, does, facts } = layer;
    const list = facts.map(([fact, value]) =>
      element("div", {}, element("dt", { textContent: fact }), element("dd", { textContent: value })),
    );
    const words = element(
      "div",
      { className: "words" },
      element("h3", {}, `${name} `, element("small", { textContent: id })),
      element("p", { textContent: does }),
      element("dl", {}, ...list),
    );
    const shown = [this.field(layer), this.filters(layer), this.output(layer)];
    return [words, ...shown.filter(Boolean)];
  }

  // The digit, with the square that the strongest value depends on.
  field({ field }) {
    if (!field || !this.data.input) return null;
    const { url, alt } = this.data.input;
    const digit = element("span", { className: "digit" }, element("img", { src: url, alt }));
    if (field.width) {
      const square = element("span", { className: "square" });
      for (const side of ["top", "left", "height", "width"]) {
        square.style[side] = `${field[side]}%`;
      }
      digit.append(square);
    }
    return element(
      "figure",
      { className: "field" },
      digit,
      element("figcaption", { textContent: field.caption }),
    );
  }

  filters({ filters }) {
    return filters ? this.sheet(filters, "maps") : null;
  }

  output({ output, answers, field }) {
    if (answers) return this.table(answers);
    return output ? this.sheet(output, "maps outputs", field?.map) : null;
  }

  sheet(sheet, className, marked) {
    const pictures = tiles(sheet, all(sheet), sheet.count > 1 ? "many" : "one");
    pictures.setAttribute("role", "img");
    pictures.setAttribute("aria-label", sheet.caption);
    if (sheet.count > 1) pictures.children[marked]?.classList.add("marked");
    const box = element("div", { className: "box", tabIndex: 0 }, pictures);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", sheet.caption);
    return element(
      "figure",
      { className },
      element("figcaption", { textContent: sheet.caption }),
      box,
      scale(sheet.scale),
    );
  }

  table(answers) {
    const { digit, logit, probability } = this.data.texts;
    const heads = [digit, logit, probability].map((textContent) =>
      element("th", { scope: "col", textContent }),
    );
    const rows = answers.map((each) => {
      const bar = element("span", { className: "probability", textContent: each.probability });
      bar.style.setProperty("--share", `${each.share}%`);
      return element(
        "tr",
        {},
        element("th", { scope: "row", textContent: each.digit }),
        element("td", { textContent: each.logit }),
        element("td", {}, bar),
      );
    });
    return element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...rows),
    );
  }
}

export default function ({ parentElement, data }) {
  let network = networks.get(parentElement);
  if (!network) {
    network = new Network(parentElement);
    networks.set(parentElement, network);
  }
  network.show(data);
  return () => networks.delete(parentElement);
}
