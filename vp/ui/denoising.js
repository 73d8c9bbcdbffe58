const root = element.querySelector(".vp-denoising"), find = (name) => root.querySelector(`.vp-denoising-${name}`);
const time = find("time"), slider = find("step"), [nowView, endView] = root.querySelectorAll(".vp-inside-pair canvas");
const FILM = 56; // px: height of a film at most
let value = null, at = { t: 0, step: 0 }, images = [], rows = [];

const say = (where, text) => { if (find(where).textContent !== text) find(where).textContent = text; };
const nameOf = (film) => film.step === value.total ? `After step ${film.step}: the future` : `After step ${film.step} of ${value.total}`;

function build() {
  time.replaceChildren();
  rows = value.films.map((film, number) => {
    const place = node("div", "vp-inside-row"), canvas = node("canvas"), title = node("span", "vp-inside-label", nameOf(film));
    if (value.mark) title.append(node("span", "vp-inside-mark", value.mark));
    canvas.setAttribute("aria-hidden", "true");
    place.dataset.step = number;
    place.append(title, canvas);
    time.append(place);
    return { place, canvas };
  });
}
function draw() {
  if (!value || !time.clientWidth) return;
  const cell = time.clientWidth / value.length, shape = value.width / value.height, high = Math.min(FILM, cell / shape);
  rows.forEach(({ place, canvas }, number) => {
    place.dataset.chosen = number === at.step;
    canvas.style.height = `${high}px`;
    Object.assign(canvas, { width: time.clientWidth * devicePixelRatio, height: high * devicePixelRatio });
    const context = canvas.getContext("2d"), w = canvas.width / value.length, h = canvas.height, wide = Math.min(w, h * shape);
    if (!images[number].naturalWidth) return;
    for (let t = 0; t < value.length; t++) {
      context.globalAlpha = value.known[t] ? 0.45 : 1;
      frameOf(context, images[number], t, t * w + (w - wide) / 2, 0, wide, h);
    }
  });
  for (const [name, share] of [["--t", at.t / value.length], ["--cell", 1 / value.length], ["--known", 0]]) time.style.setProperty(name, share);
  for (const [view, image] of [[nowView, images[at.step]], [endView, images.at(-1)]]) {
    Object.assign(view, { width: value.width, height: value.height });
    if (image.naturalWidth) frameOf(view.getContext("2d"), image, at.t, 0, 0, value.width, value.height);
  }
}
function choose(t, step, fromPlayer) {
  const before = at.t;
  at = { t: Math.max(0, Math.min(value.length - 1, t)), step: Math.max(0, Math.min(value.films.length - 1, step)) };
  const film = value.films[at.step];
  slider.value = at.step;
  slider.setAttribute("aria-valuetext", nameOf(film));
  say("now", nameOf(film));
  say("end", "The finished future");
  const given = value.known[at.t] ? ", which was given" : "";
  const apart = film.step === value.total ? "This is the finished future." : `The frames are still ${film.apart.toFixed(1)} of 255 grey levels from the finished ones, on average.`;
  say("said", `${nameOf(film)}, frame ${at.t}${given}. ${apart}`);
  if (!fromPlayer && at.t !== before) turnPlayer(at.t);
  draw();
}
const pointed = (event) => {
  const area = time.getBoundingClientRect(), place = event.target.closest(".vp-inside-row");
  return [Math.floor(((event.clientX - area.left) / area.width) * value.length), place ? Number(place.dataset.step) : at.step];
};
time.addEventListener("pointerdown", (event) => { if (value) choose(...pointed(event)); });
time.addEventListener("pointermove", (event) => {
  if (value && event.buttons && event.pointerType === "mouse") choose(...pointed(event));
});
time.addEventListener("keydown", (event) => {
  if (!value || !(event.key in KEYS)) return;
  const [dt, dStep] = KEYS[event.key];
  choose(at.t + dt, at.step + dStep);
  event.preventDefault();
});
slider.addEventListener("input", () => { if (value) choose(at.t, Number(slider.value)); });
document.addEventListener("vp-frame", (event) => {
  if (!root.isConnected || !value || !event.target.closest("#player") || event.detail.length !== value.length) return;
  if (event.detail.t !== at.t) choose(event.detail.t, at.step, true);
});

function render() {
  value = props.value;
  root.hidden = !value;
  if (!value) return;
  value = JSON.parse(JSON.stringify(value)); // Gradio patches streamed values in place
  slider.max = value.films.length - 1;
  slider.disabled = value.films.length === 1;
  say("title", value.title);
  root.dataset.large = String(large());
  images = value.films.map((film) => Object.assign(new Image(), { onload: draw, src: film.sheet.url }));
  build();
  choose(Math.max(0, value.known.lastIndexOf(false)), 0);
}
new ResizeObserver(draw).observe(time);
render();
watch("value", render);
