"""Makes everything in assets/ that the app shows before a visitor does anything.

    python -m vp.ui.make_examples                       # the example clips, and the finished result that the page opens with
    python -m vp.ui.make_examples --model svg-lp-smmnist --clip digits-1 --futures 8

Simulated clips come from our own simulators with our own stroke digits. Filmed clips come from the split "example" of real128,
which is never trained on or used for model selection, and only from clips under CC BY 4.0 or CC0; where real128 is not
available, those in assets/ stay as they are. assets/README.md names their authors.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import numpy as np

from vp.data import DATASETS, Clip, Framing, write_gif, write_mp4
from vp.data.video_file import centre_square
from vp.prediction.known_frames import resize
from vp.prediction.model import available, load
from vp.prediction.sample import sample
from vp.result.sprite_sheet import encode_png

from .clips import ASSETS, CLIPS, examples, load_example, simulate_clip
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
DRAWN_DATA = {data for data, *_ in DRAWN.values()}
SEED = 1


@dataclass(frozen=True)
class Filmed:
    """A filmed example: `file` of real128, its frames from index `first` on, cropped to columns [left, right), and its
    credit."""

    label: str
    file: str
    first: int
    credit: str
    left: int = 0
    right: int | None = None


INTEL, MDN = "Intel IoT sample videos, CC BY 4.0", "MDN learning area, CC0"
FILMED = {
    "worker": Filmed("A worker", "intel/intel_0005.mp4", 4, INTEL),
    "fruit": Filmed("On a belt", "intel/intel_0016.mp4", 0, INTEL),
    "glass": Filmed("Glass flower", "mdn/mdn_0001.mp4", 20, MDN),
    "signing": Filmed("A sign", "intel/intel_0009.mp4", 18, INTEL, 46, 126),
}


def bouncing_balls(length: int = LENGTH, side: int = SIDE) -> Clip:
    """A clip of three coloured balls that bounce on a light ground, unlike the data of any digit model."""
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
    return Clip(frames, 12.0)


def load_filmed_clip(name: str) -> Clip | None:
    """The clip of one of `FILMED`; None where real128 is not available."""
    about = FILMED[name]
    try:
        recordings = DATASETS["real128"].recordings("real128", "example", None)
    except ValueError:
        return None
    recording = next(recording for recording in recordings if recording.name == about.file)
    frames = recording.load(Framing(short_side=128)).frames[about.first :][:LENGTH, :, about.left : about.right]
    return Clip(np.ascontiguousarray(frames), recording.fps)


def write_clip(name: str, label: str, clip: Clip, credit: str = "") -> dict:
    """Writes the mp4, its thumbnails and actions into assets/clips; returns the entry for clips.json."""
    frames = clip.frames
    write_mp4(CLIPS / f"{name}.mp4", frames, clip.fps, min_side=0 if credit else SIDE)
    small = resize(np.stack([centre_square(frame) for frame in frames]), THUMB, THUMB)
    (CLIPS / f"{name}.png").write_bytes(encode_png(small[0]))
    write_gif(CLIPS / f"{name}.gif", small[:24], clip.fps)
    files = {"file": f"{name}.mp4", "still": f"{name}.png", "moving": f"{name}.gif"}
    if credit:
        files["credit"] = credit
    if clip.actions is not None:
        files["actions"] = f"{name}.csv"
        np.savetxt(CLIPS / files["actions"], clip.actions, "%.5f", ",")
    return {"name": name, "label": label, "data": clip.data, **files, "events": [list(event) for event in clip.events]}


def main() -> None:
    """Writes all example clips and the finished result that the page opens with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help=f"predicts the finished example (default: {PREFERRED} where there is one)")
    parser.add_argument("--clip", help="the example that is predicted (default: worker, or digits-1 for a model of digits)")
    parser.add_argument("--futures", type=int, default=8)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    CLIPS.mkdir(parents=True, exist_ok=True)
    made = {name: (label, simulate_clip(law, seed, "strokes", LENGTH)) for name, (law, seed, label) in DRAWN.items()}
    made["balls"] = ("Not digits", bouncing_balls())
    entries = []
    for name, about in FILMED.items():
        clip = load_filmed_clip(name)
        entries += [write_clip(name, about.label, clip, about.credit) if clip else examples()[name]]
    entries += [write_clip(name, label, clip) for name, (label, clip) in made.items()]
    (CLIPS / "clips.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    names = [card.name for card in available() if not card.problem]
    model = load(args.model or (PREFERRED if PREFERRED in names else names[-1]), args.device)
    shown = args.clip or ("digits-1" if set(model.card.datasets) & DRAWN_DATA else "worker")
    first = load_example(shown)
    result = sample(model, first, args.futures, seed=SEED)
    paths = result.save(ASSETS / "example", lossless=False)
    size = sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file())
    print(json.dumps({"clips": len(entries), "example": model.name, "files": [p.name for p in paths], "bytes": size}))


if __name__ == "__main__":
    main()
