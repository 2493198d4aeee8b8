// Two runs side by side: what differs, which stages have other results, how metrics moved.

// Return stage number -> { stage, before, after, found } of the stages that have results of different executions.
function changedStages(base, run) {
  const differing = new Map();
  for (const stage of stages) {
    const before = base.outcomes.get(stage.number), after = run.outcomes.get(stage.number);
    if (!before && !after) continue;
    const same = before?.result === after?.result;
    if (same && (before?.result || before?.status === after?.status)) continue;
    const found = before?.trace && after?.trace ? differences(before.trace, after.trace) : [];
    differing.set(stage.number, { stage, before, after, found });
  }
  return differing;
}

function compared(base, run, differing) {
  const all = [...differing.values()];
  const kinds = (kind) => all.flatMap(({ stage, found }) => found.filter((each) => each.kind === kind).map((each) => ({ stage, ...each })));
  const settings = kinds("setting"), inputs = kinds("input"), code = grouped(kinds("code")), packages = grouped(kinds("package"));
  return [
    el("p", {}, "From ", toRun(base), " to ", el("b", {}, titled(run)), "."),
    el("p", {}, all.length === 0 ? "No difference: every stage has the same result." : `${number(all.length, "stage")} differ${all.length === 1 ? "s" : ""}: ${counts(settings, code, inputs, packages)}.`),
    settings.length > 0 && [el("h3", {}, "Settings"), table(["Stage", "Setting", "Before", "After"], settings.map((each) => [toStage(each.stage), each.subject, old(each), now(each)]), "Settings that differ")],
    code.length > 0 && [el("h3", {}, "Code"), code.map((each) => el("details", { open: code.length < 6 },
      el("summary", {}, el("code", {}, each.subject), ` ${each.old ? each.now ? "" : "is gone, " : "is new, "}in ${each.stages.map((stage) => stage.name).join(", ")}`), codeDiff(each.old, each.now)))],
    inputs.length > 0 && [el("h3", {}, "Inputs"), table(["Stage", "File", "Before", "After", "Cause"], inputs.map((each) => [toStage(each.stage), each.stage.inputs.get(each.subject) ?? each.subject, digest(each.old), digest(each.now), inputCause(each)]), "Inputs that differ")],
    packages.length > 0 && [el("h3", {}, "Environment"), table(["Package", "Before", "After", "Stages"], packages.map((each) => [each.subject, old(each), now(each), each.stages.map((stage) => stage.name).join(", ")]), "Packages that differ")],
    all.length > 0 && [el("h3", {}, "Stages with other results"), table(["Stage", "Before", "After", "Cause"], all.map((each) => [toStage(each.stage), outcomeInRun(each.before), outcomeInRun(each.after), causeOf(each)]), "Stages with other results")],
    metricsCompared(base, run),
  ];
}

// Return equal differences of several stages as one.
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
  const words = [[settings, "setting"], [code, "part of code", "parts of code"], [inputs, "input"], [packages, "package"]]
    .filter(([each]) => each.length).map(([each, one, many = `${one}s`]) => `${each.length} ${each.length === 1 ? one : many}`);
  return words.length ? words.join(", ") : "no recorded setting, code, input or package differs";
}

function inputCause({ stage, subject }) {
  const maker = makers.get(stage.inputs.get(subject));
  return maker ? [toStage(maker.stage), " made other content"] : "the source changed";
}

const outcomeInRun = (outcome) => (outcome ? [statusShown(outcome.status), outcome.status === "not run" ? "" : ` ${span(outcome.seconds)}`] : "not selected");

function causeOf({ before, after, found }) {
  if (!before || !after) return "selected in one of the runs only";
  if (!before.trace || !after.trace) return before.removed || after.removed ? "a trace was removed from the store" : "no result in one of the runs";
  if (!found.length) return sameBytes(before.trace, after.trace) ? "executed again: the same bytes" : "executed again: different bytes (not reproducible)";
  const words = { declaration: "declaration", setting: "settings", code: "code", input: "inputs", package: "environment" };
  return [...new Set(found.map((each) => words[each.kind]))].join(", ");
}

function metricsCompared(base, run) {
  const rows = stages.flatMap((stage) => {
    const before = base.outcomes.get(stage.number)?.trace, after = run.outcomes.get(stage.number)?.trace;
    if (!before || !after || before === after) return [];
    return [...changed(before.metrics, after.metrics)].map(([name, was, is]) => [toStage(stage), name, was === undefined ? "" : figure(was), is === undefined ? "" : figure(is), moved(was, is)]);
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
