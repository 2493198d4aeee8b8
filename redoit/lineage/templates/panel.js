// A stage's panel: its outcome in the run and why, its result, and what changed since its previous result.
const panel = $("panel");
let opened = null; // what is shown, and where the focus was before

function openPanel(show, card, opener) {
  opened = { show, card, opener };
  panel.hidden = false;
  refreshPanel();
  panel.scrollTop = 0;
  panel.focus();
  makeRoom(card);
}

function refreshPanel() {
  for (const card of cards) card.classList.toggle("open", card === opened?.card);
  document.body.classList.toggle("paneled", Boolean(opened));
  if (!opened) return;
  $("panel-body").replaceChildren(...opened.show().flat(9).filter(Boolean));
}

function closePanel() {
  if (!opened) return;
  const { opener, card } = opened;
  opened = null;
  panel.hidden = true;
  refreshPanel();
  makeRoom();
  (opener.isConnected ? opener : card ?? canvas)?.focus();
}

// The page is narrower beside the panel: let the card stay in view, and the time line fit.
function makeRoom(card) {
  timeline(current(), runs[state.base]);
  if (!card) return;
  const [here, around] = [card.getBoundingClientRect(), canvas.getBoundingClientRect()];
  if (here.left < around.left || here.right > around.right) canvas.scrollLeft += (here.left + here.right - around.left - around.right) / 2;
}

function openStage(stage, opener) {
  openPanel(() => {
    $("panel-title").textContent = stage.name;
    return stageShown(stage, current());
  }, cardOf.get(stage.number), opener);
}

function openFile(file, opener) {
  openPanel(() => {
    $("panel-title").textContent = file;
    return fileShown(file);
  }, opener, opener);
}

const facts = (rows) => el("dl", {}, rows.filter(([, value]) => value !== "" && value !== null).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

function stageShown(stage, run) {
  const outcome = run?.outcomes.get(stage.number);
  const latest = latestTraces(stage)[0];
  const trace = outcome ? outcome.trace : latest;
  const about = [stage.step && `Step ${stage.step}`, stage.kind, !stage.declared && "no longer declared"].filter(Boolean).join(", ");
  return [
    about && el("p", { class: "quiet" }, about),
    outcome ? outcomeShown(outcome, run) : el("p", {}, run ? "Not selected in this run." : "No run is recorded.", latest ? " Its latest result:" : ""),
    outcome?.removed && el("p", { class: "notice" }, "The trace of this result was removed from the store, so its inputs, settings and code are unknown."),
    trace ? traceShown(stage, trace, run) : null,
  ];
}

function outcomeShown(outcome, run) {
  const failed = outcome.status === "failed";
  return [
    facts([
      ["In this run", statusShown(outcome.status)],
      ["Took", outcome.status === "not run" ? "" : span(outcome.seconds)],
      ["Saved", outcome.saved ? span(outcome.saved) : ""],
      ["Why", failed ? "" : outcome.reason],
      ["Result made by", outcome.trace ? origin(outcome.trace, run.number) : ""],
    ]),
    failed && el("p", { class: "notice" }, outcome.reason),
  ];
}

function traceShown(stage, trace, run) {
  const earlier = resultBefore(stage, run ? run.number : -1, trace);
  const found = earlier ? differences(earlier.trace, trace) : [];
  const was = new Map(found.map((each) => [`${each.kind} ${each.subject}`, each]));
  return [
    earlier && changesShown(stage, earlier, trace, found),
    el("h3", {}, "Settings"), settingsShown(trace, was),
    el("h3", {}, "Inputs"), filesShown(stage.inputs, trace.inputs, (role, one) => [digest(one), size(sizes().get(one)), makerShown(stage.inputs.get(role), one, run)], ["Digest", { text: "Size", number: true }, "Made by"]),
    el("h3", {}, "Outputs"), filesShown(stage.outputs, trace.outputs, (_, one) => [digest(one.digest), size(one.size)], ["Digest", { text: "Size", number: true }]),
    metricsShown(trace),
    codeShown(trace, was),
    environmentShown(trace),
    logShown(trace),
    el("h3", {}, "Execution"),
    facts([["Started", trace.started], ["Took", span(trace.seconds)], ["Host", trace.host], ["Trace", el("code", {}, trace.name)]]),
  ];
}

// Return what changed since the previous result, with the code.
function changesShown(stage, earlier, trace, found) {
  const which = earlier.run ? toRun(earlier.run) : earlier.trace.started;
  const rest = found.filter((each) => each.kind !== "code");
  return [
    el("h3", {}, "Changes since its previous result"),
    el("p", { class: "quiet" }, "Compared with ", which),
    found.length === 0 && el("p", {}, `The same action was executed again, with ${sameBytes(earlier.trace, trace) ? "the same bytes" : "different bytes (not reproducible)"}.`),
    rest.length > 0 && table(["What", "Before", "After"], rest.map((each) => [labelled(stage, each), old(each), now(each)]), "Changes"),
    found.filter((each) => each.kind === "code").map((each) => el("details", { open: found.length < 12 },
      el("summary", {}, `code of ${each.subject}${each.old ? each.now ? "" : " is gone" : " is new"}`), codeDiff(each.old, each.now))),
  ];
}

const labelled = (stage, each) => (each.kind === "input" ? `input ${stage.inputs.get(each.subject) ?? each.subject}` : each.subject);
const valued = (each, value) => (each.kind === "input" ? digest(value) : value ?? "absent");
const old = (each) => el("span", { class: "old" }, valued(each, each.old));
const now = (each) => el("span", { class: "new" }, valued(each, each.now));

function settingsShown(trace, was) {
  const rows = [...trace.settings].map(([name, { kind, value }]) => {
    const before = was.get(`setting ${name}`);
    return [name, [before?.old !== undefined && [el("span", { class: "old" }, before.old), " "], el("span", { class: before ? "new" : undefined }, value)], kind];
  });
  return rows.length ? table(["Setting", "Value", "Type"], rows, "Settings") : el("p", { class: "quiet" }, "None.");
}

function filesShown(files, found, cells, heads) {
  const order = [...files.keys()].filter((role) => found.has(role));
  const rows = [...new Set([...order, ...found.keys()])].map((role) => [role, found.get(role)]).map(([role, one]) => [files.get(role) ?? role, ...cells(role, one)]);
  return rows.length ? table(["File", ...heads], rows, "Files") : el("p", { class: "quiet" }, "None.");
}

function makerShown(file, one, run) {
  const maker = makerOf(file, one, run?.number);
  if (!maker) return "a source";
  return [toStage(maker.stage), maker.trace ? "" : el("span", { class: "quiet" }, " (that result is no longer recorded)")];
}

function metricsShown(trace) {
  const rows = [...trace.metrics].map(([name, value]) => [name, figure(value)]);
  return rows.length ? [el("h3", {}, "Metrics"), table(["Metric", { text: "Value", number: true }], rows, "Metrics")] : null;
}

function codeShown(trace, was) {
  const rows = [...trace.code].map(([part, one]) => [part, digest(one), was.has(`code ${part}`) ? "changed" : ""]);
  return [el("h3", {}, "Code"), el("details", {}, el("summary", {}, number(rows.length, "part")), table(["Part", "Digest", ""], rows, "Parts of code"))];
}

function environmentShown(trace) {
  const rows = [...trace.environment];
  return [el("h3", {}, "Environment"), facts(rows)];
}

function logShown(trace) {
  const text = texts.get(trace.log);
  return [el("h3", {}, "Log"), text ? el("pre", { class: "log", tabindex: 0, "aria-label": "The end of its log" }, text) : el("p", { class: "quiet" }, "It printed nothing, or its log is not in this page.")];
}

// A source: the stages that read it, and its content in each run.
function fileShown(file) {
  const readers = stages.flatMap((stage) => [...stage.inputs].filter(([, one]) => one === file).map(([role]) => [stage, role]));
  const rows = runs.flatMap((run) => {
    const found = readers.map(([stage, role]) => run.outcomes.get(stage.number)?.trace?.inputs.get(role)).find(Boolean);
    return found ? [[toRun(run), digest(found)]] : [];
  });
  return [
    el("p", {}, "A source: no stage makes it. Read by ", readers.map(([stage], place) => [place ? ", " : "", toStage(stage)]), "."),
    rows.length ? table(["Run", "Digest"], rows, "Its content in each run") : el("p", { class: "quiet" }, "No run that read it is shown here."),
  ];
}
