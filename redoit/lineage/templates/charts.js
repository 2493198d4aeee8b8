// Times and metrics over all runs. The oldest is on the left.
const CHART_HEIGHT = 150, AXIS_WIDTH = 56, MAX_DOTS = 80;

function timeline(run, base) {
  const order = runs.toReversed();
  const place = $("timeline");
  if (!order.length) return place.replaceChildren(el("p", { class: "quiet" }, "No run is recorded."));
  const wide = Math.max(place.clientWidth || 800, AXIS_WIDTH + order.length * 7);
  const step = Math.min(60, (wide - AXIS_WIDTH - 4) / order.length), bar = Math.max(3, Math.min(24, step * 0.66));
  const top = Math.max(...order.map((each) => each.seconds + each.saved), 0.001);
  const height = (seconds) => (CHART_HEIGHT * seconds) / top;
  const lines = [0, 0.5, 1].map((share) => [
    svg("line", { class: "axis", x1: AXIS_WIDTH, x2: wide, y1: CHART_HEIGHT - CHART_HEIGHT * share + 8, y2: CHART_HEIGHT - CHART_HEIGHT * share + 8 }),
    svg("text", { x: AXIS_WIDTH - 8, y: CHART_HEIGHT - CHART_HEIGHT * share + 12, "text-anchor": "end" }, share ? span(top * share) : "0"),
  ]);
  const bars = order.map((each, index) => {
    const x = AXIS_WIDTH + 6 + index * step + (step - bar) / 2, rest = Math.max(0, each.seconds - each.executed);
    const block = (kind, from, seconds) => seconds > 0 && svg("rect", { class: kind, x, width: bar, y: CHART_HEIGHT + 8 - height(from + seconds), height: Math.max(height(seconds), 0.8) });
    const label = `${titled(each)}: ${counted(each)}; took ${span(each.seconds)}, executing ${span(each.executed)}, saved ${span(each.saved)}`;
    return svg("g", { class: `bar-run${each === run ? " chosen" : ""}`, role: "button", tabindex: each === run ? 0 : -1, "aria-label": label, "aria-pressed": each === run ? "true" : "false", "data-run": each.number, onclick: () => choose(each.number), onkeydown: barKeys },
      svg("title", {}, label),
      svg("rect", { class: "hit", x: AXIS_WIDTH + 6 + index * step, width: step, y: 2, height: CHART_HEIGHT + 12, rx: 3 }),
      block("executing", 0, each.executed), block("overhead", each.executed, rest), block("saved", each.seconds, each.saved),
      each === base && svg("path", { class: "dot", d: `M${x + bar / 2} ${CHART_HEIGHT + 14}l4 6h-8Z` }),
      [...each.outcomes.values(), ...each.omitted].some((one) => one.status === "failed") && svg("use", { href: "#sign-failed", class: "failed", x: x + bar / 2 - 5, y: CHART_HEIGHT + 11 - height(each.seconds + each.saved) - 14, width: 10, height: 10 }));
  });
  place.replaceChildren(
    el("ul", { class: "legend" }, key("executing", "executing"), key("overhead", "deciding, restoring, starting"), key("saved", "saved: the time that the kept and restored results took to make")),
    el("div", { class: "scroll" }, svg("svg", { class: "chart", role: "group", "aria-label": "Time of each run; arrow keys go from run to run", viewBox: `0 0 ${wide} ${CHART_HEIGHT + 24}`, width: wide, height: CHART_HEIGHT + 24 }, lines, bars)));
  reveal(order, run, step);
}

// Scroll the run into view.
function reveal(order, run, step) {
  const around = $("timeline").querySelector(".scroll");
  around.scrollLeft = AXIS_WIDTH + order.indexOf(run) * step - around.clientWidth / 2;
}

const key = (kind, text) => el("li", {}, svg("svg", { class: "key", width: 12, height: 12, "aria-hidden": "true" }, svg("rect", { class: kind, x: 1, y: 1, width: 10, height: 10 })), text);

function barKeys(event) {
  const here = Number(event.currentTarget.dataset.run);
  const to = { ArrowLeft: here + 1, ArrowRight: here - 1, Home: runs.length - 1, End: 0, Enter: here, " ": here }[event.key];
  if (to === undefined || !runs[to]) return;
  event.preventDefault();
  choose(to);
  $("timeline").querySelector(`[data-run="${to}"]`)?.focus();
}

function runsTable(run) {
  const heads = ["Run", "Stages", "Took", "Executing", "Saved"];
  $("older").textContent = raw.older ? `${number(raw.older, "older run")} not shown: doit lineage --runs ${runs.length + raw.older} shows all.` : "";
  $("runs").replaceChildren(
    el("thead", {}, el("tr", {}, heads.map((head, place) => el("th", { scope: "col", class: place > 1 ? "number" : undefined }, head)))),
    el("tbody", {}, runs.map((each) => el("tr", { class: each === run ? "chosen" : undefined },
      el("th", { scope: "row" }, toRun(each)), el("td", {}, counted(each), each.complete ? "" : ", interrupted"),
      [each.seconds, each.executed, each.saved].map((seconds) => el("td", { class: "number" }, span(seconds)))))));
}

// Return the values of each metric of each stage, the oldest run first.
const series = lazily(() => {
  const found = new Map();
  for (const run of runs.toReversed()) {
    for (const [stage, outcome] of run.outcomes) {
      for (const [name, value] of outcome.trace?.metrics ?? []) {
        const id = JSON.stringify([stage, name]);
        if (!found.has(id)) found.set(id, { stage: stages[stage], name, points: [] });
        found.get(id).points.push({ run, value, ran: outcome.status === "ran" });
      }
    }
  }
  return [...found.values()].sort((one, other) => other.stage.number - one.stage.number);
});

function metrics(run) {
  const moving = series().filter(({ points }) => new Set(points.map((point) => point.value)).size > 1);
  const moved = new Set(moving), still = series().filter((each) => !moved.has(each));
  const hidden = $("metrics").querySelector("details.more")?.open;
  $("metrics").replaceChildren(...[
    series().length === 0 && el("p", { class: "quiet" }, "No step of these runs returned a number."),
    moving.length > 0 && el("p", { class: "quiet" }, "A full dot: the stage ran. A ring: its result was kept or restored."),
    el("div", { class: "multiples" }, moving.slice(0, 12).map((each) => small(each, run))),
    moving.length > 12 && el("details", { class: "more", open: hidden }, el("summary", {}, `${moving.length - 12} more that changed`), el("div", { class: "multiples" }, moving.slice(12, 200).map((each) => small(each, run)))),
    still.length > 0 && el("details", {}, el("summary", {}, `${number(still.length, "metric")} that never changed`),
      table(["Stage", "Metric", { text: "Value", number: true }], still.slice(0, 400).map((each) => [each.stage.name, each.name, figure(each.points[0].value)]), "Metrics that never changed")),
  ].filter(Boolean));
}

function small({ stage, name, points }, run) {
  const high = 56, wide = 240, finite = points.filter((point) => Number.isFinite(point.value));
  const low = Math.min(...finite.map((point) => point.value)), top = Math.max(...finite.map((point) => point.value));
  const x = (point) => 4 + ((wide - 8) * (runs.length - 1 - point.run.number)) / Math.max(1, runs.length - 1);
  // Halves, since the distance of two numbers can be too large for a number.
  const range = top / 2 - low / 2;
  const y = (point) => 6 + high * (range > 0 ? (top / 2 - point.value / 2) / range : 0.5);
  const chosen = points.find((point) => point.run === run);
  const label = `${name} of ${stage.name}: ${figure(points[0].value)} at first, ${figure(points.at(-1).value)} at last${finite.length ? `, between ${figure(low)} and ${figure(top)}` : ""}`;
  const dots = finite.length <= MAX_DOTS ? finite : finite.filter((point) => point === chosen);
  return el("figure", {},
    el("figcaption", {}, el("span", {}, `${stage.name} · ${name}`), el("b", {}, chosen ? figure(chosen.value) : "–")),
    svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${high + 12}`, role: "img", "aria-label": label },
      svg("line", { class: "axis", x1: 0, x2: wide, y1: high + 11, y2: high + 11 }),
      chosen && svg("line", { class: "mark", x1: x(chosen), x2: x(chosen), y1: 0, y2: high + 11 }),
      svg("path", { class: "path", d: finite.map((point, place) => `${place ? "L" : "M"}${x(point).toFixed(1)} ${y(point).toFixed(1)}`).join("") }),
      dots.map((point) => svg("circle", { class: `dot${point.ran ? "" : " again"}`, cx: x(point).toFixed(1), cy: y(point).toFixed(1), r: point === chosen ? 4 : 2.6 },
        svg("title", {}, `${titled(point.run)}: ${figure(point.value)}`)))),
    el("p", { class: "quiet range", "aria-hidden": "true" }, `${figure(low)} to ${figure(top)}`));
}
