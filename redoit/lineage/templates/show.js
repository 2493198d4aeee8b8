// Elements from data, whose texts are never markup.
const SVG = "http://www.w3.org/2000/svg";
const CONTEXT_LINES = 3; // around each change of a text

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const signOf = (status) => SIGNS[status] ?? "none";
const sign = (status) => svg("svg", { class: "sign", width: 14, height: 14, "aria-hidden": "true" }, svg("use", { href: `#sign-${signOf(status)}` }));
const statusShown = (status) => el("span", { class: `outcome ${signOf(status)}` }, sign(status), ` ${status}`);

function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function size(bytes) {
  if (bytes === undefined) return "";
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), 5);
  return `${(bytes / 1000 ** power).toFixed(1)} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
}

function figure(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  return String(Number(value.toPrecision(5)));
}

const digest = (text) => (text ? el("span", { class: "digest", title: text }, text.slice(0, 12)) : el("span", { class: "quiet" }, "none"));
const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const count = (run) => STATUSES.map((status) => [status, [...run.outcomes.values()].filter((one) => one.status === status).length
  + (run.omitted.find((one) => one.status === status)?.total ?? 0)]).filter(([, total]) => total);
const counted = (run) => count(run).map(([status, total]) => `${total} ${status}`).join(", ");
const titled = (run) => `${run.started}, ${run.command}`;

const toRun = (run, text = titled(run)) => el("button", { type: "button", class: "link", onclick: () => choose(run.number) }, text);
const toStage = (stage) => (stage.declared || current().outcomes.has(stage.number)
  ? el("button", { type: "button", class: "link", onclick: (event) => openStage(stage, event.currentTarget) }, stage.name) : stage.name);

// Return which run made a result.
function origin(trace, run) {
  const made = runNamed.get(trace.run);
  if (made) return made.number === run ? ["this run"] : [toRun(made)];
  if (trace.command) return [`${trace.started}, ${trace.command}`, el("span", { class: "quiet" }, " (a run older than those shown)")];
  return [`${trace.started} on ${trace.host}`, el("span", { class: "quiet" }, " (its run is not recorded here)")];
}

function table(heads, rows, name) {
  const head = heads.map((each) => el("th", { scope: "col", class: each.number ? "number" : undefined }, each.text ?? each));
  const body = rows.map((row) => el("tr", {}, row.map((cell, place) => (place === 0 ? el("th", { scope: "row" }, cell)
    : el("td", { class: heads[place].number ? "number" : undefined }, cell)))));
  return el("div", { class: "scroll", role: "region", "aria-label": name, tabindex: 0 },
    el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

// Return the difference of a part's source, or its digests if its text is not in the page.
function codeDiff(old, now) {
  const before = old ? texts.get(old) : "", after = now ? texts.get(now) : "";
  if (before === undefined || after === undefined) {
    return el("p", { class: "quiet" }, "Its source is not in this page: ", digest(old), " → ", digest(now));
  }
  const lines = old && now ? lineDiff(before, after) : (old ? before : after).split("\n").map((line) => [old ? "-" : "+", line]);
  const near = lines.map((_, place) => lines.slice(Math.max(0, place - CONTEXT_LINES), place + CONTEXT_LINES + 1).some(([mark]) => mark !== " "));
  const shown = [];
  lines.forEach(([mark, line], place) => {
    if (near[place]) {
      const kind = { "+": "plus", "-": "minus", " ": "same" }[mark];
      const spoken = { "+": "added: ", "-": "removed: ", " ": "" }[mark];
      shown.push(el("span", { class: kind }, el("span", { class: "hidden" }, spoken), `${mark} ${line}`));
    } else if (place === 0 || near[place - 1]) {
      shown.push(el("span", { class: "gap" }, "  ⋯"));
    }
  });
  return el("div", { class: "diff", role: "region", "aria-label": "Difference of source", tabindex: 0 }, el("code", {}, shown));
}
