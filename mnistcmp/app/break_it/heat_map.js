// A heat map: a table of networks by dials, whose cells are coloured by the share survived.
//
// One cell can be reached with the Tab key, the others from there with the arrow keys; Enter or a
// click tells Python which cell was chosen. While Python learns more, only cells that change do so.

// Three colours of viridis (van der Walt and Smith 2015), mixed in between as in heat_map.css.
const LOW = "#440154";
const MIDDLE = "#21918c";
const HIGH = "#fde725";
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const grids = new WeakMap(); // the component's element -> its Grid

function colour(share) {
  return share < 0.5
    ? `color-mix(in oklab, ${MIDDLE} ${200 * share}%, ${LOW})`
    : `color-mix(in oklab, ${HIGH} ${200 * share - 100}%, ${MIDDLE})`;
}

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

class Grid {
  cells = []; // the table's cells, row by row
  at = [0, 0]; // the cell that the Tab key reaches

  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.table = find("table");
    this.head = find("thead tr");
    this.ends = root.querySelectorAll(".scale > span, .bar > span");
    this.about = find("#about");
    this.detail = find(".detail");
    this.table.onkeydown = (event) => this.press(event);
    this.table.onclick = (event) => this.choose(event.target.closest("td"));
    this.table.onpointerover = (event) => this.tell(event.target.closest("td"));
    this.table.addEventListener("focusin", (event) => this.tell(event.target.closest("td")));
  }

  show(data) {
    const shape = JSON.stringify([data.families, data.dials]);
    if (shape !== this.shape) this.build(data);
    this.shape = shape;
    this.table.caption.textContent = data.title;
    this.about.textContent = data.about;
    this.head.cells[0].textContent = data.corner;
    data.scale.forEach((text, at) => {
      this.ends[at].textContent = text;
    });
    if (!this.detail.textContent) this.detail.textContent = data.hint;
    for (const cell of this.cells.flat()) {
      const known = data.cells[cell.dataset.key];
      const text = known?.text ?? "";
      if (cell.getAttribute("aria-label") === text) continue;
      cell.setAttribute("aria-label", text);
      cell.style.background = known ? colour(known.share) : "";
    }
  }

  build({ families, dials }) {
    while (this.head.cells.length > 1) this.head.lastChild.remove();
    for (const { title } of dials) {
      this.head.append(element("th", { scope: "col" }, element("span", { textContent: title })));
    }
    this.at = [0, 0];
    this.cells = [];
    for (const body of [...this.table.tBodies]) body.remove();
    this.table.append(...families.map((family) => this.family(family, dials)));
    if (this.cells.length) this.cells[0][0].tabIndex = 0;
  }

  cell(row, dial) {
    const cell = element("td", { role: "gridcell", tabIndex: -1 });
    Object.assign(cell.dataset, { key: `${row.name} ${dial.name}`, model: row.name, dial: dial.name });
    return cell;
  }

  family({ title, colour, character, rows }, dials) {
    const mark = element("span", { textContent: `${character} `, ariaHidden: "true" });
    mark.style.color = colour;
    const head = element("th", { scope: "rowgroup", colSpan: 1 + dials.length }, mark, title);
    return element("tbody", {}, element("tr", {}, head), ...rows.map((row) => this.row(row, dials)));
  }

  row(row, dials) {
    const cells = dials.map((dial) => this.cell(row, dial));
    this.cells.push(cells);
    const head = element("th", { scope: "row", title: row.name, textContent: row.title });
    return element("tr", {}, head, ...cells);
  }

  press(event) {
    if (event.key === "Enter" || event.key === " ") this.choose(event.target.closest("td"));
    else if (event.key in MOVES) this.move(...MOVES[event.key]);
    else return;
    event.preventDefault(); // the page would scroll
  }

  move(down, right) {
    const [row, column] = this.at;
    const cell = this.cells[row + down]?.[column + right];
    if (cell) this.reach(cell);
  }

  reach(cell) {
    this.cells[this.at[0]][this.at[1]].tabIndex = -1;
    const row = this.cells.findIndex((cells) => cells.includes(cell));
    this.at = [row, this.cells[row].indexOf(cell)];
    cell.tabIndex = 0;
    cell.focus();
  }

  tell(cell) {
    const text = cell?.getAttribute("aria-label");
    if (text) this.detail.textContent = text;
  }

  choose(cell) {
    if (!cell) return;
    this.reach(cell);
    this.send("cell", { model: cell.dataset.model, dial: cell.dataset.dial });
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  let grid = grids.get(parentElement);
  if (!grid) {
    grid = new Grid(parentElement);
    grids.set(parentElement, grid);
  }
  grid.send = setTriggerValue;
  grid.show(data);
  return () => grids.delete(parentElement);
}
