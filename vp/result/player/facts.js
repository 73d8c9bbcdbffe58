// Legend and table of a record: what the charts show, for reading.

function hasCharts(record) {
  return Object.keys(record.metrics).length + Object.keys(record.traces).length > 0;
}

function legendItems(record, baselines) {
  if (!hasCharts(record)) return [];
  const several = record.samples > 1;
  const reference = record.rows.find((row) => row.kind === "reference");
  const curves = {
    best: several && Object.keys(record.metrics).length > 0 && `best of ${record.samples}, chosen with the truth`,
    mean: several ? "mean score of the futures" : "the prediction",
    other: record.rows.some((row) => row.kind === "other") && "mean of B's futures; all other curves are A's",
    band: several && "worst to best",
    likely: record.rows.some((row) => row.kind === "likely") && "most likely, without chance",
    reference: reference && `${reference.label.toLowerCase()}, sees the future`,
    baseline: baselines && Object.keys(record.metrics).length > 0 && "baselines: copying, optical flow",
    event: record.events.length > 0 && record.events[0].label,
  };
  return Object.entries(curves)
    .filter(([, text]) => text)
    .map(([name, text]) => {
      const item = node("li", "", text);
      item.dataset.curve = name;
      return item;
    });
}

function tableColumns(record) {
  const columns = [];
  const reference = record.rows.find((row) => row.kind === "reference");
  for (const entry of Object.values({ ...record.metrics, ...record.traces })) {
    const series = seriesOf(record, entry);
    for (const [name, word] of [["best", "best"], ["mean", "mean"], ["other", "mean of B"], ["likely", "most likely"], ["reference", reference && reference.label.toLowerCase()]])
      if (series[name]) columns.push({ title: `${entry.label} ${word}`, values: series[name], places: decimals(entry) + 1 });
  }
  for (const entry of Object.values(record.metrics))
    for (const [index, row] of record.rows.entries())
      if (row.kind === "baseline" && entry.values[index])
        columns.push({ title: `${entry.label} ${row.label.toLowerCase()}`, values: entry.values[index], places: decimals(entry) + 1 });
  return columns;
}

function numbersTable(record, columns) {
  const table = node("table");
  const head = table.createTHead().insertRow();
  for (const title of ["t", "frame", ...columns.map((column) => column.title)]) {
    const cell = node("th", "", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (let t = 0; t < record.length; t++) {
    const row = body.insertRow();
    row.insertCell().textContent = t;
    row.insertCell().textContent = WORDS[segmentOf(record, t)] || "no truth";
    for (const { values, places } of columns)
      row.insertCell().textContent = values[t] === null ? "" : values[t].toFixed(places);
  }
  return table;
}

function tracePicker(record, chosen) {
  const select = node("select", "vp-trace");
  select.setAttribute("aria-label", "Trace");
  for (const [name, entry] of Object.entries(record.traces))
    select.append(new Option(plainName(entry.label), name, false, name === chosen));
  return select;
}
