// Draws what the networks read, from one dict that Python sends with every reading.
//
// Elements are made once for each network and family, and then only changed: a reading arrives up to
// ten times a second. While the pen moves, all families are open and stay where they were, so that
// nothing jumps. When it is up, those who disagree come first, and families that agree close.
// Which digit, family and network a person looks at is known here alone.

const LONGEST = "longest";
const READINGS = "readings";

const panels = new WeakMap(); // the component's element -> its Panel

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function button(attributes, ...children) {
  return element("button", { type: "button", ...attributes }, ...children);
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// The ten probabilities as one picture, which the browser paints faster than ten elements.
function cells(perMille) {
  const stops = perMille.map((value, digit) => {
    const [from, to] = [10 * digit, 10 * digit + 9];
    return `rgb(0 144 208 / ${value / 10}%) ${from}% ${to}%, transparent ${to}% ${to + 1}%`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

function bar(percent, colour) {
  return `linear-gradient(90deg, ${colour} ${percent}%, transparent ${percent}%)`;
}

// The digit read, how sure, and the ten probabilities or a bar: the end of each line.
class Figures {
  reads = element("span", { className: "reads" });
  sure = element("span", { className: "sure" });
  strip = element("span", { className: "strip" });
  parts = [this.reads, this.sure, this.strip];

  show(row, colour) {
    const share = row.share; // of a bar
    write(this.reads, row.reads ?? "");
    write(this.sure, `${share ?? row.sure} %`);
    this.strip.style.backgroundImage = share === undefined ? cells(row.cells) : bar(share, colour);
  }
}

class Row {
  figures = new Figures();
  title = element("span");

  constructor(panel, name) {
    this.button = button({ className: "row", title: name }, this.title, ...this.figures.parts);
    this.button.onclick = () => panel.look(name);
    this.box = element("div", {}, this.button);
  }

  show(row, colour, looked) {
    write(this.title, row.title);
    this.figures.show(row, colour);
    this.button.classList.toggle("off", row.off === true);
    this.button.setAttribute("aria-expanded", looked);
  }
}

class Group {
  figures = new Figures();
  arrow = element("span", { ariaHidden: "true" });
  mark = element("span", { ariaHidden: "true" });
  title = element("span");
  note = element("span", { className: "note" });
  scale = element("span", { className: "scale", ariaHidden: "true" });
  rows = element("div");

  constructor(panel, name) {
    this.scale.append(...[..."0123456789"].map((digit) => element("span", { textContent: digit })));
    const names = element("span", {}, this.arrow, this.mark, this.title, this.note);
    this.head = name === "" ? element("div") : button({});
    this.head.className = "head";
    this.head.append(names, ...this.figures.parts, this.scale);
    if (name !== "") this.head.onclick = () => panel.turn(name, this.rows.hidden);
    this.box = element("div", { className: "group" }, this.head, this.rows);
  }

  show(group, open, digits) {
    write(this.title, group.title ?? "");
    write(this.note, open ? "" : group.note);
    write(this.mark, group.character ? `${group.character} ` : "");
    write(this.arrow, group.title ? (open ? "▾ " : "▸ ") : "");
    this.mark.style.color = group.colour ?? "";
    for (const part of this.figures.parts) part.hidden = open;
    if (!open) this.figures.show(group.summary, group.colour);
    this.scale.hidden = !open || !digits;
    this.rows.hidden = !open;
    if (group.title) this.head.setAttribute("aria-expanded", open);
  }
}

// The ten probabilities of one network, and the ways to its other pages.
class Closer {
  title = element("p");
  links = element("div", { className: "links" });
  box = element("div", { className: "closer" });
  columns = [..."0123456789"].map((digit) => {
    const [value, bar] = [element("span"), element("i")];
    return { value, bar, box: element("div", {}, value, bar, element("b", {}, digit)) };
  });

  constructor(panel, pages) {
    const bars = element("div", { className: "bars" }, ...this.columns.map(({ box }) => box));
    this.links.append(
      ...pages.map((page) => button({ className: "plain", onclick: () => panel.wish(page) })),
    );
    this.box.append(this.title, bars, this.links);
  }

  show(row, texts) {
    const filled = (text) => text.replace("{}", row.title);
    write(this.title, filled(texts.closer));
    this.columns.forEach(({ value, bar }, digit) => {
      write(value, (row.cells[digit] / 10).toFixed(1));
      bar.style.height = `${(72 * row.cells[digit]) / 1000}px`;
    });
    Object.values(texts.pages).forEach((text, at) => write(this.links.children[at], filled(text)));
  }
}

class Panel {
  at = 0; // the digit that is looked at
  view = LONGEST; // what is shown when all networks agree and it is known who holds out longest
  looked = null; // the network that is looked at closely
  closer = null; // the one Closer, made when it is first needed
  turned = new Map(); // family -> whether a person opened or closed it
  places = null; // family or network -> its place
  rows = new Map();
  groups = new Map();

  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    [this.verdict, this.digits, this.words] = [".verdict", ".digits", ".words"].map(find);
    this.small = find(".verdict .small");
    this.status = find("[role=status]");
    this.line = find(".line");
    [this.text, this.lead] = this.line.children;
    [this.switch, this.explained, this.list] = [".switch", ".explained", ".groups"].map(find);
    this.lead.onclick = () => this.wish("break");
  }

  show(data) {
    this.data = data;
    this.at = Math.max(0, Math.min(this.at, data.digits.length - 1));
    if (data.digits.length === 0) this.forget();
    this.showVerdict();
    this.showHeld();
    this.showGroups();
  }

  // A new drawing begins.
  forget() {
    [this.at, this.looked, this.places] = [0, null, null];
    this.turned.clear();
  }

  wish(page) {
    this.send("wish", page === "break" ? { page } : { page, network: this.looked });
  }

  showVerdict() {
    const { digits, invitation, small, moving, texts } = this.data;
    const number = digits.map((digit) => digit.reads).join(" ");
    const words = digits.length ? digits[this.at].words : invitation;
    const many = digits.length > 1;
    const tag = many ? "BUTTON" : "DIV";
    const count = Math.max(1, digits.length);
    if (this.digits.childElementCount !== count || this.digits.firstChild.tagName !== tag) {
      const make = (_, at) => (many ? button({ onclick: () => this.choose(at) }) : element("div"));
      this.digits.replaceChildren(...Array.from({ length: count }, make));
      this.verdict.style.setProperty("--count", count);
    }
    [...this.digits.children].forEach((place, at) => {
      write(place, digits[at]?.reads ?? "–");
      if (many) place.setAttribute("aria-pressed", at === this.at);
    });
    write(this.words, words);
    write(this.small, small);
    // Announced only when the pen is up.
    if (!moving) write(this.status, many ? `${texts.number} ${number}. ${words}` : words);
  }

  showHeld() {
    const { held, texts } = this.data;
    this.line.hidden = !held;
    this.switch.hidden = this.explained.hidden = !held?.groups.length;
    if (!held) return;
    write(this.text, held.line);
    this.lead.hidden = !held.known;
    write(this.lead, texts.lead);
    if (this.switch.childElementCount === 0) {
      const views = [LONGEST, READINGS];
      this.switch.append(...views.map((view) => button({ onclick: () => this.turnTo(view) })));
    }
    [...this.switch.children].forEach((each, at) => {
      write(each, texts.views[at]);
      each.setAttribute("aria-pressed", (at === 0) === (this.view === LONGEST));
    });
    this.explained.hidden ||= this.view !== LONGEST;
    write(this.explained, texts.explained);
  }

  showGroups() {
    const { digits, held, moving } = this.data;
    const longest = this.view === LONGEST && held?.groups.length > 0;
    const groups = longest ? held.groups : this.placed(digits[this.at]?.groups ?? []);
    this.arrange(this.list, groups.map(({ name }) => this.group(name).box));
    // The bars will need as much room as all rows.
    const barsToCome = held?.known === false && groups.every(({ agree }) => agree);
    for (const group of groups) {
      const open = this.turned.get(group.name) ?? (moving || barsToCome || !group.agree);
      const rows = group.rows.map(({ name }) => this.row(name));
      const shown = this.group(group.name);
      shown.show(group, open, !longest);
      this.arrange(shown.rows, rows.map((row) => row.box));
      group.rows.forEach((row, at) => {
        rows[at].show(row, group.colour, row.name === this.looked);
      });
    }
    this.showCloser();
  }

  showCloser() {
    const all = (this.data.digits[this.at]?.groups ?? []).flatMap(({ rows }) => rows);
    const row = all.find(({ name }) => name === this.looked);
    if (!row) {
      this.closer?.box.remove();
      return;
    }
    const { texts } = this.data;
    this.closer ??= new Closer(this, Object.keys(texts.pages));
    this.closer.show(row, texts);
    const { box } = this.row(row.name);
    if (box.lastChild !== this.closer.box) box.append(this.closer.box);
  }

  // Groups and rows where they were, while the pen moves.
  placed(groups) {
    if (!this.data.moving || !this.places) {
      const names = groups.flatMap(({ name, rows }) => [name, ...rows.map((row) => row.name)]);
      this.places = new Map(names.map((name, place) => [name, place]));
    }
    const place = ({ name }) => this.places.get(name) ?? this.places.size;
    const sorted = (all) => all.toSorted((one, other) => place(one) - place(other));
    return sorted(groups).map((group) => ({ ...group, rows: sorted(group.rows) }));
  }

  arrange(parent, boxes) {
    const same = boxes.length === parent.childElementCount;
    if (!same || boxes.some((box, at) => box !== parent.children[at])) {
      parent.replaceChildren(...boxes);
    }
  }

  row(name) {
    if (!this.rows.has(name)) this.rows.set(name, new Row(this, name));
    return this.rows.get(name);
  }

  group(name) {
    if (!this.groups.has(name)) this.groups.set(name, new Group(this, name));
    return this.groups.get(name);
  }

  choose(at) {
    this.at = at;
    this.show(this.data);
  }

  turnTo(view) {
    this.view = view;
    this.show(this.data);
  }

  turn(family, open) {
    this.turned.set(family, open);
    this.show(this.data);
  }

  look(name) {
    this.looked = this.looked === name ? null : name;
    this.show(this.data);
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  let panel = panels.get(parentElement);
  if (!panel) {
    panel = new Panel(parentElement);
    panels.set(parentElement, panel);
  }
  panel.send = setTriggerValue;
  panel.show(data);
}
