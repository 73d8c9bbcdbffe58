"""How many kernels a prediction launches on a GPU, by a simulated one: to compare before and after a change, without a GPU.

    python -m benchmarks.kernels                             # every shipped checkpoint, a recipe of families without any
    python -m benchmarks.kernels svg-lp-smmnist ramvid-real  # these checkpoints or recipes; a recipe's weights are untrained
    python -m benchmarks.kernels --precision bf16 --futures 16

One future of one clip by default, known and predicted frames as trained, options as they stand. Of the third prediction of its
kind, the first that is only replayed: `recorded` are nodes of CUDA graphs, `one by one` kernels that Python launches; then how
often the host waits (`syncs`) and copies to or from the GPU (`copies`). `--without-fused` counts without the kernels of
`vp.nn.fused`. The counts are by the model in `benchmarks.kernel_model`, good to compare and no more.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.device_tensor import CUDA
from benchmarks.simulated_cuda import SimulatedCuda
from vp.bench.sampling import apply_switches, load_model_or_recipe, prediction_call
from vp.bench.switches import Switches
from vp.catalog import FAMILIES
from vp.core.runtime import Runtime
from vp.prediction.model import available

COLUMNS = ("recorded", "one by one", "syncs", "copies", "in recordings")


def shipped_or_smallest() -> list[str]:
    """Names of all checkpoints, and of the first recipe of each family without one."""
    trained = [card for card in available() if "config" in card]
    there = {card["family"] for card in trained}
    return [card["name"] for card in trained] + [
        family.recipes[0].name for family in FAMILIES.values() if family.recipes and family.name not in there
    ]


def count(name: str, futures: int, frames: int | None, bf16: bool, fused: bool) -> tuple[str, dict[str, int]]:
    """The family of a model, and COLUMNS -> counts of its third prediction; the last is what must not be in a recording."""
    with SimulatedCuda() as gpu:
        runtime = Runtime(CUDA, bf16, recorder=gpu.record)
        model = load_model_or_recipe(name, runtime)
        apply_switches(model, Switches(fused=fused))
        predict = prediction_call(model, futures, frames or model.predictor.capabilities.trained_future or 10, {})
        for _ in range(2):  # computed, recorded
            predict()
        wrong, replayed, eager = len(gpu.failures), gpu.replayed, gpu.eager
        gpu.events.clear()
        predict()
    counts = (gpu.replayed - replayed, gpu.eager - eager, gpu.count("sync"), gpu.count("host copy"), wrong)
    return model.family.name, dict(zip(COLUMNS, counts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CHECKPOINT", help="checkpoints or recipes (default: see above)")
    parser.add_argument("--futures", type=int, default=1)
    parser.add_argument("--frames", type=int, help="to predict (default: as trained)")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--without-fused", action="store_true")
    args = parser.parse_args()
    print(f"{'family':<14}{'model':<24}" + "".join(f"{column:>15}" for column in COLUMNS))
    for name in args.names or shipped_or_smallest():
        began = time.monotonic()
        torch.manual_seed(0)
        family, counts = count(name, args.futures, args.frames, args.precision == "bf16", not args.without_fused)
        row = "".join(f"{counts[column]:>15,}" for column in COLUMNS)
        print(f"{family:<14}{name:<24}{row}   ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
