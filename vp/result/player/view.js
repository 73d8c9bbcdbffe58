// The pictures of the player: tiles and film strips.

// Where frame t of a row lies: sheet, x, y. Mirrors Layout.place of sheets.py.
function place(record, row, t) {
  const { columns, lines_per_sheet } = record.layout;
  const line = row.line + Math.floor(t / columns);
  const { width, height } = record.frame;
  return {
    sheet: Math.floor(line / lines_per_sheet),
    x: (t % columns) * width,
    y: (line % lines_per_sheet) * height,
  };
}

// Small frames are shown pixel by pixel, larger ones as photographs are: LARGE of sheets.py.
function isLarge(record) {
  return Math.max(record.frame.width, record.frame.height) > 100;
}

function paint(context, record, sheets, row, t, x, y, width, height) {
  const from = place(record, row, t);
  const { width: w, height: h } = record.frame;
  context.imageSmoothingEnabled = isLarge(record);
  context.imageSmoothingQuality = "high";
  context.drawImage(sheets[from.sheet], from.x, from.y, w, h, x, y, width, height);
}

function makeTile(record, row, index) {
  const figure = node("figure", "vp-tile");
  figure.dataset.kind = row.kind;
  figure.dataset.row = index;
  const button = node("button", "vp-frame");
  button.type = "button";
  button.setAttribute("aria-label", titleOf(row) + ", zoom");
  const canvas = node("canvas");
  canvas.width = record.frame.width;
  canvas.height = record.frame.height;
  button.append(canvas, node("span", "vp-cover"));
  const caption = node("figcaption");
  const badge = node("span", "vp-badge");
  caption.append(node("span", "vp-label", row.label), badge);
  caption.firstChild.title = row.note; // on a narrow screen the note itself is left out
  if (row.mark) caption.append(node("span", "vp-apart", row.mark));
  if (row.note) caption.append(node("span", "vp-note", row.note));
  figure.append(button, caption);
  return { figure, canvas, context: canvas.getContext("2d"), badge, cover: button.lastChild, row, index, phase: "" };
}

// The backing store of a small frame is a whole multiple of it, so every source pixel becomes an equal square; that of a large
// one has the pixels of the screen.
function resizeTile(tile, record, cssWidth) {
  const { width, height } = record.frame;
  const wanted = (cssWidth * (window.devicePixelRatio || 1)) / width;
  const zoom = isLarge(record) ? wanted : Math.max(1, Math.ceil(wanted - 0.02));
  const size = [width, height].map((side) => Math.max(1, Math.round(side * zoom)));
  if (tile.canvas.width !== size[0] || tile.canvas.height !== size[1]) [tile.canvas.width, tile.canvas.height] = size;
}

function drawTile(tile, record, sheets, t) {
  const phase = phaseOf(record, tile.row, t);
  if (phase !== tile.phase) {
    tile.phase = tile.figure.dataset.phase = phase;
    tile.badge.textContent = WORDS[phase];
    tile.cover.textContent = phase === "none" ? "no truth" : phase === "waiting" ? "\u2026" : "";
  }
  const { width, height } = tile.canvas;
  if (phase === "none" || phase === "waiting") tile.context.clearRect(0, 0, width, height);
  else paint(tile.context, record, sheets, tile.row, t, 0, 0, width, height);
}

// Columns that fill the width with tiles between `least` and `most` pixels, rows as even as they can be.
function columnsFor(count, width, gap, least, most) {
  const fit = Math.max(1, Math.min(count, Math.floor((width + gap) / (least + gap))));
  const rows = Math.ceil(count / fit);
  const columns = Math.ceil(count / rows);
  return { columns, size: Math.min(most, Math.floor((width - gap * (columns - 1)) / columns)) };
}

function makeStrips(host, record, sheets, baselines) {
  host.replaceChildren();
  const shape = record.frame.width / record.frame.height;
  const cell = Math.max(34, Math.min(72, Math.floor((host.clientWidth - 112) / record.length)));
  host.style.setProperty("--cell", cell + "px");
  const width = isLarge(record) ? Math.ceil(cell * (window.devicePixelRatio || 1)) : record.frame.width;
  const height = Math.max(1, Math.round(width / shape));
  const bar = node("div", "vp-strip vp-strip-bar");
  const blocks = segments(record);
  blocks.style.width = record.length * cell + "px";
  bar.append(node("span", "vp-label"), blocks);
  host.append(bar);
  for (const row of record.rows.filter((row) => isShown(row, baselines))) {
    const line = node("div", "vp-strip");
    line.dataset.kind = row.kind;
    const canvas = node("canvas");
    canvas.width = record.length * width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    for (let t = 0; t < record.length; t++) {
      const phase = phaseOf(record, row, t);
      if (phase !== "none" && phase !== "waiting") paint(context, record, sheets, row, t, t * width, 0, width, height);
    }
    canvas.style.width = record.length * cell + "px";
    const label = node("span", "vp-label", row.label);
    label.title = row.note;
    if (row.mark) label.append(node("span", "vp-apart", row.mark));
    line.append(label, canvas);
    host.append(line);
  }
  const cursor = node("div", "vp-strip-cursor");
  host.append(cursor);
  return cursor;
}

// One coloured block per run of equal frames, with its word.
function segments(record) {
  const bar = node("div", "vp-segments");
  let start = 0;
  for (let t = 1; t <= record.length; t++) {
    const same = t < record.length && segmentOf(record, t) === segmentOf(record, start);
    if (same) continue;
    const block = node("span", "", WORDS[segmentOf(record, start)] || "generated, no truth");
    block.dataset.phase = segmentOf(record, start);
    block.style.flexGrow = t - start;
    bar.append(block);
    start = t;
  }
  return bar;
}
