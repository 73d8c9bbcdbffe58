const root = element.querySelector(".vp-latent"), find = (name) => root.querySelector(name);
const time = find(".vp-latent-time"), slider = find(".vp-latent-value"), back = find(".vp-latent-back");
const [drawnView, movedView] = root.querySelectorAll(".vp-inside-pair canvas");
const ROW = 7, FILM = 40, CURVE = 64; // px: of a number's row, of a film and of the curve at most
const TABLES = { // name -> what it is, whether its numbers have a sign, whether it has read the true frame
  prior_mean: ["Prior, mean: what the model expects of each number", true, false],
  prior_std: ["Prior, spread: how unsure it is", false, false],
  posterior_mean: ["Posterior, mean: what the true frame tells", true, true],
  posterior_std: ["Posterior, spread", false, true],
};
let value = null, at = { t: 0, d: 0 }, images = [], film = null, rows = [], waiting = false, next = null;

const say = (where, text) => { if (find(where).textContent !== text) find(where).textContent = text; };
const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const cell = (name, t, d) => (value.tables[name][t] || [])[d] ?? null;
const largest = (names) => Math.max(1e-6, ...names.flatMap((name) => value.tables[name].flat()).map((x) => Math.abs(x ?? 0)));
const format = (x) => (x === null ? "none" : (Math.round(100 * x) / 100 || 0).toFixed(2)); // no "-0.00"
const hasTruth = () => value.tables.kl.slice(value.known).some((x) => x !== null);

// ---- the rows, all over one axis of time ----

function addRow(label, height, paint, mark) {
  const place = node("div", "vp-inside-row"), canvas = node("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const title = node("span", "vp-inside-label", label);
  if (mark) title.append(node("span", "vp-inside-mark", mark));
  place.append(title, canvas);
  time.append(place);
  rows.push({ place, canvas, height, paint });
  return place;
}
function build() {
  time.replaceChildren();
  rows = [];
  const cellWidth = () => time.clientWidth / value.length;
  const high = () => Math.min(FILM, cellWidth() * (value.height / value.width));
  const addFilm = (label, image, mark) => addRow(label, high, (context, w, h) => {
    const wide = Math.min(w, h * (value.width / value.height));
    for (let t = 0; t < value.length; t++) if (image().naturalWidth) frameOf(context, image(), t, t * w + (w - wide) / 2, 0, wide, h);
  }, mark);
  addFilm(value.films[0].label, () => images[0], value.films[0].mark);
  addFilm("With the number below moved", () => film || images[0], value.by_hand).dataset.moved = "true";
  for (const name of Object.keys(TABLES)) if (!TABLES[name][2] || hasTruth()) addTable(name);
  if (hasTruth()) addRow(`KL: how much the true frame surprises, up to ${largest(["kl"]).toFixed(0)} nats`, () => CURVE, curve).dataset.curve = "true";
  value.films.slice(1).forEach((one, k) => addFilm(one.label, () => images[k + 1], one.mark));
}
function addTable(name) {
  const [label, signed] = TABLES[name];
  const most = largest(Object.keys(TABLES).filter((other) => TABLES[other][1] === signed)); // prior and posterior alike
  const words = signed ? `(blue down to -${most.toFixed(1)}, orange up to +${most.toFixed(1)})` : `(strongest colour ${most.toFixed(1)})`;
  const place = addRow(`${label} ${words}`, () => ROW * value.names.length, (context, w, h) => {
    const [up, down, spread] = ["up", "down", "spread"].map(colour), high = h / value.names.length;
    for (let t = 0; t < value.length; t++) {
      for (let d = 0; d < value.names.length; d++) {
        const x = cell(name, t, d);
        if (x === null) continue;
        context.globalAlpha = Math.min(1, Math.abs(x) / most);
        context.fillStyle = signed ? (x > 0 ? up : down) : spread;
        const [left, top] = [Math.round(t * w), Math.round(d * high)];
        context.fillRect(left, top, Math.round((t + 1) * w) - left, Math.round((d + 1) * high) - top);
      }
    }
    context.globalAlpha = 1;
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = colour("ink");
    context.strokeRect(at.t * w, at.d * high, w, high);
  });
  place.dataset.table = name;
}
function curve(context, w, h) {
  const kl = value.tables.kl, most = largest(["kl"]), y = (x) => h - 4 - (h - 16) * (x / most);
  context.strokeStyle = context.fillStyle = colour("curve");
  context.lineWidth = 2 * devicePixelRatio;
  context.beginPath();
  kl.forEach((x, t) => { if (x !== null) context.lineTo((t + 0.5) * w, y(x)); });
  context.stroke();
  if (kl[at.t] !== null) {
    context.beginPath();
    context.arc((at.t + 0.5) * w, y(kl[at.t]), 4 * devicePixelRatio, 0, 7);
    context.fill();
  }
  for (const { t } of value.events) {
    const [x, top, r] = [(t + 0.5) * w, 6 * devicePixelRatio, 5 * devicePixelRatio];
    context.fillStyle = colour("event");
    context.beginPath();
    for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) context.lineTo(x + dx, top + dy);
    context.fill();
  }
}
function draw() {
  if (!value || !time.clientWidth) return;
  for (const { canvas, height, paint } of rows) {
    const high = height();
    canvas.style.height = `${high}px`;
    Object.assign(canvas, { width: time.clientWidth * devicePixelRatio, height: high * devicePixelRatio });
    paint(canvas.getContext("2d"), canvas.width / value.length, canvas.height);
  }
  for (const [name, share] of [["--t", at.t / value.length], ["--cell", 1 / value.length], ["--known", value.known / value.length]])
    time.style.setProperty(name, share);
  for (const [view, image] of [[drawnView, images[0]], [movedView, film || images[0]]]) {
    Object.assign(view, { width: value.width, height: value.height });
    if (image.naturalWidth) frameOf(view.getContext("2d"), image, at.t, 0, 0, value.width, value.height);
  }
}

// ---- what is chosen ----

function choose(t, d, fromPlayer) {
  const before = { ...at };
  at = { t: Math.max(0, Math.min(value.length - 1, t)), d: Math.max(0, Math.min(value.names.length - 1, d)) };
  if (!fromPlayer && at.t !== before.t) turnPlayer(at.t);
  tell();
  draw();
}
const movable = () => at.t >= value.known;
function tell() {
  const name = value.names[at.d], [pm, ps, qm, qs] = Object.keys(TABLES).map((table) => cell(table, at.t, at.d));
  const truth = qm === null ? "" : ` True frame: ${format(qm)} ± ${format(qs)}.`;
  const kl = value.tables.kl[at.t];
  const prior = pm === null ? " No number is drawn here." : ` Expected: ${format(pm)} ± ${format(ps)}.`;
  say(".vp-latent-said", `Frame ${at.t}, ${name}.${prior}${truth}${kl === null ? "" : ` Surprise of the frame: ${kl.toFixed(1)} nats.`}`);
  if (!sliding()) {
    slider.disabled = !movable();
    say(".vp-latent-name", movable() ? `Move ${name} at frame ${at.t}` : "A frame that the model was given: choose a later one");
  }
}
// the number that is moved is the one chosen when the slider was touched; scrubbing afterwards only looks
let chosen = null;
const sliding = () => chosen !== null;
function slide() {
  chosen = chosen || { ...at };
  back.disabled = false;
  const v = Number(slider.value);
  say(".vp-latent-name", `${value.names[chosen.d]} at frame ${chosen.t}: ${v > 0 ? "+" : ""}${v.toFixed(1)} standard deviations of the ${value.drawn_from} from its mean`);
  next = { view: value.view, frame: chosen.t, dimension: chosen.d, value: v };
  ask();
}
function goBack() {
  chosen = film = next = null;
  slider.value = 0;
  back.disabled = true;
  say(".vp-latent-apart", "");
  caption();
  tell();
  draw();
}
// one request at a time, and the newest wish next: a slow answer never follows a newer one
async function ask() {
  if (waiting) return;
  waiting = true;
  while (next) {
    const wish = next, began = performance.now();
    next = null;
    const got = await server.ask(wish).catch(() => ({ error: "The server did not answer." }));
    if (!value || wish.view !== value.view || !sliding()) continue;
    if (got.error) { say(".vp-latent-apart", got.error); continue; }
    const image = new Image();
    const loaded = new Promise((resolve) => { image.onload = image.onerror = resolve; });
    image.src = got.sheet;
    await loaded;
    if (!sliding()) continue;
    film = image;
    say(".vp-latent-apart", `From that frame on the two differ by ${got.apart.toFixed(1)} of 255 grey levels on average.`);
    caption();
    draw();
    root.dataset.moved = String(Number(root.dataset.moved || 0) + 1);
    root.dataset.latency = String(Math.round(performance.now() - began));
  }
  waiting = false;
}
function caption() {
  find(".vp-latent-drawn").replaceChildren(node("span", "", value.films[0].label));
  if (value.films[0].mark) find(".vp-latent-drawn").append(node("span", "vp-inside-mark", value.films[0].mark));
  const words = film ? [node("span", "", "One number moved"), node("span", "vp-inside-mark", value.by_hand)] : [node("span", "", "Nothing moved yet")];
  find(".vp-latent-moved").replaceChildren(...words);
}

// ---- what a person does ----

const pointed = (event) => {
  const area = time.getBoundingClientRect(), place = event.target.closest(".vp-inside-row");
  const t = Math.floor(((event.clientX - area.left) / area.width) * value.length);
  if (!place || !place.dataset.table) return [t, at.d];
  const canvas = place.querySelector("canvas").getBoundingClientRect();
  return [t, Math.floor(((event.clientY - canvas.top) / canvas.height) * value.names.length)];
};
time.addEventListener("pointerdown", (event) => {
  if (!value) return;
  if (event.target.closest("[data-table]") && sliding()) goBack();
  choose(...pointed(event));
});
time.addEventListener("pointermove", (event) => {
  if (value && event.buttons && event.pointerType === "mouse") choose(pointed(event)[0], at.d);
});
time.addEventListener("keydown", (event) => {
  if (!value || !(event.key in KEYS)) return;
  const [dt, dd] = KEYS[event.key];
  if (sliding() && dd) goBack();
  choose(at.t + dt, at.d + dd);
  event.preventDefault();
});
slider.addEventListener("input", () => { if (value) slide(); });
back.addEventListener("click", () => { if (value) goBack(); });
document.addEventListener("vp-frame", (event) => {
  if (!root.isConnected || !value || !event.target.closest("#player") || event.detail.length !== value.length) return;
  if (event.detail.t !== at.t) choose(event.detail.t, at.d, true);
});

function render() {
  value = props.value;
  root.hidden = !value;
  film = chosen = next = null;
  if (!value) return;
  value = JSON.parse(JSON.stringify(value)); // Gradio patches streamed values in place
  Object.assign(slider, { min: -FARTHEST, max: FARTHEST, value: 0 });
  say(".vp-inside-title", value.title);
  root.dataset.large = String(large());
  images = value.films.map((one) => Object.assign(new Image(), { onload: draw, src: one.sheet.url }));
  const marked = value.events.map(({ t, label }) => `${label} at frame ${t}`).join(", ");
  const note = hasTruth() ? "The further this future has left the truth, the more each true frame surprises." : "What comes after is not known: there is no posterior and no surprise.";
  say(".vp-latent-events", `${marked ? `Diamonds: ${marked}. ` : ""}${note}`);
  build();
  at = { t: value.known, d: 0 };
  goBack();
  choose(value.known, 0);
}
new ResizeObserver(draw).observe(time);
render();
watch("value", render);
