const root = element.querySelector(".vp-map"), find = (name) => root.querySelector(name);
const plane = find(".vp-map-plane"), view = find(".vp-map-view canvas"), said = find(".vp-map-said");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.02, HOLD = 6, NEAR = 0.03; // of the plane; frames that the last one stays; how near a future counts as meant
const sheet = new Image(), asked = new Image();
let value = null, at = [0.5, 0.5], pins = [], shown = null, waiting = false, next = null, frame = 0, since = 0, dragging = false;

const place = (x, y, wide, high) => [x * (wide - value.width * scale()) + 0, y * (high - value.height * scale())];
const scale = () => Math.min(1, 44 / Math.max(value.width, value.height)) * devicePixelRatio;
const nearest = (x, y) => {
  const far = value.places.map(([px, py]) => (px - x) ** 2 + (py - y) ** 2);
  const index = far.indexOf(Math.min(...far));
  return [index, Math.sqrt(far[index])];
};
const thumb = (context, index, k, x, y, w, h) =>
  context.drawImage(sheet, k * value.width, index * value.height, value.width, value.height, x, y, w, h);
const draw = () => {
  if (!value || !sheet.naturalWidth) return;
  const canvas = plane.querySelector("canvas"), context = canvas.getContext("2d");
  const [wide, high] = [plane.clientWidth * devicePixelRatio, plane.clientHeight * devicePixelRatio];
  Object.assign(canvas, { width: wide, height: high });
  const style = getComputedStyle(root), accent = style.getPropertyValue("--vp-accent") || "#0f6f83";
  const [w, h] = [value.width * scale(), value.height * scale()];
  const middle = (index) => {
    const [x, y] = place(...value.places[index], wide, high);
    return [x + w / 2, y + h / 2];
  };
  value.places.forEach(([px, py], index) => {
    const [x, y] = place(px, py, wide, high);
    context.globalAlpha = pins.length > 1 && !pins.includes(index) ? 0.35 : 1;
    thumb(context, index, value.frames - 1, x, y, w, h);
    context.lineWidth = (pins.includes(index) ? 3 : 1) * devicePixelRatio;
    context.strokeStyle = pins.includes(index) ? accent : "#8888";
    context.strokeRect(x, y, w, h);
  });
  context.globalAlpha = 1;
  if (pins.length > 1) {
    context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    context.strokeStyle = accent;
    context.beginPath();
    pins.forEach((index) => context.lineTo(...middle(index)));
    if (pins.length > 2) context.closePath();
    context.stroke();
    context.setLineDash([]);
  }
  const [x, y] = place(...at, wide, high);
  context.strokeStyle = accent;
  context.lineWidth = 2.5 * devicePixelRatio;
  context.beginPath();
  context.arc(x + w / 2, y + h / 2, 9 * devicePixelRatio, 0, 7);
  context.stroke();
};
const play = (now) => {
  if (!root.isConnected) return;
  requestAnimationFrame(play);
  if (!value || !shown || now - since < 1000 / Math.min(15, value.fps || 10)) return;
  since = now;
  const count = shown.frames + HOLD;
  frame = still.matches ? shown.frames - 1 : (frame + 1) % count;
  const k = Math.min(frame, shown.frames - 1);
  if (view.width !== shown.width) view.width = shown.width;
  if (view.height !== shown.height) view.height = shown.height;
  view.getContext("2d").drawImage(
    shown.image, k * shown.width, shown.row * shown.height, shown.width, shown.height, 0, 0, shown.width, shown.height);
};
const say = (text) => { if (said.textContent !== text) said.textContent = text; };
const showThumb = (index) => {
  shown = { image: sheet, frames: value.frames, width: value.width, height: value.height, row: index };
};
// one request at a time, and the newest place next: a slow answer never follows a newer one
const ask = async () => {
  next = { map: value.map, x: at[0], y: at[1], pins: pins.length > 1 ? pins : [] };
  if (waiting) return;
  waiting = true;
  while (next) {
    const wish = next;
    next = null;
    const began = performance.now(), got = await server.ask(wish).catch(() => ({ error: "The server did not answer." }));
    if (!value || wish.map !== value.map) continue;
    if (got.error) { say(got.error); continue; }
    const loaded = new Promise((resolve) => { asked.onload = asked.onerror = resolve; });
    asked.src = got.sheet;
    await loaded;
    shown = { image: asked, frames: got.frames, width: got.width, height: got.height, row: 0 };
    if (!dragging) frame = 0;
    say(got.said);
    root.dataset.answered = String(Number(root.dataset.answered || 0) + 1);
    root.dataset.latency = String(Math.round(performance.now() - began));
  }
  waiting = false;
};
const move = (x, y, snap) => {
  const share = (v) => Math.max(0, Math.min(1, v));
  at = [share(x), share(y)];
  const [index, far] = nearest(...at);
  if (snap && far < NEAR) at = [...value.places[index]];
  draw();
  ask();
};
const pointer = (event) => {
  const area = plane.getBoundingClientRect(), w = (value.width * scale()) / devicePixelRatio, h = (value.height * scale()) / devicePixelRatio;
  return [(event.clientX - area.left - w / 2) / (area.width - w), (event.clientY - area.top - h / 2) / (area.height - h)];
};
plane.addEventListener("pointerdown", (event) => {
  if (!value) return;
  plane.setPointerCapture(event.pointerId);
  dragging = true;
  move(...pointer(event), true);
});
plane.addEventListener("pointermove", (event) => {
  if (!value) return;
  if (dragging) { move(...pointer(event), false); return; }
  const [index, far] = nearest(...pointer(event));
  if (far > 0.12 || waiting) return;
  showThumb(index);
  say(`Future ${index + 1} of ${value.places.length}. Click to see it at full size, drag to go between futures.`);
});
for (const kind of ["pointerup", "pointercancel"]) plane.addEventListener(kind, () => { dragging = false; });
plane.addEventListener("keydown", (event) => {
  if (!value) return;
  if (event.key in KEYS) {
    const [dx, dy] = KEYS[event.key];
    move(at[0] + STEP * dx, at[1] + STEP * dy, false);
  } else if (event.key === "Enter") pin();
  else return;
  event.preventDefault();
});
const pin = () => {
  const [index] = nearest(...at);
  pins = pins.includes(index) ? pins.filter((other) => other !== index) : [...pins, index].slice(-4);
  find(".vp-map-unpin").disabled = !pins.length;
  at = [...value.places[index]];
  draw();
  ask();
};
find(".vp-map-pin").addEventListener("click", () => { if (value) pin(); });
find(".vp-map-unpin").addEventListener("click", () => { pins = []; find(".vp-map-unpin").disabled = true; draw(); });
const render = () => {
  value = props.value;
  root.hidden = !value;
  shown = null;
  pins = [];
  find(".vp-map-unpin").disabled = true;
  if (!value) return;
  at = [...value.places[0]];
  plane.style.aspectRatio = "4 / 3";
  say(value.note);
  sheet.onload = () => { showThumb(0); draw(); };
  sheet.src = value.sheet.url;
};
new ResizeObserver(draw).observe(plane);
requestAnimationFrame(play);
render();
watch("value", render);
