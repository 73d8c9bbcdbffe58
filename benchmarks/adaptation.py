"""What does a model gain by learning a clip? It is adapted to the clip's first part and tried on the rest.

    python -m benchmarks.adaptation svg-lp-real --data-root DIR --minutes 2 --json adaptation.json
    python -m benchmarks.adaptation svg-lp-real --data-root DIR --split dev --steps 60
    python -m benchmarks.adaptation svg-lp-real --clips my.mp4 other.mp4

A clip's first 60 % of frames may be learned (the last of them held out, see `vp.training.adapt`). The adapted and the unadapted
model then predict, without chance, up to eight windows evenly spread over the rest, all of whose frames come after what was
learned: mean PSNR in dB of the predicted frames. Clips have a short side of 128 px, 30 frames a second and 300 frames or less.

Without --clips there are ten, fixed by this rule before any was tried: of the sources of `real128` with `split` val in
alphabetical order (capitals first) the first seven, of each the longest clip, the first by name where several are as long;
the files of KTH's persons 07 and 09; and the first by name of Georgia Tech's person 3. Settings are chosen on `--split dev`: the
same rule for the sources of split dev, and none of the others.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vp.core.cpu_fast import keep_big_buffers
from vp.core.predictor import seed_grid
from vp.core.video import Batch, Observation
from vp.data import Clip, read_clip
from vp.metrics import CAP_ANY_SIZE_DB, psnr
from vp.prediction.model import Model, load
from vp.prediction.rows import most_likely_options
from vp.training.adapt import adapt
from vp.training.clip_windows import pixels

LEARNED, WINDOWS, SOURCES = 0.6, 8, 7


def fixed_clips(root: Path, split: str) -> list[Path]:
    """The files of the rule above.

    Raises:
        ValueError: the data are not there.
    """
    index = root / "real128" / "index.csv"
    if not index.is_file():
        raise ValueError(f"{index} does not exist; give the folder that holds real128, kth and gatech_actions by --data-root")
    with index.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    chosen = []
    for source in sorted({row["source"] for row in rows})[:SOURCES]:
        longest = min((row for row in rows if row["source"] == source), key=lambda row: (-int(row["frames"]), row["file"]))
        chosen.append(root / "real128" / longest["file"])
    if split != "val":
        return chosen
    people = [path for person in ("07", "09") for path in sorted((root / "kth").glob(f"person{person}_*"))]
    return [*chosen, *people, *sorted((root / "gatech_actions").glob("*P3T*.avi"))[:1]]


def compare(model: Model, clip: Clip, minutes: float, steps: int | None, seed: int) -> dict[str, Any]:
    """One clip's row: PSNR in dB after the part that was learned, unadapted and adapted, and how it was adapted."""
    until = round(LEARNED * len(clip.frames))
    adaptation = adapt(model, clip, minutes, until, seed, steps)
    for _ in adaptation:
        pass
    card = adaptation.model.card["adapted"]
    before, after = (score(each, clip.frames[until:]) for each in (model, adaptation.model))
    numbers = {"before": round(before, 3), "after": round(after, 3), "gain": round(after - before, 3)}
    how = {name: card[name] for name in ("held_out_db", "steps", "minutes")}
    return {**numbers, **how, "taken": adaptation.step, "frames": len(clip.frames), "until": until}


def score(model: Model, frames: np.ndarray) -> float:
    """Mean PSNR in dB of what the model predicts without chance of windows of frames uint8 (T, H, W, C)."""
    capabilities, predictor = model.predictor.capabilities, model.predictor
    past, length = capabilities.trained_past, capabilities.trained_past + capabilities.trained_future
    shown = pixels(frames, capabilities)
    if len(shown) < length:
        raise ValueError(f"{len(shown)} frames are left to predict and a window has {length}; give a longer clip")
    starts = np.unique(np.linspace(0, len(shown) - length, WINDOWS).round().astype(int)).tolist()
    truth = Batch(torch.stack([shown[t : t + length] for t in starts])).to("cpu").frames
    options = predictor.options_type()
    options = most_likely_options(predictor, options) or options
    made = predictor.predict(Observation.prefix(truth, past), seed_grid(0, len(truth), 1), options).frames[:, 0]
    return float(psnr(made[:, past:], truth[:, past:], cap=CAP_ANY_SIZE_DB).mean())


def summary(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    gains = [row["gain"] for row in rows.values()]
    return {"mean_gain": round(float(np.mean(gains)), 3), "better": sum(gain > 0 for gain in gains), "worst": min(gains)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model's name or a .safetensors file")
    parser.add_argument("--clips", nargs="+", type=Path, metavar="FILE", help="video files instead of the fixed ones")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="folder that holds real128, kth and gatech_actions")
    parser.add_argument("--split", choices=("val", "dev"), default="val")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--steps", type=int, help="budget in steps instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="of the CPU (default: one a core)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    keep_big_buffers()
    rows: dict[str, dict[str, Any]] = {}
    try:
        if not args.clips and not args.data_root:
            raise ValueError("neither --clips nor --data-root came; give video files, or the folder of the data")
        model = load(args.model)
        for path in args.clips or fixed_clips(args.data_root, args.split):
            row = compare(model, read_clip(path, max_fps=30), args.minutes, args.steps, args.seed)
            rows[f"{path.parent.name}/{path.name}"] = row
            print(
                f"{path.stem:34} {row['before']:6.2f} -> {row['after']:6.2f} dB ({row['gain']:+.2f}), {row['steps']} steps",
                flush=True,
            )
    except ValueError as error:
        parser.error(str(error))
    whole = summary(rows)
    print(f"{'mean':34} {whole['mean_gain']:+.2f} dB, better on {whole['better']} of {len(rows)}, worst {whole['worst']:+.2f}")
    result = {"model": args.model, "minutes": args.minutes, "steps": args.steps, "seed": args.seed, **whole, "clips": rows}
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
