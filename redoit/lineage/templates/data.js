// The page's data as objects. A run's number is its place, the newest first.
const $ = (id) => document.getElementById(id);
const raw = JSON.parse($("data").textContent);
const wordOf = (number) => raw.words[number];
const SIGNS = { ran: "ran", restored: "restored", kept: "kept", failed: "failed", "not run": "missed" };
const STATUSES = ["ran", "restored", "kept", "failed", "not run"];

const roles = (rows) => new Map(rows.map(([role, file]) => [wordOf(role), wordOf(file)]));
const stages = raw.stages.map(([name, step = "", inputs = [], outputs = [], kind = ""], number) => ({
  number, name, step, kind, declared: step !== "", inputs: roles(inputs), outputs: roles(outputs),
}));
const makers = new Map(stages.flatMap((stage) => [...stage.outputs].map(([role, file]) => [file, { stage, role }])));

// A trace is unpacked on demand: a page may have thousands.
const lazily = (make) => {
  let made;
  return () => (made ??= make());
};
const pairs = (rows, value) => lazily(() => new Map(rows.map(([key, ...rest]) => [wordOf(key), value(...rest)])));
const traces = raw.traces.map((row, number) => {
  const [stage, started, seconds, host, run, command, settings, inputs, outputs, code, environment, metrics, log, name, declared] = row;
  return {
    number, started, seconds, host: wordOf(host), run, command, name: wordOf(name), stage: wordOf(stage),
    settings: pairs(settings, (kind, value) => ({ kind: wordOf(kind), value: wordOf(value) })),
    declared: pairs(declared, wordOf),
    inputs: pairs(inputs, (digest) => wordOf(digest)),
    outputs: pairs(outputs, (digest, size) => ({ digest: wordOf(digest), size })),
    code: lazily(() => new Map(code.map((part) => [raw.parts[part][0], wordOf(raw.parts[part][1])]))),
    environment: lazily(() => new Map(raw.environments[environment])),
    metrics: pairs(metrics, Number),
    log: wordOf(log),
  };
});
const traceNamed = new Map(traces.map((trace) => [trace.name, trace]));
const texts = new Map(raw.texts.map(([digest, text]) => [wordOf(digest), text]));
const sizes = lazily(() => new Map(traces.flatMap((trace) => [...trace.outputs().values()].map((one) => [one.digest, one.size]))));

const runs = raw.runs.map(([command, started, seconds, saved, complete, rows, rest], number) => {
  const outcomes = new Map(rows.map(([stage, status, name, took, spared, reason]) => [stage, {
    status: wordOf(status), trace: traceNamed.get(wordOf(name)) ?? null, result: wordOf(name), removed: Boolean(wordOf(name)) && !traceNamed.has(wordOf(name)), seconds: took, saved: spared, reason: wordOf(reason),
  }]));
  const omitted = rest.map(([status, total, took]) => ({ status: wordOf(status), total, seconds: took })); // stages that are not on the page
  const executed = [...outcomes.values(), ...omitted].filter((one) => one.status === "ran" || one.status === "failed");
  return { number, command, started, seconds, saved, complete: Boolean(complete), outcomes, omitted,
    executed: Math.min(seconds, executed.reduce((sum, one) => sum + one.seconds, 0)) };
});

const latestTraces = (stage) => (raw.latest[stage.number] ?? []).map((name) => traceNamed.get(wordOf(name)));

// Return the newest result of a stage before a run that differs from the one given.
function resultBefore(stage, run, trace) {
  for (const older of runs.slice(run + 1)) {
    const found = older.outcomes.get(stage.number)?.trace;
    if (found && found !== trace) return { trace: found, run: older };
  }
  const other = latestTraces(stage).find((one) => one.started < trace.started);
  return other ? { trace: other, run: runs[other.run] ?? null } : null;
}

// Return the execution that made the content that a stage read, in that run if possible.
function makerOf(file, digest, run) {
  const maker = makers.get(file);
  if (!maker) return null;
  const here = runs[run]?.outcomes.get(maker.stage.number)?.trace;
  const made = (trace) => trace && [...trace.outputs().values()].some((one) => one.digest === digest);
  const trace = made(here) ? here : traces.find((one) => one.stage === maker.stage.name && made(one));
  return { stage: maker.stage, trace: trace ?? null };
}
