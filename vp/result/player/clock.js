// Playing: advances the frame at the record's rate times the chosen speed.

function makeClock(root, state, go) {
  const find = (selector) => root.querySelector(selector);
  let playing = false;
  let once = false;
  let last = 0;

  const atEnd = () => state.t >= state.record.length - 1;
  const loops = () => !once && find(".vp-loop").getAttribute("aria-pressed") === "true";

  function show() {
    find(".vp-play").setAttribute("aria-label", playing ? "Pause" : "Play");
    root.dataset.playing = String(playing);
  }

  function pause() {
    playing = false;
    show();
  }

  function tick(now) {
    if (!playing) return;
    const step = 1000 / (state.record.fps * Number(find(".vp-speed select").value));
    if (now - last >= step) {
      last = now - last > 4 * step ? now : last + step; // a hidden tab does not catch up
      if (!atEnd()) go(state.t + 1);
      else if (loops()) go(0);
      else return pause();
    }
    requestAnimationFrame(tick);
  }

  function play(justOnce) {
    if (playing || !state.record || state.record.length < 2) return;
    playing = true;
    once = justOnce;
    if (once || atEnd()) go(0);
    show();
    last = performance.now();
    requestAnimationFrame(tick);
  }

  return { play, pause, toggle: () => (playing ? pause() : play(false)) };
}
