// Small line charts over time: a band from worst to best sample, the mean, the best, the most likely, the posterior, what needs no model, a hovered sample.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, parent, text) {
  const made = document.createElementNS(SVG, tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

// name -> list over time (null where there is no number), from the rows of one measure.
function seriesOf(record, entry, baselines) {
  const rows = record.rows.map((row, index) => ({ kind: row.kind, values: entry.values[index] }));
  const of = (kind) => rows.filter((row) => row.kind === kind && row.values).map((row) => row.values);
  const samples = of("sample");
  const over = (list, reduce) =>
    Array.from({ length: record.length }, (_, t) => {
      const numbers = list.map((values) => values[t]).filter((value) => value !== null);
      return numbers.length ? reduce(numbers) : null;
    });
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const out = { mean: over(samples, mean) };
  if (samples.length > 1) {
    out.low = over(samples, (numbers) => Math.min(...numbers));
    out.high = over(samples, (numbers) => Math.max(...numbers));
  }
  if (entry.summary && samples.length > 1) out.best = entry.values[entry.summary.best_row];
  if (baselines) out.baselines = of("baseline");
  for (const kind of ["likely", "reference"]) if (of(kind).length) out[kind] = of(kind)[0];
  const others = record.rows.map((row, index) => row.kind === "other" && row.seed !== null && entry.values[index]).filter(Boolean);
  if (others.length) out.other = over(others, mean);
  return out;
}

function niceTicks(low, high, count) {
  const raw = Math.max((high - low) / count, Math.abs(high) * 1e-9) || 1; // smaller steps would change nothing, without end
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= raw);
  const ticks = [];
  for (let v = Math.floor(low / step) * step; v < high + step * 0.999; v += step) ticks.push(Number(v.toFixed(6)));
  return ticks;
}

function pathOf(values, x, y) {
  let path = "";
  let pen = "M";
  values.forEach((value, t) => {
    if (value === null) pen = "M";
    else {
      path += pen + x(t).toFixed(1) + " " + y(value).toFixed(1);
      pen = "L";
    }
  });
  return path;
}

function bandOf(low, high, x, y) {
  const there = low.map((value, t) => t).filter((t) => low[t] !== null);
  const up = there.map((t) => x(t).toFixed(1) + " " + y(high[t]).toFixed(1));
  const down = there.reverse().map((t) => x(t).toFixed(1) + " " + y(low[t]).toFixed(1));
  return up.length > 1 ? "M" + up.concat(down).join("L") + "Z" : "";
}

function runsOf(flags) {
  const runs = [];
  flags.forEach((flag, t) => {
    if (!flag) return;
    const last = runs[runs.length - 1];
    if (last && last[1] === t - 1) last[1] = t;
    else runs.push([t, t]);
  });
  return runs;
}

function decimals(entry) {
  return entry.unit === "dB" ? 1 : 2;
}

// Builds one chart into `host`; returns { show(t), highlight(values or null), frameAt(clientX) }.
function makeChart(host, record, entry, isScore, baselines) {
  const series = seriesOf(record, entry, baselines);
  const width = Math.max(220, host.clientWidth);
  const height = 168;
  const box = { left: 36, right: width - 10, top: 12, bottom: height - 22 };
  const all = Object.values(series).flat(2).filter((value) => value !== null);
  const ticks = all.length ? niceTicks(Math.min(...all), Math.max(...all), 3) : [0, 1];
  const low = ticks[0];
  const high = ticks[ticks.length - 1];
  const last = Math.max(1, record.length - 1);
  const x = (t) => box.left + ((box.right - box.left) * t) / last;
  const y = (value) => box.bottom - ((box.bottom - box.top) * (value - low)) / (high - low || 1);

  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  svg.setAttribute("aria-label", describe(record, entry, series));
  const half = (x(1) - x(0)) / 2;
  const shade = (flags, name, word) => {
    for (const [a, b] of runsOf(flags)) {
      const from = Math.max(box.left, x(a) - half);
      const span = Math.min(box.right, x(b) + half) - from;
      shape("rect", { x: from, y: box.top, width: span, height: box.bottom - box.top, class: name }, svg);
      if (span > 58) shape("text", { x: from + 6, y: box.bottom - 6, class: name + "-word" }, svg, word);
    }
  };
  for (const value of ticks) {
    shape("line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value), class: "vp-grid" }, svg);
    const text = String(Number(value.toFixed(2)));
    shape("text", { x: box.left - 6, y: y(value) + 3.5, class: "vp-tick", "text-anchor": "end" }, svg, text);
  }
  const every = [1, 2, 5, 10, 20, 50].find((step) => (last / step) * 26 < box.right - box.left) || 100;
  for (let t = 0; t <= last; t += every)
    shape("text", { x: x(t), y: height - 6, class: "vp-tick", "text-anchor": "middle" }, svg, String(t));
  shade(record.known, "vp-context", "given");
  if (isScore) shade(record.has_truth.map((has) => !has), "vp-beyond", "no truth");
  for (const event of record.events)
    shape("path", { d: `M${x(event.t)} ${box.top + 1}l-4 -7h8z`, class: "vp-event" }, svg);

  if (series.low) shape("path", { d: bandOf(series.low, series.high, x, y), class: "vp-band" }, svg);
  const line = (values, name) => values && shape("path", { d: pathOf(values, x, y), class: "vp-curve " + name }, svg);
  for (const values of series.baselines || []) line(values, "vp-baseline");
  line(series.reference, "vp-reference");
  line(series.likely, "vp-likely");
  line(series.other, "vp-other");
  line(series.mean, "vp-mean");
  line(series.best, "vp-best");
  const hovered = shape("path", { class: "vp-curve vp-hovered" }, svg);
  const cursor = shape("line", { y1: box.top - 4, y2: box.bottom, class: "vp-cursor" }, svg);
  const dots = ["reference", "likely", "other", "mean", "best"]
    .filter((name) => series[name])
    .map((name) => ({ values: series[name], dot: shape("circle", { r: 3.4, class: "vp-dot vp-" + name }, svg) }));

  const head = node("div", "vp-chart-head");
  const readout = node("span", "vp-readout");
  const title = node("h3", "", plainName(entry.label));
  if (PLAIN[entry.label]) title.title = PLAIN[entry.label][1];
  head.append(title, node("span", "vp-unit", entry.unit), readout);
  host.replaceChildren(head, svg);
  if (entry.summary) host.append(node("p", "vp-chart-foot", averages(entry, series)));

  const places = decimals(entry);
  const say = (values, t) => (values && values[t] !== null ? values[t].toFixed(places) : "\u2013");
  return {
    svg,
    show(t) {
      cursor.setAttribute("x1", x(t));
      cursor.setAttribute("x2", x(t));
      for (const { values, dot } of dots) {
        const there = values[t] !== null;
        dot.style.display = there ? "" : "none";
        if (there) {
          dot.setAttribute("cx", x(t));
          dot.setAttribute("cy", y(values[t]));
        }
      }
      if (record.known[t]) readout.textContent = "given";
      else if (isScore && !record.has_truth[t]) readout.textContent = "no truth";
      else if (series.other) readout.textContent = `A ${say(series.mean, t)}  B ${say(series.other, t)}`;
      else if (series.best) readout.textContent = `best ${say(series.best, t)}  mean ${say(series.mean, t)}`;
      else readout.textContent = say(series.mean, t);
    },
    highlight(values) {
      hovered.setAttribute("d", values ? pathOf(values, x, y) : "");
    },
    frameAt(clientX) {
      const rect = svg.getBoundingClientRect();
      const inside = ((clientX - rect.left) * width) / rect.width;
      return Math.round(((inside - box.left) / (box.right - box.left)) * last);
    },
  };
}

function averages(entry, series) {
  const say = (value) => value.toFixed(decimals(entry) + 1);
  const { best, mean, worst } = entry.summary;
  if (!series.best) return `average ${say(mean)}`;
  return `average: best ${say(best)}, mean ${say(mean)}, worst ${say(worst)}`;
}

function describe(record, entry, series) {
  const numbers = series.mean.filter((value) => value !== null);
  if (!numbers.length) return `${entry.label}: no numbers`;
  const ends = [numbers[0], numbers[numbers.length - 1]].map((value) => value.toFixed(decimals(entry)));
  const span = `from ${ends[0]} to ${ends[1]} ${entry.unit}`.trim();
  return `${entry.label} over ${record.length} frames; the mean of the futures goes ${span}`;
}
