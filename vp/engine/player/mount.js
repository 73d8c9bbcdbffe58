// mount(element, props, watch, trigger): the player over one Result record. `props.value` is the record with `sheets`
// ([{url}]); `watch("value", f)` calls f when it changes; `props.page` is true where the page belongs to the player.

function mount(element, props, watch, trigger) {
  const root = element.querySelector(".vp-player");
  const find = (selector) => root.querySelector(selector);
  const range = find(".vp-scrub .vp-range");
  const loupe = find(".vp-loupe");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const state = { record: null, sheets: [], tiles: [], charts: [], t: 0, playing: false, once: false, view: "tiles" };
  let touched = false;
  let loading = 0;
  let timer = 0;

  function load() {
    const record = props.value;
    if (!record || !record.rows) return;
    const ticket = ++loading;
    const images = record.sheets.map((sheet) => {
      const image = new Image();
      image.src = sheet.url;
      return image.decode().then(() => image);
    });
    Promise.all(images).then(
      (sheets) => ticket === loading && present(record, sheets),
      () => ticket === loading && fail("The pictures of this result could not be loaded; generate it again."),
    );
  }

  function fail(sentence) {
    find(".vp-notes").replaceChildren(node("li", "", sentence));
  }

  function present(record, sheets) {
    const before = state.record;
    if (record.ready && !(before && before.ready)) touched = false; // a new run: follow it
    Object.assign(state, { record, sheets });
    for (const input of root.querySelectorAll(".vp-range")) input.max = record.length - 1;
    fillHead();
    buildTiles();
    buildTrack();
    fillLegend();
    fillNumbers();
    root.dataset.finished = String(!record.ready);
    root.dataset.ready = "true";
    layout();
    const growing = record.ready !== null;
    if (growing) pause();
    if (growing && !touched) go(record.ready.lastIndexOf(1));
    else go(Math.min(state.t, record.length - 1));
    if (!growing && !touched && !calm.matches && record !== before) play(true);
  }

  // ---- parts ----

  function fillHead() {
    const { record } = state;
    find(".vp-name").textContent = record.model.name || record.model.title || "Clip";
    find(".vp-meta").textContent = metaOf(record);
    find(".vp-notes").replaceChildren(...record.notes.map((note) => node("li", "", note)));
  }

  function buildTiles() {
    const { record } = state;
    const single = record.samples === 1;
    state.tiles = record.rows.map((row, index) => makeTile(record, row, index));
    const small = state.tiles.filter((tile) => tile.row.kind === "sample" && !single);
    const big = state.tiles.filter((tile) => !small.includes(tile));
    const order = ["truth", "sample", "reference", "best", "mean", "uncertainty"];
    big.sort((a, b) => order.indexOf(a.row.kind) - order.indexOf(b.row.kind));
    find(".vp-refs").replaceChildren(...big.map((tile) => tile.figure));
    find(".vp-samples").replaceChildren(...small.map((tile) => tile.figure));
    for (const tile of big) tile.big = true;
  }

  function buildTrack() {
    const { record } = state;
    const marks = record.events.map((event) => {
      const mark = node("span", "vp-mark");
      mark.style.setProperty("--at", event.t / Math.max(1, record.length - 1));
      mark.title = `${event.label} at t = ${event.t}`;
      return mark;
    });
    find(".vp-track").replaceChildren(segments(record), ...marks);
  }

  function fillLegend() {
    const { record } = state;
    const items = [];
    const add = (name, text) => {
      const item = node("li", "", text);
      item.dataset.curve = name;
      items.push(item);
    };
    if (hasCharts()) {
      if (record.samples > 1) {
        add("best", `best of ${record.samples}, chosen with the truth`);
        add("mean", "mean of the samples");
        add("band", "worst to best");
      } else add("mean", "the prediction");
      const reference = record.rows.find((row) => row.kind === "reference");
      if (reference) add("reference", reference.label.toLowerCase() + ", sees the future");
      if (record.events.length) add("event", record.events[0].label);
    }
    find(".vp-legend").replaceChildren(...items);
  }

  function fillNumbers() {
    const { record } = state;
    const columns = [];
    for (const entry of Object.values({ ...record.metrics, ...record.traces })) {
      const series = seriesOf(record, entry);
      for (const name of ["best", "mean", "reference"])
        if (series[name]) columns.push({ title: `${entry.label} ${name === "reference" ? "posterior" : name}`, values: series[name], entry });
    }
    find(".vp-numbers").hidden = !columns.length;
    const table = node("table");
    const head = table.createTHead().insertRow();
    for (const title of ["t", "", ...columns.map((column) => column.title)]) {
      const cell = node("th", "", title || "frame");
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    record.known.forEach((known, t) => {
      const row = body.insertRow();
      row.insertCell().textContent = t;
      row.insertCell().textContent = WORDS[segmentOf(record, t)] || "no truth";
      for (const { values, entry } of columns)
        row.insertCell().textContent = values[t] === null ? "" : values[t].toFixed(decimals(entry) + 1);
    });
    find(".vp-scroll").replaceChildren(table);
  }

  function hasCharts() {
    return Object.keys(state.record.metrics).length + Object.keys(state.record.traces).length > 0;
  }

  function buildCharts() {
    const { record } = state;
    const host = find(".vp-charts");
    host.hidden = !hasCharts() && !record.ready;
    state.charts = [];
    host.replaceChildren();
    if (record.ready) host.append(node("p", "vp-later", "Scores appear when every future is finished."));
    const add = (entry, isScore) => {
      const place = node("div", "vp-chart");
      host.append(place);
      return { place, build: () => makeChart(place, record, entry, isScore), entry };
    };
    const scores = Object.values(record.metrics).map((entry) => add(entry, true));
    const names = Object.keys(record.traces);
    const name = names.includes(state.trace) ? state.trace : names.includes("prior_std") ? "prior_std" : names[0];
    const traces = name ? [add(record.traces[name], false)] : [];
    for (const { build, entry } of [...scores, ...traces]) state.charts.push(Object.assign(build(), { entry }));
    if (names.length > 1) traces[0].place.querySelector("h3").replaceWith(tracePicker(names, name));
    for (const chart of state.charts) chart.show(state.t);
  }

  function tracePicker(names, chosen) {
    const select = node("select", "vp-trace");
    select.setAttribute("aria-label", "Trace");
    for (const name of names) select.append(new Option(state.record.traces[name].label, name, false, name === chosen));
    return select;
  }

  function layout() {
    const { record } = state;
    if (!record || !root.clientWidth) return;
    const width = find(".vp-stage").clientWidth;
    const gap = width < 520 ? 10 : 16;
    const refs = state.tiles.filter((tile) => tile.big);
    const rest = state.tiles.filter((tile) => !tile.big);
    const wide = columnsFor(refs.length, width, gap, width < 520 ? 100 : 150, refs.length < 3 ? 288 : 230);
    const tight = columnsFor(rest.length || 1, width, gap, width < 520 ? 76 : 96, 170);
    for (const [selector, plan, tiles] of [[".vp-refs", wide, refs], [".vp-samples", tight, rest]]) {
      const group = find(selector);
      group.hidden = !tiles.length || state.view !== "tiles";
      group.dataset.tight = String(plan.size < 150);
      group.style.setProperty("--tile", plan.size + "px");
      group.style.setProperty("--columns", plan.columns);
      group.style.columnGap = gap + "px";
    }
    for (const tile of state.tiles) resizeTile(tile, record, (tile.big ? wide : tight).size);
    if (state.view === "strip") state.cursor = makeStrips(find(".vp-strips"), record, state.sheets);
    buildCharts();
    draw();
  }

  // ---- time ----

  function go(t) {
    const last = state.record.length - 1;
    state.t = Math.max(0, Math.min(last, t));
    draw();
  }

  function draw() {
    const { record, sheets, t } = state;
    if (state.view === "tiles") for (const tile of state.tiles) drawTile(tile, record, sheets, t);
    else moveStripCursor();
    for (const chart of state.charts) chart.show(t);
    if (loupe.open) drawLoupe();
    for (const input of root.querySelectorAll(".vp-range")) if (Number(input.value) !== t) input.value = t;
    const phase = segmentOf(record, t);
    range.setAttribute("aria-valuetext", `frame ${t}, ${WORDS[phase] || "generated, no truth"}`);
    find(".vp-now").textContent = t;
    find(".vp-phase").textContent = phaseText(record, t, phase);
    find(".vp-clock").dataset.phase = phase;
    root.dataset.frame = t;
  }

  function moveStripCursor() {
    if (!state.cursor) return;
    state.cursor.style.setProperty("--t", state.t);
  }

  function tick(now) {
    if (!state.playing) return;
    const { record } = state;
    const step = 1000 / (record.fps * Number(find(".vp-speed select").value));
    if (now - timer >= step) {
      timer = now - timer > 4 * step ? now : timer + step;
      if (state.t < record.length - 1) go(state.t + 1);
      else if (state.once || find(".vp-loop").getAttribute("aria-pressed") !== "true") return pause();
      else go(0);
    }
    requestAnimationFrame(tick);
  }

  function play(once) {
    if (state.playing || !state.record || state.record.length < 2) return;
    state.playing = true;
    state.once = once;
    if (once || state.t >= state.record.length - 1) go(0);
    showPlaying();
    timer = performance.now();
    requestAnimationFrame(tick);
  }

  function pause() {
    state.playing = false;
    showPlaying();
  }

  function showPlaying() {
    const button = find(".vp-play");
    button.setAttribute("aria-label", state.playing ? "Pause" : "Play");
    root.dataset.playing = String(state.playing);
  }

  function byHand(t) {
    touched = true;
    pause();
    go(t);
  }

  // ---- zoom ----

  function openLoupe(index) {
    state.zoom = index;
    const row = state.record.rows[index];
    find(".vp-loupe-title").textContent = row.label;
    find(".vp-loupe-note").textContent = row.note;
    const views = [row];
    const compare = row.kind !== "truth" && row.kind !== "uncertainty";
    if (compare) views.unshift(state.record.rows.find((other) => other.kind === "truth"));
    state.lenses = views.map((view) => lens(view.label, view.kind, view));
    if (compare) state.lenses.push(lens("Difference", "difference", null));
    find(".vp-loupe-views").replaceChildren(...state.lenses.map((one) => one.figure));
    loupe.showModal();
    drawLoupe();
  }

  function lens(label, kind, row) {
    const figure = node("figure");
    figure.dataset.kind = kind;
    const canvas = node("canvas");
    canvas.width = state.record.frame.width * 5;
    canvas.height = state.record.frame.height * 5;
    figure.append(canvas, node("figcaption", "", label));
    return { figure, context: canvas.getContext("2d"), canvas, row };
  }

  function drawLoupe() {
    const { record, sheets, t } = state;
    const row = record.rows[state.zoom];
    for (const { figure, context, canvas, row: shown } of state.lenses) {
      const { width, height } = canvas;
      context.globalCompositeOperation = "source-over";
      context.clearRect(0, 0, width, height);
      const layers = shown ? [shown] : state.lenses.filter((one) => one.row).map((one) => one.row);
      const missing = layers.map((layer) => phaseOf(record, layer, t)).find((phase) => phase === "none" || phase === "waiting");
      figure.dataset.phase = missing || (shown ? phaseOf(record, shown, t) : "");
      if (missing) continue;
      for (const layer of layers) {
        paint(context, record, sheets, layer, t, 0, 0, width, height);
        context.globalCompositeOperation = "difference";
      }
    }
    find(".vp-loupe-score").textContent = scoreText(record, state.zoom, t, row);
  }

  // ---- what a person does ----

  element.addEventListener("input", (event) => {
    if (event.target.closest(".vp-range")) byHand(Number(event.target.value));
  });
  element.addEventListener("change", (event) => {
    if (!event.target.closest(".vp-trace")) return;
    state.trace = event.target.value;
    buildCharts();
    find(".vp-trace").focus();
  });
  element.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (!state.record) return;
    if (on("[data-step]")) byHand(state.t + Number(on("[data-step]").dataset.step));
    else if (on(".vp-play")) togglePlay();
    else if (on(".vp-loop")) on(".vp-loop").setAttribute("aria-pressed", String(on(".vp-loop").getAttribute("aria-pressed") !== "true"));
    else if (on("[data-view-button]")) setView(on("[data-view-button]").dataset.viewButton);
    else if (on(".vp-close") || event.target === loupe) loupe.close();
    else if (on(".vp-frame")) openLoupe(Number(on(".vp-tile").dataset.row));
  });
  element.addEventListener("pointermove", (event) => {
    const chart = state.charts.find((one) => one.svg.contains(event.target));
    if (chart) byHand(chart.frameAt(event.clientX));
    else if (event.buttons) scrubStrip(event);
  });
  element.addEventListener("pointerdown", (event) => {
    scrubStrip(event);
    const chart = state.charts.find((one) => one.svg.contains(event.target));
    if (chart) byHand(chart.frameAt(event.clientX));
    if (!event.target.closest("button, select, input, summary, dialog, a"))
      setTimeout(() => range.focus({ preventScroll: true }));
  });
  for (const kind of ["pointerover", "focusin"]) element.addEventListener(kind, (event) => hover(event.target));
  element.addEventListener("pointerleave", () => hover(null));
  (props.page ? document : element).addEventListener("keydown", onKey);
  new ResizeObserver(() => layout()).observe(find(".vp-stage"));

  function togglePlay() {
    touched = true;
    if (state.playing) pause();
    else play(false);
  }

  function setView(view) {
    state.view = root.dataset.view = view;
    for (const button of root.querySelectorAll("[data-view-button]"))
      button.setAttribute("aria-pressed", String(button.dataset.viewButton === view));
    find(".vp-strips").hidden = view !== "strip";
    layout();
  }

  function scrubStrip(event) {
    const strip = event.target.closest(".vp-strip canvas, .vp-strip .vp-segments");
    if (!strip) return;
    const box = strip.getBoundingClientRect();
    byHand(Math.floor(((event.clientX - box.left) / box.width) * state.record.length));
  }

  function hover(target) {
    const tile = target && target.closest && target.closest(".vp-tile[data-kind=sample]");
    for (const { highlight, entry } of state.charts) highlight(tile ? entry.values[tile.dataset.row] : null);
  }

  function onKey(event) {
    if (!state.record || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.closest && target.closest("select, textarea, summary, input:not(.vp-range)");
    const jump = { ArrowLeft: state.t - 1, ArrowRight: state.t + 1, Home: 0, End: state.record.length - 1 }[event.key];
    if (typing) return;
    if (jump !== undefined) byHand(jump);
    else if (event.key === " " && !target.closest("button")) togglePlay();
    else return;
    event.preventDefault();
  }

  load();
  watch("value", load);
}

function metaOf(record) {
  const past = record.known.filter(Boolean).length;
  const parts = [];
  if (record.samples) parts.push(record.samples === 1 ? "1 future" : `${record.samples} futures`);
  if (record.options.prior) parts.push(`${record.options.prior.replace("-", " ")} prior`);
  if (record.options.temperature !== undefined && record.samples > 1) parts.push(`temperature ${record.options.temperature}`);
  if (record.samples) parts.push(`${past} past \u2192 ${record.length - past} future frames`, `seed ${record.seed}`);
  else parts.push(`${record.length} frames`);
  if (record.seconds) parts.push(`${record.seconds.toFixed(1)} s`);
  return parts.join("  \u00b7  ");
}

function phaseText(record, t, phase) {
  if (phase === "context") return "context: given to the model";
  const step = record.known.slice(0, t + 1).filter((known) => !known).length;
  const total = record.known.filter((known) => !known).length;
  if (phase === "truth") return "to be predicted";
  return `generated, step ${step} of ${total}` + (phase === "beyond" ? ", no truth" : "");
}

function scoreText(record, index, t, row) {
  if (record.known[t]) return `t = ${t}, context`;
  const scores = Object.values(record.metrics)
    .filter((entry) => entry.values[index] && entry.values[index][t] !== null)
    .map((entry) => `${entry.label} ${entry.values[index][t].toFixed(decimals(entry) + 1)} ${entry.unit}`.trim());
  const seed = row.seed === null ? [] : [`noise seed ${row.seed}`];
  return [`t = ${t}, ${WORDS[phaseOf(record, row, t)]}`, ...scores, ...seed].join("  \u00b7  ");
}
