// The graph: the outcome of each stage in the run, zoom, search, and navigation by keyboard.
const canvas = $("canvas"), drawing = $("picture");
const cards = drawing ? [...drawing.querySelectorAll(".card")] : [];
const threads = drawing ? [...drawing.querySelectorAll(".thread")] : [];
const natural = drawing ? { width: Number(drawing.getAttribute("width")), height: Number(drawing.getAttribute("height")) } : null;
const places = cards.map((card) => card.getAttribute("transform").match(/-?[\d.]+/g).map(Number));
const after = cards.map(() => new Set()), before = cards.map(() => new Set()), joined = cards.map(() => []);
for (const thread of threads) {
  const from = Number(thread.dataset.from), to = Number(thread.dataset.to);
  after[from].add(to);
  before[to].add(from);
  joined[from].push(thread);
  joined[to].push(thread);
}
const cardOf = new Map(cards.filter((card) => card.dataset.stage).map((card) => [Number(card.dataset.stage), card]));
const MIN_SCALE = 0.12, MAX_SCALE = 2, LEGIBLE_SCALE = 0.7, MAX_NOTE_CHARACTERS = 23;
let scale = 1;

function paint(run, base, differing) {
  if (!drawing) return;
  drawing.classList.toggle("comparing", Boolean(base));
  for (const [number, card] of cardOf) {
    const stage = stages[number], outcome = run?.outcomes.get(number);
    const status = outcome ? outcome.status : run ? "not selected" : "no run is recorded";
    const took = outcome && outcome.status !== "not run" ? span(outcome.seconds) : "";
    card.classList.remove(...Object.values(SIGNS), "none");
    card.classList.add(signOf(outcome?.status));
    card.classList.toggle("differing", Boolean(base) && differing.has(number));
    card.querySelector(".sign").setAttribute("href", `#sign-${signOf(outcome?.status)}`);
    card.querySelector(".status").textContent = status;
    card.querySelector(".time").textContent = took;
    card.querySelector(".note").textContent = note(outcome);
    card.querySelector("title").textContent = `${stage.name}: ${status}${outcome?.reason ? ` (${outcome.reason})` : ""}`;
    const differs = base && differing.has(number) ? ", differs from the run compared with" : "";
    const why = outcome?.reason ? `, ${outcome.reason}` : "";
    const saved = outcome?.saved ? `, saved ${span(outcome.saved)}` : "";
    card.setAttribute("aria-label", `Stage ${stage.name}: ${status}${took ? `, took ${took}` : ""}${saved}${why}${differs}. Makes ${[...stage.outputs.values()].join(", ")}`);
  }
}

// Return the last line of a card's header: the time saved, or the reason.
function note(outcome) {
  const text = outcome?.saved ? `saved ${span(outcome.saved)}` : outcome?.reason ?? "";
  return text.length <= MAX_NOTE_CHARACTERS ? text : `${text.slice(0, MAX_NOTE_CHARACTERS - 1)}…`;
}

function zoom(to) {
  if (!drawing) return;
  const middle = [canvas.scrollLeft + canvas.clientWidth / 2, canvas.scrollTop + canvas.clientHeight / 2].map((at) => at / scale);
  scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, to));
  drawing.setAttribute("width", Math.round(natural.width * scale));
  drawing.setAttribute("height", Math.round(natural.height * scale));
  canvas.scrollLeft = middle[0] * scale - canvas.clientWidth / 2;
  canvas.scrollTop = middle[1] * scale - canvas.clientHeight / 2;
}

function fit() {
  const room = Math.min(window.innerHeight * 0.72, 760) - 4;
  zoom(Math.min(1, (canvas.clientWidth - 1) / natural.width, room / natural.height));
}

let lit = [];
function near(card) {
  for (const thread of lit) thread.classList.remove("near");
  lit = card ? joined[Number(card.dataset.card)] : [];
  for (const thread of lit) thread.classList.add("near");
}

function goTo(card, centre = false) {
  for (const each of cards) each.setAttribute("tabindex", each === card ? "0" : "-1");
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: centre ? "center" : "nearest" });
  if (centre) canvas.scrollTop += card.getBoundingClientRect().top - canvas.getBoundingClientRect().top - canvas.clientHeight / 2 + 40;
}

// Return the card that an arrow key leads to: along a line, or to the next one in the column.
function beside(number, key) {
  const [left, top] = places[number];
  const nearest = (others) => [...others].sort((one, other) => Math.abs(places[one][1] - top) - Math.abs(places[other][1] - top))[0];
  if (key === "ArrowRight") return nearest(after[number]);
  if (key === "ArrowLeft") return nearest(before[number]);
  const down = key === "ArrowDown";
  const column = places.map((_, other) => other).filter((other) => places[other][0] === left && (down ? places[other][1] > top : places[other][1] < top));
  return nearest(column);
}

function keys(event) {
  const card = event.target.closest?.(".card");
  const step = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (step) zoom(scale * step);
  else if (event.key === "0") fit();
  else if (card && (event.key === "Enter" || event.key === " ")) open(card);
  else if (card && event.key.startsWith("Arrow")) {
    const next = beside(Number(card.dataset.card), event.key);
    if (next !== undefined) goTo(cards[next]);
  } else if (card && (event.key === "Home" || event.key === "End")) goTo(cards.at(event.key === "Home" ? 0 : -1));
  else return;
  event.preventDefault();
}

function open(card) {
  for (const each of cards) each.setAttribute("tabindex", each === card ? "0" : "-1");
  if (card.dataset.stage) openStage(stages[Number(card.dataset.stage)], card);
  else openFile(card.querySelector("title").textContent.replace(/, a source$/, ""), card);
}

function search() {
  const wanted = $("search").value.trim().toLowerCase();
  if (!wanted) return;
  const names = [...cardOf].map(([number, card]) => [stages[number].name, card])
    .concat(cards.filter((card) => !card.dataset.stage).map((card) => [card.querySelector("title").textContent.replace(/, a source$/, ""), card]))
    .concat([...makers].filter(([, { stage }]) => cardOf.has(stage.number)).map(([file, { stage }]) => [file, cardOf.get(stage.number)]));
  const tests = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)];
  const found = tests.map((test) => names.find(([name]) => test(name.toLowerCase()))).find(Boolean);
  $("found").textContent = found ? `Found ${found[0]}` : `No stage or file matches ${wanted}`;
  $("search").toggleAttribute("aria-invalid", !found);
  if (!found) return;
  if (scale < LEGIBLE_SCALE) zoom(1);
  goTo(found[1], true);
}

function drag(event) {
  if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest(".stage")) return;
  const from = [event.clientX + canvas.scrollLeft, event.clientY + canvas.scrollTop];
  const move = (next) => {
    canvas.scrollLeft = from[0] - next.clientX;
    canvas.scrollTop = from[1] - next.clientY;
  };
  canvas.classList.add("dragged");
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", () => {
    canvas.classList.remove("dragged");
    window.removeEventListener("pointermove", move);
  }, { once: true });
}

function startGraph() {
  if (!drawing) return;
  cards.forEach((card, place) => {
    card.setAttribute("role", "button");
    card.setAttribute("tabindex", place ? "-1" : "0");
    if (!card.dataset.stage) card.setAttribute("aria-label", `Source ${card.querySelector("title").textContent.replace(/, a source$/, "")}`);
  });
  const at = (event) => event.target.closest(".card");
  drawing.addEventListener("focusin", (event) => near(at(event)));
  drawing.addEventListener("focusout", () => near(null));
  drawing.addEventListener("pointerover", (event) => near(at(event) ?? document.activeElement?.closest(".card")));
  drawing.addEventListener("pointerleave", () => near(document.activeElement?.closest(".card")));
  drawing.addEventListener("click", (event) => { if (at(event)) open(at(event)); });
  canvas.addEventListener("keydown", keys);
  canvas.addEventListener("pointerdown", drag);
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? 1.1 : 0.9));
  }, { passive: false });
  $("larger").addEventListener("click", () => zoom(scale * 1.25));
  $("smaller").addEventListener("click", () => zoom(scale * 0.8));
  $("fit").addEventListener("click", fit);
  $("search").addEventListener("keydown", (event) => { if (event.key === "Enter") search(); });
  $("search").addEventListener("search", search);
  $("names").append(...[...stages.filter((stage) => stage.declared).map((stage) => stage.name), ...makers.keys()].slice(0, 600).map((name) => el("option", { value: name })));
  const wide = (canvas.clientWidth - 1) / natural.width;
  if (wide < 1) zoom(wide >= LEGIBLE_SCALE ? wide : LEGIBLE_SCALE + 0.1);
  canvas.scrollLeft = 0;
  canvas.scrollTop = Math.max(0, (places[0]?.[1] ?? 0) * scale - canvas.clientHeight / 2 + 40);
}
