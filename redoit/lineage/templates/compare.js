// Two runs side by side: what differs, which stages that touched, how metrics moved.

// Return stage number -> { before, after, found } of the stages whose results are not the same execution's.
function touchedStages(base, run) {
  const touched = new Map();
  for (const stage of stages) {
    const before = base.verdicts.get(stage.number), after = run.verdicts.get(stage.number);
    if (!before && !after) continue;
    const same = before?.result === after?.result;
    if (same && (before?.result || before?.word === after?.word)) continue;
    const found = before?.trace && after?.trace ? differences(before.trace, after.trace) : [];
    touched.set(stage.number, { stage, before, after, found });
  }
  return touched;
}

function compared(base, run, touched) {
  const all = [...touched.values()];
  const kinds = (kind) => all.flatMap(({ stage, found }) => found.filter((each) => each.kind === kind).map((each) => ({ stage, ...each })));
  const settings = kinds("setting"), inputs = kinds("input"), code = grouped(kinds("code")), packages = grouped(kinds("package"));
  return [
    el("p", {}, "From ", toRun(base), " to ", el("b", {}, titled(run)), "."),
    el("p", {}, all.length === 0 ? "Nothing differs: every stage has the same result." : `${number(all.length, "stage")} differ${all.length === 1 ? "s" : ""}: ${counts(settings, code, inputs, packages)}.`),
    settings.length > 0 && [el("h3", {}, "Settings"), table(["Stage", "Setting", "Before", "After"], settings.map((each) => [toStage(each.stage), each.subject, old(each), now(each)]), "Settings that differ")],
    code.length > 0 && [el("h3", {}, "Code"), code.map((each) => el("details", { open: code.length < 6 },
      el("summary", {}, el("code", {}, each.subject), ` ${each.old ? each.now ? "" : "is gone, " : "is new, "}in ${each.stages.map((stage) => stage.name).join(", ")}`), codeDiff(each.old, each.now)))],
    inputs.length > 0 && [el("h3", {}, "Inputs"), table(["Stage", "File", "Before", "After", "Because"], inputs.map((each) => [toStage(each.stage), each.stage.inputs.get(each.subject) ?? each.subject, digest(each.old), digest(each.now), because(each)]), "Inputs that differ")],
    packages.length > 0 && [el("h3", {}, "Environment"), table(["Package", "Before", "After", "Stages"], packages.map((each) => [each.subject, old(each), now(each), each.stages.map((stage) => stage.name).join(", ")]), "Packages that differ")],
    all.length > 0 && [el("h3", {}, "Stages touched"), table(["Stage", "Before", "After", "By"], all.map((each) => [toStage(each.stage), stood(each.before), stood(each.after), byWhat(each)]), "Stages touched")],
    metricsCompared(base, run),
  ];
}

// Put together what several stages have in common.
function grouped(found) {
  const groups = new Map();
  for (const { stage, ...each } of found) {
    const key = JSON.stringify([each.subject, each.old, each.now]);
    if (!groups.has(key)) groups.set(key, { ...each, stages: [] });
    groups.get(key).stages.push(stage);
  }
  return [...groups.values()];
}

function counts(settings, code, inputs, packages) {
  const told = [[settings, "setting"], [code, "part of code", "parts of code"], [inputs, "input"], [packages, "package"]]
    .filter(([each]) => each.length).map(([each, one, many = `${one}s`]) => `${each.length} ${each.length === 1 ? one : many}`);
  return told.length ? told.join(", ") : "no setting, code, input or package that is on record";
}

function because({ stage, subject }) {
  const maker = makers.get(stage.inputs.get(subject));
  return maker ? [toStage(maker.stage), " made another"] : "this source changed";
}

const stood = (verdict) => (verdict ? [worded(verdict.word), verdict.word === "not run" ? "" : ` ${span(verdict.seconds)}`] : "not asked for");

function byWhat({ before, after, found }) {
  if (!before || !after) return "in one of the runs only";
  if (!before.trace || !after.trace) return before.lost || after.lost ? "a trace is no longer in the store" : "no result in one of the runs";
  if (!found.length) return sameBytes(before.trace, after.trace) ? "executed anew: the same bytes" : "executed anew: other bytes (not reproducible)";
  const words = { setting: "settings", code: "code", input: "inputs", package: "environment" };
  return [...new Set(found.map((each) => words[each.kind]))].join(", ");
}

function metricsCompared(base, run) {
  const rows = stages.flatMap((stage) => {
    const before = base.verdicts.get(stage.number)?.trace, after = run.verdicts.get(stage.number)?.trace;
    if (!before || !after || before === after) return [];
    return [...changed(before.metrics(), after.metrics())].map(([name, was, is]) => [toStage(stage), name, was === undefined ? "" : figure(was), is === undefined ? "" : figure(is), moved(was, is)]);
  });
  const heads = ["Stage", "Metric", { text: "Before", number: true }, { text: "After", number: true }, { text: "Change", number: true }];
  return rows.length > 0 && [el("h3", {}, "Metrics"), table(heads, rows, "Metrics that differ")];
}

function moved(was, is) {
  const change = is - was;
  if (!Number.isFinite(change)) return "";
  const share = was ? ` (${change > 0 ? "+" : "−"}${Math.abs((100 * change) / was).toFixed(1)} %)` : "";
  return `${change > 0 ? "+" : "−"}${figure(Math.abs(change))}${share}`;
}
