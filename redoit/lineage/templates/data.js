// The page's data as objects. A run's number is its place, the newest first.
const $ = (id) => document.getElementById(id);
const SIGNS = { ran: "ran", restored: "restored", kept: "kept", failed: "failed", "not run": "missed" };
const STATUSES = ["ran", "restored", "kept", "failed", "not run"];

const data = JSON.parse($("data").textContent);
const texts = new Map(Object.entries(data.texts));
const unpacked = [];

// Return the value with a number: a text, a number, a list, or a table as a Map.
function valueOf(number) {
  const packed = data.values[number];
  return Array.isArray(packed) ? unpacked[number] ??= unpack(packed) : packed;
}

function unpack([keys, ...numbers]) {
  const items = numbers.map(valueOf);
  return keys === null ? items : new Map(valueOf(keys).map((key, place) => [key, items[place]]));
}

const lazily = (make) => {
  let made;
  return () => (made ??= make());
};

const raw = Object.fromEntries(valueOf(data.values.length - 1));
const nothing = new Map();
const stages = raw.stages.map((table, number) => {
  const { name, step = "", inputs = nothing, outputs = nothing, policy = "", latest = [] } = Object.fromEntries(table);
  return { number, name, step, kind: policy, declared: step !== "", inputs, outputs, latest };
});
const stageNamed = new Map(stages.map((stage) => [stage.name, stage]));
const makers = new Map(stages.flatMap((stage) => [...stage.outputs].map(([role, file]) => [file, { stage, role }])));

// Return what a trace has of the declaration of its stage, but for settings, and what it touched besides code, by label.
function declaration({ step, paths, uses, observations }) {
  return new Map([
    ["step", step.slice(1).join(" ")],
    ...[...paths].map(([role, path]) => [`path of ${role}`, path]),
    ...[...uses].map(([path, digest]) => [`uses ${path}`, digest]),
    ...observations.filter(([kind]) => kind !== "code").map(([kind, name, digest]) => [`observed ${kind} ${name}`, digest ?? "absent"]),
  ]);
}

const traces = raw.traces.map((table) => {
  const trace = Object.fromEntries(table);
  return {
    ...trace,
    get declared() { return declaration(trace); },
    settings: new Map([...trace.settings].map(([name, [kind, value]]) => [name, { kind, value }])),
    outputs: new Map([...trace.outputs].map(([role, [digest, size]]) => [role, { digest, size }])),
    metrics: new Map([...trace.metrics].map(([name, text]) => [name, Number(text)])),
  };
});
const traceNamed = new Map(traces.map((trace) => [trace.name, trace]));
const sizes = lazily(() => new Map(traces.flatMap((trace) => [...trace.outputs.values()].map((one) => [one.digest, one.size]))));

const runs = raw.runs.map((table, number) => {
  const run = Object.fromEntries(table);
  const outcomes = new Map([...run.stages].map(([stage, outcome]) => {
    const { verdict, trace: result, seconds, saved, reason, error } = Object.fromEntries(outcome);
    const trace = traceNamed.get(result) ?? null;
    return [stageNamed.get(stage).number, { status: verdict, result, trace, removed: result !== null && !trace, seconds, saved, reason: error || reason }];
  }));
  const omitted = run.omitted.map(Object.fromEntries).map((one) => ({ ...one, status: one.verdict })); // stages that are not on the page
  const executed = [...outcomes.values(), ...omitted].filter((one) => one.status === "ran" || one.status === "failed");
  return { ...run, number, complete: Boolean(run.whole), outcomes, omitted, executed: Math.min(run.seconds, executed.reduce((sum, one) => sum + one.seconds, 0)) };
});
const runNamed = new Map(runs.map((run) => [run.name, run]));

const latestTraces = (stage) => stage.latest.map((name) => traceNamed.get(name)).filter(Boolean);

// Return the newest result of a stage before a run that differs from the one given.
function resultBefore(stage, run, trace) {
  for (const older of runs.slice(run + 1)) {
    const found = older.outcomes.get(stage.number)?.trace;
    if (found && found !== trace) return { trace: found, run: older };
  }
  const other = latestTraces(stage).find((one) => one.started < trace.started);
  return other ? { trace: other, run: runNamed.get(other.run) ?? null } : null;
}

// Return the execution that made the content that a stage read, in that run if possible.
function makerOf(file, digest, run) {
  const maker = makers.get(file);
  if (!maker) return null;
  const here = runs[run]?.outcomes.get(maker.stage.number)?.trace;
  const made = (trace) => trace && [...trace.outputs.values()].some((one) => one.digest === digest);
  const trace = made(here) ? here : traces.find((one) => one.stage === maker.stage.name && made(one));
  return { stage: maker.stage, trace: trace ?? null };
}
