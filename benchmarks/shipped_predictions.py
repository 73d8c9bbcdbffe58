"""What every shipped checkpoint predicts of an example clip, in few numbers: no change of the code changes that unseen.

    python -m benchmarks.shipped_predictions          # compares with tests/contract/shipped_predictions.json; 1 where they differ
    python -m benchmarks.shipped_predictions --write  # writes it anew: after a checkpoint was replaced, and for no other reason

The last frame of two futures, computed in fp32 on the CPU, as means over a grid of 6x6. Processors round differently, so numbers
(0 to 255) may differ by TOLERANCE.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from vp.prediction.checkpoint import FOLDER
from vp.prediction.model import load
from vp.prediction.sample import sample
from vp.ui.clips import load_example

KEPT = Path(__file__).parent.parent / "tests" / "contract" / "shipped_predictions.json"
CLIPS = {"push": "push-1", "smmnist": "digits-1", "mmnist": "digits-4"}  # end of a checkpoint's name -> the clip; others: OTHERS
OTHERS = "signing"
GRID, FUTURES, SEED, TOLERANCE = 6, 2, 7, 1.0


def shipped() -> list[str]:
    """Names of the checkpoints, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def numbers(name: str) -> list[float]:
    """GRID * GRID * FUTURES means over places of the last frame, row by row; the same again for a deterministic model."""
    clip = load_example(CLIPS.get(name.rpartition("-")[2], OTHERS))
    result = sample(load(name, "cpu", "fp32"), clip, FUTURES, seed=SEED)
    frames = [row.frames[-1].mean(-1) for row in result.rows if row.kind == "sample"]
    places = [cv2.resize(frame, (GRID, GRID), interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack(places).round(2).ravel().tolist()


def within_tolerance(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and bool(np.abs(np.subtract(one, other)).max() <= TOLERANCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep what is predicted now")
    args = parser.parse_args()
    now = {name: numbers(name) for name in shipped()}
    if args.write:
        KEPT.write_text(json.dumps(now).replace("], ", "],\n") + "\n")
        return
    kept = json.loads(KEPT.read_text())
    changed = [name for name in now.keys() | kept.keys() if not within_tolerance(now.get(name, []), kept.get(name, []))]
    print(f"changed: {', '.join(sorted(changed))}" if changed else f"{len(now)} checkpoints predict what they did")
    sys.exit(bool(changed))


if __name__ == "__main__":
    main()
