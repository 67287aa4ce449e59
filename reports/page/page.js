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
  const next = numeric ? ["descending", "ascending", null] : ["ascending", "descending", null];
  const order = next[(next.indexOf(heading.getAttribute("aria-sort")) + 1) % 3];
  const keyed = original.get(table).map((row) => [sortKey(row, column, numeric), row]);
  if (order) keyed.sort((a, b) => compare(a[0], b[0], numeric, order === "descending" ? -1 : 1));
  table.tBodies[0].append(...keyed.map((pair) => pair[1]));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (order) heading.setAttribute("aria-sort", order);
}

/* The order the page came with, which a third click gives back. */
const original = new Map();

for (const table of document.querySelectorAll("table.sortable")) {
  original.set(table, [...table.tBodies[0].rows]);
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
  const title = document.createElement("h2");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => choose(null));
  title.append(nameOf(layer), close);
  panel.replaceChildren(title);
  const rows = marks.get(layer).filter((mark) => mark.tagName === "TR");
  if (rows.length) panel.append(turned(rows[0].closest("table"), rows));
}

/* The rows of one table as columns: a line for every heading but the first, which is the name. */
function turned(source, rows) {
  const own = rows.filter((row) => row.closest("table") === source);
  const table = document.createElement("table");
  [...source.tHead.rows[0].cells].slice(1).forEach((heading, place) => {
    const line = table.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = heading.innerText.trim().split(/\s+/).join(" ");
    line.append(name);
    for (const row of own) {
      const cell = line.insertCell();
      cell.textContent = row.cells[place + 1].textContent;
      cell.className = "number";
    }
  });
  return table;
}

function nameOf(layer) {
  for (const mark of marks.get(layer)) {
    const title = mark.querySelector("title");
    if (title) return title.textContent;
  }
  return marks.get(layer)[0].cells[0].textContent;
}

/* Where the reader was, who is brought back when the panel closes. */
let before = null;
panel.addEventListener("focusin", (event) => { before = event.relatedTarget ?? before; });

function choose(layer) {
  if (chosen !== null) for (const mark of marks.get(chosen)) mark.classList.remove("chosen");
  chosen = layer;
  const within = panel.contains(document.activeElement);
  panel.hidden = layer === null;
  if (within && before) before.focus({ preventScroll: true });
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

function show(box) {
  const mark = marks.get(chosen).find((one) => box.contains(one));
  if (mark) mark.scrollIntoView({ block: "center", behavior: "instant" });
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
    show(box);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null) choose(null);
});

function follow() {
  const linked = /^#layer-(\d+)$/.exec(location.hash);
  if (linked && marks.has(Number(linked[1]))) choose(Number(linked[1]));
}
addEventListener("hashchange", follow);
follow();

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

/* Paper has no way to open what is closed. */
const folded = document.querySelectorAll("details:not([open])");
addEventListener("beforeprint", () => { for (const one of folded) one.open = true; });
addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
