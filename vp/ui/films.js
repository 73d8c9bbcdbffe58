// before the code of a panel with films, whose `value` is what the server has sent
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const node = (tag, name, text) => Object.assign(document.createElement(tag), { className: name || "", textContent: text || "" });
const large = () => Math.max(value.width, value.height) > 100;
const frameOf = (context, image, t, x, y, w, h) => {
  context.imageSmoothingEnabled = large() || w < value.width;
  const column = t % value.columns, line = Math.floor(t / value.columns);
  context.drawImage(image, column * value.width, line * value.height, value.width, value.height, x, y, w, h);
};
function turnPlayer(t) { // the player's cursor follows where it shows as many frames
  const range = document.querySelector("#player .vp-scrub .vp-range");
  if (!range || Number(range.max) !== value.length - 1) return;
  range.value = t;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}
