// What a frame is, in words, and the sentences of the player. Shared by everything below.

const WORDS = {
  context: "given",
  generated: "generated",
  truth: "truth",
  none: "no truth",
  waiting: "not made yet",
};

// What a measure says, for those who do not know its name; shown beside the name.
const PLAIN = {
  PSNR: ["Match of pixels", "Pixel error on a logarithmic scale, in decibels; higher is nearer to the truth."],
  SSIM: ["Match of structure", "Likeness of edges and textures, at most 1; higher is nearer to the truth."],
  "Prior mean (size)": ["Size of the usual choice", "Length of the prior's mean: how far the next frame pulls the model from its middle."],
  "Prior std": ["Room for chance", "Standard deviation of the prior: how open the next frame is to the model."],
  "Posterior mean (size)": ["Size, future seen", "Length of the posterior's mean, read from the true frame."],
  "Posterior std": ["Doubt, future seen", "Standard deviation of the posterior, read from the true frame."],
  "KL(posterior, prior)": ["Surprise", "Divergence of the posterior from the prior: how much the true frame surprises the model."],
};
const plainName = (label) => (PLAIN[label] ? `${PLAIN[label][0]} (${label})` : label);

function phaseOf(record, row, t) {
  if (record.known[t]) return "context";
  if (row.kind === "truth" || row.kind === "picture_truth") return record.has_truth[t] ? "truth" : "none";
  return row.pending || (record.ready && !record.ready[t]) ? "waiting" : "generated";
}

// Rows that need no model are shown when they are asked for.
function isShown(row, baselines) {
  return baselines || row.kind !== "baseline";
}

// What sets a row apart from a prediction, in every place that shows its label.
function titleOf(row) {
  return row.mark ? `${row.label} (${row.mark})` : row.label;
}

function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function segmentOf(record, t) {
  if (record.known[t]) return "context";
  if (!record.has_truth[t]) return "beyond";
  return record.rows.some((row) => row.kind !== "truth") ? "generated" : "truth";
}

function metaOf(record) {
  const past = record.known.filter(Boolean).length;
  const parts = [];
  if (record.samples) parts.push(record.samples === 1 ? "1 future" : `${record.samples} futures`);
  const { prior } = record.options;
  if (prior && prior !== "auto") parts.push(prior.startsWith("posterior") ? prior.replace("-", " ") : `${prior} prior`);
  const marked = record.rows.find((row) => row.kind === "sample" && row.mark);
  if (marked) parts.push(marked.mark);
  const { temperature, pace } = record.options;
  if (temperature !== undefined && record.samples > 1) parts.push(`temperature ${temperature}`);
  if (pace !== undefined && pace !== 1) parts.push(`pace ${pace}`);
  if (record.samples) parts.push(`${past} past \u2192 ${record.length - past} future frames`, `seed ${record.seed}`);
  else parts.push(`${record.length} frames`);
  if (record.seconds) parts.push(`${record.seconds.toFixed(1)} s`);
  return parts.join("  \u00b7  ");
}

function phaseText(record, t, phase) {
  if (phase === "context") return "given to the model (context)";
  const step = record.known.slice(0, t + 1).filter((known) => !known).length;
  const total = record.known.filter((known) => !known).length;
  if (phase === "truth") return "to be predicted";
  return `generated, step ${step} of ${total}` + (phase === "beyond" ? ", no truth" : "");
}

function scoreText(record, index, t, row) {
  if (record.known[t]) return `t = ${t}, given`;
  const scores = Object.values(record.metrics)
    .filter((entry) => entry.values[index] && entry.values[index][t] !== null)
    .map((entry) => `${entry.label} ${entry.values[index][t].toFixed(decimals(entry) + 1)} ${entry.unit}`.trim());
  const seed = row.seed === null ? [] : [`random seed ${row.seed}`];
  return [`t = ${t}, ${WORDS[phaseOf(record, row, t)]}`, ...scores, ...seed].join("  \u00b7  ");
}
