// The selected run, and the one that it is compared with; all else follows from these two.
const MAX_ROWS = 500; // stages in the table; those that were not kept come first
const TABLE_ORDER = ["failed", "not run", "ran", "restored", "kept", ""];
const state = { run: 0, base: -1 };
const current = () => runs[state.run];

function choose(run, base = state.base) {
  state.run = run;
  state.base = base === run ? -1 : base;
  render();
}

function render() {
  const run = current(), base = runs[state.base];
  const differing = run && base ? changedStages(base, run) : new Map();
  paint(run, base, differing);
  summary(run);
  stagesTable(run, differing);
  $("compare").hidden = !base;
  if (base) $("compared").replaceChildren(...compared(base, run, differing).flat(9).filter(Boolean));
  timeline(run, base);
  runsTable(run);
  metrics(run);
  refreshPanel();
  $("run").value = state.run;
  $("base").value = state.base;
  $("clear").hidden = !base;
  $("earlier").disabled = state.run >= runs.length - 1;
  $("later").disabled = state.run <= 0;
}

function summary(run) {
  if (!run) return;
  const words = count(run).map(([status, total]) => el("span", { class: signOf(status) }, sign(status), ` ${total} ${status}`));
  const figures = [["Took", span(run.seconds)], ["Executing", span(run.executed)], ["Saved", span(run.saved)]];
  $("run-summary").replaceChildren(
    el("p", { class: "command" }, `Run of ${run.started}: `, el("code", {}, run.command), run.complete ? "" : " It was interrupted."),
    el("dl", { class: "figures" }, el("div", {}, el("dt", {}, "Stages"), el("dd", { class: "words" }, words)),
      figures.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

function stagesTable(run, differing) {
  const all = stages.filter((stage) => stage.declared || run?.outcomes.has(stage.number));
  const rank = (stage) => TABLE_ORDER.indexOf(run?.outcomes.get(stage.number)?.status ?? "");
  const shown = all.length <= MAX_ROWS ? all : all.toSorted((one, other) => rank(one) - rank(other)).slice(0, MAX_ROWS);
  $("more").textContent = all.length > MAX_ROWS ? `${all.length - MAX_ROWS} more are in the graph: find them there.` : "";
  const rows = shown.map((stage) => {
    const outcome = run?.outcomes.get(stage.number);
    const made = outcome?.trace ? origin(outcome.trace, run.number) : outcome?.removed ? ["its trace was removed from the store"] : [""];
    return el("tr", { class: differing.has(stage.number) ? "chosen" : undefined },
      el("th", { scope: "row" }, toStageIn(stage)),
      el("td", { class: "outcome" }, outcome ? statusShown(outcome.status) : el("span", { class: "none" }, sign(""), run ? " not selected" : " no run is recorded")),
      el("td", { class: "number" }, outcome && outcome.status !== "not run" ? span(outcome.seconds) : ""),
      el("td", { class: "number" }, outcome?.saved ? span(outcome.saved) : ""),
      el("td", {}, outcome?.reason ?? ""), el("td", {}, made));
  });
  $("stages").tBodies[0].replaceChildren(...rows);
}

const toStageIn = (stage) => el("button", { type: "button", class: "link", onclick: (event) => openStage(stage, event.currentTarget) }, stage.name);

function start() {
  for (const element of document.querySelectorAll(".scripted")) if (element.id !== "compare") element.hidden = false;
  const option = (run) => el("option", { value: run.number }, `${run.started} · ${run.command.slice(0, 60)} · ${counted(run)}`);
  $("run").append(...runs.map(option));
  $("base").append(el("option", { value: -1 }, "no other run"), ...runs.map(option));
  $("choices").hidden = runs.length === 0;
  $("run").addEventListener("change", () => choose(Number($("run").value)));
  $("base").addEventListener("change", () => choose(state.run, Number($("base").value)));
  $("earlier").addEventListener("click", () => choose(state.run + 1));
  $("later").addEventListener("click", () => choose(state.run - 1));
  $("clear").addEventListener("click", () => { choose(state.run, -1); $("base").focus(); });
  $("close").addEventListener("click", closePanel);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closePanel();
    if (event.key === "/" && !event.target.closest("input, select")) {
      event.preventDefault();
      $("search").focus();
    }
  });
  let waiting;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => timeline(current(), runs[state.base]), 150);
  });
  startGraph();
  render();
}
start();
