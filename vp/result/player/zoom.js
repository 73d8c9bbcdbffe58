// The zoom: one row beside the truth, and the difference of the two.

const ENLARGED = 5;
const WIDEST = 1280; // px: large frames are enlarged less, or not at all

function makeZoom(dialog, state) {
  const find = (selector) => dialog.querySelector(selector);
  let lenses = [];
  let index = 0;

  function lens(label, kind, row) {
    const figure = node("figure");
    figure.dataset.kind = kind;
    const canvas = node("canvas");
    const { width, height } = state.record.frame;
    const zoom = Math.max(1, Math.min(ENLARGED, Math.floor(WIDEST / Math.max(width, height))));
    canvas.width = width * zoom;
    canvas.height = height * zoom;
    figure.append(canvas, node("figcaption", "", label));
    return { figure, canvas, context: canvas.getContext("2d"), row };
  }

  function open(chosen) {
    index = chosen;
    const { rows } = state.record;
    const row = rows[index];
    const truth = rows.find((other) => other.kind === (row.kind === "picture" ? "picture_truth" : "truth"));
    const compare = truth && !["truth", "uncertainty", "picture_truth"].includes(row.kind);
    const views = compare ? [truth, row] : [row];
    lenses = views.map((view) => lens(titleOf(view), view.kind, view));
    if (compare) lenses.push(lens("Difference", "difference", null));
    find(".vp-loupe-title").textContent = titleOf(row);
    find(".vp-loupe-note").textContent = row.note;
    find(".vp-loupe-views").replaceChildren(...lenses.map((one) => one.figure));
    dialog.showModal();
    draw();
  }

  function draw() {
    if (!dialog.open) return;
    const { record, sheets, t } = state;
    for (const { figure, context, canvas, row } of lenses) {
      const layers = row ? [row] : lenses.filter((one) => one.row).map((one) => one.row);
      const phases = layers.map((layer) => phaseOf(record, layer, t));
      const missing = phases.find((phase) => phase === "none" || phase === "waiting");
      figure.dataset.phase = missing || (row ? phases[0] : "");
      context.globalCompositeOperation = "source-over";
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (missing) continue;
      for (const layer of layers) {
        paint(context, record, sheets, layer, t, 0, 0, canvas.width, canvas.height);
        context.globalCompositeOperation = "difference";
      }
    }
    find(".vp-loupe-score").textContent = scoreText(record, index, t, record.rows[index]);
  }

  return { open, draw, close: () => dialog.close() };
}
