// Which run is looked at, and which it is compared with; all else follows from these two.
const ROWS = 500; // stages in the table; of more, those first that were not just kept
const URGENT = ["failed", "not run", "ran", "restored", "kept", ""];
const state = { run: 0, base: -1 };
const current = () => runs[state.run];

function choose(run, base = state.base) {
  state.run = run;
  state.base = base === run ? -1 : base;
  render();
}

function render() {
  const run = current(), base = runs[state.base];
  const touched = run && base ? touchedStages(base, run) : new Map();
  paint(run, base, touched);
  summary(run);
  stagesTable(run, touched);
  $("compare").hidden = !base;
  if (base) $("compared").replaceChildren(...compared(base, run, touched).flat(9).filter(Boolean));
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
  const words = count(run).map(([verdict, many]) => el("span", { class: signOf(verdict) }, sign(verdict), ` ${many} ${named(verdict)}`));
  const figures = [["Took", span(run.seconds)], ["Executing", span(run.executed)], ["Saved", span(run.saved)]];
  $("run-told").replaceChildren(
    el("p", { class: "command" }, `Run of ${run.started}: `, el("code", {}, run.command), run.whole ? "" : " It was interrupted."),
    el("dl", { class: "figures" }, el("div", {}, el("dt", {}, "Stages"), el("dd", { class: "words" }, words)),
      figures.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

function stagesTable(run, touched) {
  const all = stages.filter((stage) => stage.declared || run?.verdicts.has(stage.number));
  const rank = (stage) => URGENT.indexOf(run?.verdicts.get(stage.number)?.word ?? "");
  const shown = all.length <= ROWS ? all : all.toSorted((one, other) => rank(one) - rank(other)).slice(0, ROWS);
  $("more").textContent = all.length > ROWS ? `${all.length - ROWS} more are in the graph: find them there.` : "";
  const rows = shown.map((stage) => {
    const verdict = run?.verdicts.get(stage.number);
    const made = verdict?.trace ? origin(verdict.trace, run.number) : verdict?.lost ? ["its trace is no longer in the store"] : [""];
    return el("tr", { class: touched.has(stage.number) ? "chosen" : undefined },
      el("th", { scope: "row" }, toStageIn(stage)),
      el("td", { class: "verdict" }, verdict ? worded(verdict.word) : el("span", { class: "none" }, sign(""), run ? " not asked for" : " no run on record")),
      el("td", { class: "number" }, verdict && verdict.word !== "not run" ? span(verdict.seconds) : ""),
      el("td", { class: "number" }, verdict?.saved ? span(verdict.saved) : ""),
      el("td", {}, verdict?.told ?? ""), el("td", {}, made));
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
