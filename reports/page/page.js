"use strict";

/* Sorting. A heading becomes a button; what has no value stays last, whichever way. */
const collator = new Intl.Collator("en", { numeric: true });

function sortKey(row, column, numeric) {
  const cell = row.cells[column];
  if (!numeric) return cell.textContent;
  return cell.dataset.v === "" ? NaN : Number(cell.dataset.v);
}

function compare(a, b, numeric, sign) {
  if (!numeric) return sign * collator.compare(a, b);
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

function sort(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const numeric = heading.classList.contains("number");
  const descending = heading.ariaSort ? heading.ariaSort === "ascending" : numeric;
  const sign = descending ? -1 : 1;
  const keyed = [...table.tBodies[0].rows].map((row) => [sortKey(row, column, numeric), row]);
  keyed.sort((a, b) => compare(a[0], b[0], numeric, sign));
  table.tBodies[0].append(...keyed.map((pair) => pair[1]));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.ariaSort = descending ? "descending" : "ascending";
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, column));
    heading.append(button);
  });
}

/* Filtering. */
for (const label of document.querySelectorAll(".filter")) {
  label.hidden = false;
  const input = label.querySelector("input");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of document.getElementById(input.dataset.table).tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });
}

/* One chosen layer, shown in all figures and tables. */
const panel = document.getElementById("chosen");
const marks = new Map();
for (const mark of document.querySelectorAll("[data-layer]")) {
  const layer = Number(mark.dataset.layer);
  if (!marks.has(layer)) marks.set(layer, []);
  marks.get(layer).push(mark);
}
const layers = [...marks.keys()].sort((a, b) => a - b);
let chosen = null;

function describe(layer) {
  const rows = marks.get(layer).filter((mark) => mark.tagName === "TR");
  const title = document.createElement("h2");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => choose(null));
  title.append(nameOf(layer), close);
  panel.replaceChildren(title);
  if (!rows.length) return;
  const source = rows[0].closest("table");
  const table = document.createElement("table");
  const head = source.tHead.rows[0].cloneNode(true);
  for (const button of head.querySelectorAll("button")) button.replaceWith(...button.childNodes);
  const columns = shown(source);
  table.createTHead().append(only(head, columns));
  const body = table.createTBody();
  for (const row of rows.filter((one) => one.closest("table") === source)) body.append(only(row.cloneNode(true), columns));
  body.querySelectorAll("tr").forEach((row) => { row.removeAttribute("data-layer"); row.className = ""; row.hidden = false; });
  panel.append(table);
}

/* The columns a small panel has room for: all but the first, which names the layer. */
function shown(table) {
  return [...table.tHead.rows[0].cells].map((_, column) => column).filter((column) => column > 0 && column < 9);
}

function only(row, columns) {
  const kept = columns.map((column) => row.cells[column]);
  row.replaceChildren(...kept);
  return row;
}

function nameOf(layer) {
  for (const mark of marks.get(layer)) {
    const title = mark.querySelector("title");
    if (title) return title.textContent;
  }
  return marks.get(layer)[0].cells[0].textContent;
}

function choose(layer) {
  if (chosen !== null) for (const mark of marks.get(chosen)) mark.classList.remove("chosen");
  chosen = layer;
  panel.hidden = layer === null;
  if (layer === null) return remember("");
  for (const mark of marks.get(layer)) mark.classList.add("chosen");
  describe(layer);
  remember(`#layer-${layer}`);
}

/* The address says what is chosen, so that it can be sent to somebody. */
function remember(hash) {
  try {
    history.replaceState(null, "", hash || location.pathname + location.search);
  } catch { /* a page inside another one may not */ }
}

function step(by) {
  const place = layers.indexOf(chosen) + by;
  choose(layers[Math.min(Math.max(chosen === null ? 0 : place, 0), layers.length - 1)]);
}

function scrollTo(box) {
  const mark = marks.get(chosen).find((one) => box.contains(one));
  if (mark) mark.scrollIntoView({ block: "nearest", behavior: "instant" });
}

document.addEventListener("click", (event) => {
  const mark = event.target.closest("[data-layer]");
  if (!mark || event.target.closest("a, button, input")) return;
  const layer = Number(mark.dataset.layer);
  choose(layer === chosen ? null : layer);
});

for (const box of document.querySelectorAll(".choosable")) {
  box.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(by);
    scrollTo(box);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null) choose(null);
});

const linked = /^#layer-(\d+)$/.exec(location.hash);
if (linked && marks.has(Number(linked[1]))) choose(Number(linked[1]));

/* Light or dark: as the system says, until the reader does. */
const theme = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");

function kept(value) {
  try {
    if (value !== undefined) localStorage.setItem("sparsesim-theme", value);
    return localStorage.getItem("sparsesim-theme");
  } catch { return null; /* private windows keep nothing */ }
}

function isDark() {
  return (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
}

function label() {
  theme.textContent = isDark() ? "Light" : "Dark";
}

theme.hidden = false;
if (kept() === "dark" || kept() === "light") document.documentElement.dataset.theme = kept();
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  kept(document.documentElement.dataset.theme);
  label();
});
dark.addEventListener("change", label);
label();
