// Two small charts of what several futures say together: the best of N against N, and the rank of the truth among them.

function makeEnsemble(host, record) {
  const facts = record.ensemble || {};
  const score = record.metrics.psnr_db && facts.best_of && facts.best_of.psnr_db;
  if (score) host.append(bestOfChart(score, record.metrics.psnr_db.unit));
  if (facts.ranks) host.append(rankChart(facts.ranks));
}

function smallChart(title, unit, label, foot) {
  const place = node("div", "vp-chart");
  const head = node("div", "vp-chart-head");
  head.append(node("h3", "", title), node("span", "vp-unit", unit));
  const svg = shape("svg", { viewBox: "0 0 400 168", role: "img", class: "vp-small" });
  svg.setAttribute("aria-label", label);
  place.append(head, svg, node("p", "vp-chart-foot", foot));
  return { place, svg, box: { left: 36, right: 390, top: 12, bottom: 146 } };
}

function bestOfChart(values, unit) {
  const [first, last] = [values[0], values[values.length - 1]];
  const gained = `${(last - first).toFixed(1)} ${unit}`;
  const foot = `One future: ${first.toFixed(1)} ${unit} in the mean. Choosing the best of ${values.length} with the truth adds ${gained}.`;
  const { place, svg, box } = smallChart("Best of N against N", unit, foot, foot);
  const ticks = niceTicks(Math.min(...values), Math.max(...values), 3);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const x = (k) => box.left + ((box.right - box.left) * k) / (values.length - 1);
  const y = (value) => box.bottom - ((box.bottom - box.top) * (value - low)) / (high - low || 1);
  for (const value of ticks) {
    shape("line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value), class: "vp-grid" }, svg);
    shape("text", { x: box.left - 6, y: y(value) + 3.5, class: "vp-tick", "text-anchor": "end" }, svg, String(Number(value.toFixed(2))));
  }
  for (const k of [...new Set([0, values.length >> 1, values.length - 1])])
    shape("text", { x: x(k), y: 162, class: "vp-tick", "text-anchor": "middle" }, svg, String(k + 1));
  shape("path", { d: pathOf(values.map(() => first), x, y), class: "vp-curve vp-mean" }, svg);
  shape("path", { d: pathOf(values, x, y), class: "vp-curve vp-best" }, svg);
  return place;
}

function rankChart(shares) {
  const even = 1 / shares.length;
  const outside = shares[0] + shares[shares.length - 1];
  const said = `The truth is brighter or darker than every future at ${Math.round(100 * outside)} % of the pixels that change; ${Math.round(200 * even)} % would be right.`;
  const { place, svg, box } = smallChart("Rank of the truth among the futures", "", said, said);
  const high = Math.max(...shares, 2 * even);
  const wide = (box.right - box.left) / shares.length;
  const y = (value) => box.bottom - ((box.bottom - box.top) * value) / high;
  shares.forEach((share, k) =>
    shape("rect", { x: box.left + k * wide + 1, y: y(share), width: Math.max(1, wide - 2), height: box.bottom - y(share), class: "vp-rank" }, svg));
  shape("line", { x1: box.left, x2: box.right, y1: y(even), y2: y(even), class: "vp-even" }, svg);
  shape("text", { x: box.left, y: 162, class: "vp-tick" }, svg, "below all");
  shape("text", { x: box.right, y: 162, class: "vp-tick", "text-anchor": "end" }, svg, "above all");
  return place;
}
