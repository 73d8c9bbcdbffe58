"""Makes everything in assets/ that the app shows before anyone does anything.

    python -m vp.ui.make_examples                       # the example clips, and the finished result of the first
    python -m vp.ui.make_examples --model svg-lp-smmnist --futures 8

Clips come from our own simulators with our own stroke digits; nothing here derives from a data set.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from vp.data import Clip, write_gif, write_mp4
from vp.engine import available, load, sample
from vp.engine.frames import resize
from vp.engine.sheets import encode_png

from .clips import ASSETS, CLIPS, Choice, drawn
from .models import PREFERRED

LENGTH, SIDE, THUMB = 40, 256, 96
# name: (data set, seed, label); in these the digits stay apart at first, and hit a wall among the frames to predict; the arm
# pushes something there
DRAWN = {
    "digits-1": ("smmnist-svg", 192, "2 and 6"),
    "digits-2": ("smmnist-svg", 197, "Two nines"),
    "digits-3": ("smmnist-srvp", 112, "SRVP's law"),
    "digits-4": ("mmnist", 49, "Mirror walls"),
    "push-1": ("push", 7, "A pushing arm"),
    "push-2": ("push", 17, "A fuller bin"),
}
SEED = 1


def balls(length: int = LENGTH, side: int = SIDE) -> Choice:
    """Three coloured balls that bounce on a light ground: a clip that no digit model knows."""
    rng = np.random.default_rng(4)
    colours = [(222, 90, 62), (38, 120, 178), (236, 178, 60)]
    radius = side // 10
    y, x = np.mgrid[:side, :side]
    place, speed = rng.uniform(radius, side - radius, (3, 2)), rng.uniform(-1, 1, (3, 2)) * side / 14
    frames = np.empty((length, side, side, 3), np.uint8)
    for frame in frames:
        frame[:] = (238, 234, 224)
        for centre, colour in zip(place, colours, strict=True):
            inside = radius + 0.5 - np.hypot(x - centre[0], y - centre[1])
            cover = inside.clip(0, 1)[..., None]
            frame[:] = (1 - cover) * frame + cover * colour
        place += speed
        speed = np.where((place < radius) | (place > side - radius), -speed, speed)
        place = place.clip(radius, side - radius)
    return Choice(Clip(frames, 12.0))


def write_clip(name: str, label: str, choice: Choice) -> dict:
    """Writes the mp4 and its thumbnails; the entry for clips.json."""
    frames = choice.clip.frames
    write_mp4(CLIPS / f"{name}.mp4", frames, choice.clip.fps, min_side=SIDE)
    small = resize(frames, THUMB, THUMB)
    (CLIPS / f"{name}.png").write_bytes(encode_png(small[0]))
    write_gif(CLIPS / f"{name}.gif", small[:24], choice.clip.fps)
    files = {"file": f"{name}.mp4", "still": f"{name}.png", "moving": f"{name}.gif"}
    if choice.clip.actions is not None:
        files["actions"] = f"{name}.csv"
        np.savetxt(CLIPS / files["actions"], choice.clip.actions, "%.5f", ",")
    return {"name": name, "label": label, "data": choice.data, **files, "events": [list(event) for event in choice.events]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help=f"predicts the finished example (default: {PREFERRED} where there is one)")
    parser.add_argument("--futures", type=int, default=8)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    CLIPS.mkdir(parents=True, exist_ok=True)
    made = {name: (label, drawn(law, seed, "strokes", LENGTH)) for name, (law, seed, label) in DRAWN.items()}
    made["balls"] = ("Not digits", balls())
    entries = [write_clip(name, label, choice) for name, (label, choice) in made.items()]
    (CLIPS / "clips.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    names = [card["name"] for card in available() if "problem" not in card]
    model = load(args.model or (PREFERRED if PREFERRED in names else names[-1]), args.device)
    first = made[next(iter(made))][1]
    result = sample(model, first.clip, args.futures, seed=SEED, events=first.events)
    paths = result.save(ASSETS / "example")
    size = sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file())
    print(json.dumps({"clips": len(entries), "example": model.name, "files": [p.name for p in paths], "bytes": size}))


if __name__ == "__main__":
    main()
