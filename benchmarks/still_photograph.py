"""Does what stands still stay still? A clip's first frame, repeated, is predicted; PSNR of every future against it.

python -m benchmarks.still_photograph svg-lp-real assets/clips/worker.mp4 assets/clips/fruit.mp4
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from vp.data import Clip, read_clip
from vp.prediction.model import Model, load
from vp.prediction.sample import sample

LENGTH, FUTURES = 15, 4
CAP_DB = 100.0  # of frames that do not differ


def stillness(model: Model, path: Path) -> dict[str, list[float]]:
    """Kind of row -> PSNR (dB) of each over all frames to predict."""
    frames = np.repeat(read_clip(path).frames[:1], LENGTH, 0)
    result = sample(model, Clip(frames, 10.0), FUTURES, seed=1)
    future = ~result.known
    truth = result.frames("truth")[0][future].astype(float)
    out = {}
    for kind in ("sample", "likely"):
        errors = [np.square(row[future] - truth).mean() / 255**2 for row in result.frames(kind).astype(float)]
        out[kind] = [round(float(min(CAP_DB, -10 * np.log10(max(error, 1e-10)))), 1) for error in errors]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("clips", nargs="+", type=Path)
    args = parser.parse_args()
    model = load(args.model)
    print(json.dumps({path.stem: stillness(model, path) for path in args.clips}))


if __name__ == "__main__":
    main()
