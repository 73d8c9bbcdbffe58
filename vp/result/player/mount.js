// mount(element, props, watch, trigger): the player over one Result record. `props.value` is the record with `sheets`
// ([{url}]); `watch("value", f)` calls f when it changes; `props.page` is true where the page belongs to the player. What a
// person edits leaves as `trigger("edit", {known: [0 or 1, ...]})`; the event "vp-plan" on the player shows such ticks, and its
// event "vp-frame" tells what is beside it which frame is on screen: {t, length}.

function mount(element, props, watch, trigger) {
  const root = element.querySelector(".vp-player");
  const find = (selector) => root.querySelector(selector);
  const range = find(".vp-scrub .vp-range");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const state = { record: null, sheets: [], tiles: [], charts: [], t: 0, view: "tiles", baselines: false };
  const clock = makeClock(root, state, go);
  const zoom = makeZoom(find(".vp-loupe"), state);
  const ticks = makeTicks(find(".vp-ticks"), (known) => trigger("edit", { known }));
  let touched = false;
  let loading = 0;

  function load() {
    if (!props.value || !props.value.rows) return;
    const record = JSON.parse(JSON.stringify(props.value)); // Gradio patches streamed values in place
    const ticket = ++loading;
    root.dataset.finished = "false"; // until its pictures are here
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
    Object.assign(state, { record, sheets, t: Math.min(state.t, record.length - 1) });
    for (const input of root.querySelectorAll(".vp-range")) input.max = record.length - 1;
    fillHead();
    buildTiles();
    buildTrack();
    const columns = tableColumns(record);
    find(".vp-numbers").hidden = !columns.length;
    find(".vp-scroll").replaceChildren(numbersTable(record, columns));
    root.dataset.large = String(isLarge(record));
    root.style.setProperty("--shape", record.frame.width / record.frame.height);
    root.dataset.finished = String(!record.ready);
    root.dataset.ready = "true";
    layout();
    const growing = record.ready !== null;
    if (growing) clock.pause();
    const still = !before && record.samples && calm.matches; // nothing will move: show where futures differ most
    if (growing && !touched) go(record.ready.lastIndexOf(1));
    else if (still) go(record.length - 1);
    else go(state.t);
    if (!growing && !touched && !calm.matches && record !== before) clock.play(true);
  }

  // ---- parts ----

  function fillHead() {
    const { record } = state;
    find(".vp-name").textContent = record.model.name || record.model.title || "Clip";
    find(".vp-source").textContent = record.source || "";
    find(".vp-meta").textContent = metaOf(record);
    find(".vp-verdict").replaceChildren(...(record.verdict || []).map((sentence) => node("li", "", sentence)));
    find(".vp-notes").replaceChildren(...record.notes.map((note) => node("li", "", note)));
    find(".vp-baselines").hidden = !record.rows.some((row) => row.kind === "baseline");
  }

  function buildTiles() {
    const { record } = state;
    const single = record.samples === 1;
    state.tiles = record.rows.map((row, index) => makeTile(record, row, index)).filter((tile) => isShown(tile.row, state.baselines));
    const small = state.tiles.filter((tile) => tile.row.kind === "sample" && !single);
    const others = state.tiles.filter((tile) => tile.row.kind === "other"); // of the result that this one is compared with
    const big = state.tiles.filter((tile) => !small.includes(tile) && !others.includes(tile));
    const order = ["truth", "sample", "likely", "baseline", "plan", "reference", "best", "mean", "uncertainty", "picture", "picture_truth"];
    big.sort((a, b) => order.indexOf(a.row.kind) - order.indexOf(b.row.kind));
    find(".vp-refs").replaceChildren(...big.map((tile) => tile.figure));
    find(".vp-samples").replaceChildren(...small.map((tile) => tile.figure));
    find(".vp-others").replaceChildren(...others.map((tile) => tile.figure));
    state.groups = { ".vp-refs": big, ".vp-samples": small, ".vp-others": others };
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

  function buildCharts() {
    const { record } = state;
    const host = find(".vp-charts");
    host.hidden = !hasCharts(record) && !record.ready;
    state.charts = [];
    host.replaceChildren();
    find(".vp-legend").replaceChildren(...legendItems(record, state.baselines));
    if (record.ready) host.append(node("p", "vp-later", "Scores appear when every future is finished."));
    const add = (entry, isScore) => {
      const place = node("div", "vp-chart");
      host.append(place);
      return { place, build: () => makeChart(place, record, entry, isScore, state.baselines), entry };
    };
    const scores = Object.values(record.metrics).map((entry) => add(entry, true));
    const names = Object.keys(record.traces);
    const name = names.includes(state.trace) ? state.trace : names.includes("prior_std") ? "prior_std" : names[0];
    const traces = name ? [add(record.traces[name], false)] : [];
    for (const { build, entry } of [...scores, ...traces]) state.charts.push(Object.assign(build(), { entry }));
    if (names.length > 1) traces[0].place.querySelector("h3").replaceWith(tracePicker(record, name));
    makeEnsemble(host, record);
    for (const chart of state.charts) chart.show(state.t);
  }

  function layout() {
    const { record } = state;
    if (!record || !root.clientWidth) return;
    const width = find(".vp-stage").clientWidth;
    const gap = width < 520 ? 10 : 16;
    const refs = state.groups[".vp-refs"];
    const most = Math.max(...[".vp-samples", ".vp-others"].map((name) => state.groups[name].length)); // as large on both sides
    const lying = Math.sqrt(record.frame.width / record.frame.height); // tiles of any shape are about as large
    const columns = (count, least, most) => columnsFor(count, width, gap, least * lying, most * lying);
    const wide = columns(refs.length, width < 520 ? 100 : 150, refs.length < 3 ? (isLarge(record) ? 420 : 288) : 230);
    const tight = columns(most || 1, width < 520 ? 76 : 96, 170);
    for (const [selector, tiles] of Object.entries(state.groups)) {
      const [group, plan] = [find(selector), selector === ".vp-refs" ? wide : tight];
      group.hidden = !tiles.length || state.view !== "tiles";
      group.dataset.tight = String(plan.size < 150);
      group.style.setProperty("--tile", plan.size + "px");
      group.style.setProperty("--columns", plan.columns);
      group.style.columnGap = gap + "px";
    }
    for (const tile of state.tiles) resizeTile(tile, record, (tile.big ? wide : tight).size);
    if (state.view === "strip") state.cursor = makeStrips(find(".vp-strips"), record, state.sheets, state.baselines);
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
    zoom.draw();
    for (const input of root.querySelectorAll(".vp-range")) if (Number(input.value) !== t) input.value = t;
    const phase = segmentOf(record, t);
    range.setAttribute("aria-valuetext", `frame ${t}, ${WORDS[phase] || "generated, no truth"}`);
    find(".vp-now").textContent = t;
    find(".vp-phase").textContent = phaseText(record, t, phase);
    find(".vp-clock").dataset.phase = phase;
    root.dataset.frame = t;
    root.dispatchEvent(new CustomEvent("vp-frame", { bubbles: true, detail: { t, length: record.length } }));
  }

  function moveStripCursor() {
    if (!state.cursor) return;
    state.cursor.style.setProperty("--t", state.t);
  }

  function byHand(t) {
    touched = true;
    clock.pause();
    go(t);
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
    else if (on(".vp-loop")) toggle(on(".vp-loop"));
    else if (on("[data-view-button]")) setView(on("[data-view-button]").dataset.viewButton);
    else if (on(".vp-baselines")) showBaselines(on(".vp-baselines"));
    else if (on(".vp-close") || event.target.matches(".vp-loupe")) zoom.close();
    else if (on(".vp-frame")) zoom.open(Number(on(".vp-tile").dataset.row));
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
  root.addEventListener("vp-plan", (event) => ticks.show(event.detail)); // what the page plans to ask for next
  new ResizeObserver(() => layout()).observe(find(".vp-stage"));

  function toggle(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  }

  function showBaselines(button) {
    toggle(button);
    state.baselines = button.getAttribute("aria-pressed") === "true";
    buildTiles();
    layout();
  }

  function togglePlay() {
    touched = true;
    clock.toggle();
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
