// The differences between two executions, and between two texts.
const MAX_CELLS = 4e6; // of a comparison of lines

// Yield the name and both values of each entry that differs between two maps.
function* changed(before, after, same = (one, other) => one === other) {
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name), now = after.get(name);
    if (old === undefined || now === undefined || !same(old, now)) yield [name, old, now];
  }
}

// Return how an execution differs from an earlier one: declaration, settings, inputs, code, packages.
function differences(before, after) {
  const found = [...changed(before.declared, after.declared)].map(([subject, old, now]) => ({ kind: "declaration", subject, old, now }));
  const alike = (one, other) => one.value === other.value && one.kind === other.kind;
  const shown = (one, other) => one && (one.value === other?.value ? `${one.value} (${one.kind})` : one.value);
  for (const [subject, old, now] of changed(before.settings, after.settings, alike)) {
    found.push({ kind: "setting", subject, old: shown(old, now), now: shown(now, old) });
  }
  for (const [subject, old, now] of changed(before.inputs, after.inputs)) found.push({ kind: "input", subject, old, now });
  for (const [subject, old, now] of changed(before.code, after.code)) found.push({ kind: "code", subject, old, now });
  for (const [subject, old, now] of changed(before.environment, after.environment)) {
    found.push({ kind: "package", subject, old, now });
  }
  return found;
}

const sameBytes = (one, other) => [...changed(one.outputs, other.outputs, (a, b) => a.digest === b.digest)].length === 0;

// Return the lines of two texts, each with its sign: in both, only in the first (-), only in the second (+).
function lineDiff(before, after) {
  const old = before.split("\n"), now = after.split("\n");
  let head = 0, tail = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const middle = common(old.slice(head, old.length - tail), now.slice(head, now.length - tail));
  const same = (line) => [" ", line];
  return [...old.slice(0, head).map(same), ...middle, ...(tail ? old.slice(-tail) : []).map(same)];
}

function common(old, now) {
  const rows = old.length + 1, columns = now.length + 1;
  if (rows * columns > MAX_CELLS) return [...old.map((line) => ["-", line]), ...now.map((line) => ["+", line])];
  const longest = new Uint32Array(rows * columns);
  for (let i = rows - 2; i >= 0; i -= 1) {
    for (let j = columns - 2; j >= 0; j -= 1) {
      longest[i * columns + j] = old[i] === now[j] ? longest[(i + 1) * columns + j + 1] + 1
        : Math.max(longest[(i + 1) * columns + j], longest[i * columns + j + 1]);
    }
  }
  const lines = [];
  let i = 0, j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push([" ", old[i]]); i += 1; j += 1;
    } else if (j >= now.length || (i < old.length && longest[(i + 1) * columns + j] >= longest[i * columns + j + 1])) {
      lines.push(["-", old[i]]); i += 1;
    } else {
      lines.push(["+", now[j]]); j += 1;
    }
  }
  return lines;
}
