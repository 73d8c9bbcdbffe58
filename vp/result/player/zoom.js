// The zoom: one row beside the truth and, in a comparison, beside the row of the other result, with differences and a wipe.

const ENLARGED = 5;
const WIDEST = 1280; // px: large frames are enlarged less, or not at all

function makeZoom(dialog, state) {
  const find = (selector) => dialog.querySelector(selector);
  const wipe = find(".vp-loupe-wipe");
  let lenses = [];
  let index = 0;

  // how: "plain" shows one row, "difference" that of two, "wipe" the first left of a line and the second right of it
  function lens(label, how, rows) {
    const figure = node("figure");
    figure.dataset.kind = how === "plain" ? rows[0].kind : how;
    const canvas = node("canvas");
    const { width, height } = state.record.frame;
    const zoom = Math.max(1, Math.min(ENLARGED, Math.floor(WIDEST / Math.max(width, height))));
    canvas.width = width * zoom;
    canvas.height = height * zoom;
    figure.append(canvas, node("figcaption", "", label));
    return { figure, canvas, context: canvas.getContext("2d"), how, rows };
  }

  const plain = (row) => lens(titleOf(row), "plain", [row]);

  function lensesOf(row) {
    const { rows } = state.record;
    const truth = rows.find((other) => other.kind === (row.kind === "picture" ? "picture_truth" : "truth"));
    const pair = pairOf(state.record, row);
    if (pair && truth) {
      return [plain(truth), ...pair.map(plain), lens("A less B", "difference", pair), lens("A left of the line, B right of it", "wipe", pair)];
    }
    if (!truth || ["truth", "uncertainty", "picture_truth"].includes(row.kind)) return [plain(row)];
    return [plain(truth), plain(row), lens("Difference", "difference", [truth, row])];
  }

  function open(chosen) {
    index = chosen;
    const row = state.record.rows[index];
    lenses = lensesOf(row);
    wipe.parentElement.hidden = !lenses.some((one) => one.how === "wipe");
    find(".vp-loupe-title").textContent = titleOf(row);
    find(".vp-loupe-note").textContent = row.note;
    find(".vp-loupe-views").replaceChildren(...lenses.map((one) => one.figure));
    dialog.showModal();
    draw();
  }

  function draw() {
    if (!dialog.open) return;
    const { record, sheets, t } = state;
    for (const { figure, context, canvas, how, rows } of lenses) {
      const phases = rows.map((row) => phaseOf(record, row, t));
      const missing = phases.find((phase) => phase === "none" || phase === "waiting");
      figure.dataset.phase = missing || (how === "plain" ? phases[0] : "");
      context.globalCompositeOperation = "source-over";
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (missing) continue;
      const fill = (row) => paint(context, record, sheets, row, t, 0, 0, canvas.width, canvas.height);
      fill(rows[0]);
      if (how === "difference") {
        context.globalCompositeOperation = "difference";
        fill(rows[1]);
      } else if (how === "wipe") wipeIn(context, canvas, () => fill(rows[1]));
    }
    find(".vp-loupe-score").textContent = scoreText(record, index, t, record.rows[index]);
  }

  function wipeIn(context, canvas, fill) {
    const from = Math.round(Number(wipe.value) * canvas.width);
    context.save();
    context.beginPath();
    context.rect(from, 0, canvas.width - from, canvas.height);
    context.clip();
    fill();
    context.restore();
    context.fillStyle = "#fff";
    context.fillRect(from - 1, 0, 2, canvas.height);
  }

  wipe.addEventListener("input", draw);
  return { open, draw, close: () => dialog.close() };
}

// [row of A, row of B] that belong together in a comparison: the k-th future of either, or both most likely ones; null elsewhere.
function pairOf(record, row) {
  const isLikely = (one) => one.seed === null;
  const others = record.rows.filter((one) => one.kind === "other");
  if (!others.length) return null;
  const sides = [record.rows.filter((one) => one.kind === "sample"), others.filter((one) => !isLikely(one))];
  const likely = [record.rows.find((one) => one.kind === "likely"), others.find(isLikely)];
  if (likely.includes(row)) return likely[0] && likely[1] ? likely : null;
  const place = Math.max(sides[0].indexOf(row), sides[1].indexOf(row));
  return place < 0 || !sides[0][place] || !sides[1][place] ? null : [sides[0][place], sides[1][place]];
}
