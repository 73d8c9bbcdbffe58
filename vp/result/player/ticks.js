// The ticks under the timeline: which frames the model will be given. `plan` is null where they cannot be chosen, or the
// known frames as an array of 0 and 1; `changed(plan)` is called when a person has ticked.

function makeTicks(host, changed) {
  const row = host.querySelector(".vp-tick-row");
  const note = host.querySelector(".vp-tick-note");
  let plan = null;
  let painting = null; // while the pointer is down: the value it paints

  function show(next) {
    plan = next && [...next];
    host.hidden = !plan;
    if (!plan) return;
    if (row.children.length === plan.length) plan.forEach((known, t) => mark(row.children[t], known)); // focus stays
    else row.replaceChildren(...plan.map((known, t) => tick(known, t)));
    row.style.setProperty("--count", plan.length);
    say();
  }

  function tick(known, t) {
    const button = node("button", "vp-given");
    button.type = "button";
    button.dataset.t = t;
    mark(button, known);
    return button;
  }

  function mark(button, known) {
    button.setAttribute("aria-pressed", String(Boolean(known)));
    button.setAttribute("aria-label", `frame ${button.dataset.t} ${known ? "given" : "to predict"}`);
    button.title = button.getAttribute("aria-label");
  }

  function say() {
    const given = plan.filter(Boolean).length;
    note.textContent = `Given to the model: ${given} of ${plan.length} frames. Click, or drag across, to change.`;
  }

  function set(t, known) {
    if (!plan || !(t in plan) || Boolean(plan[t]) === Boolean(known)) return;
    plan[t] = Number(known);
    mark(row.children[t], known);
    say();
  }

  function done() {
    if (painting === null) return;
    painting = null;
    changed([...plan]);
  }

  row.addEventListener("pointerdown", (event) => {
    const button = event.target.closest(".vp-given");
    if (!button) return;
    painting = !plan[button.dataset.t];
    set(Number(button.dataset.t), painting);
  });
  row.addEventListener("pointermove", (event) => {
    if (painting === null) return;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const button = under && under.closest(".vp-given");
    if (button && row.contains(button)) set(Number(button.dataset.t), painting);
  });
  document.addEventListener("pointerup", done);
  row.addEventListener("click", (event) => {
    const button = event.target.closest(".vp-given");
    if (!button || event.detail) return; // clicks of a pointer were painted; those of a key come without a count
    set(Number(button.dataset.t), !plan[button.dataset.t]);
    changed([...plan]);
  });

  return { show };
}
