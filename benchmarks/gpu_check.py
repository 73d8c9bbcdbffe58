"""Everything that only a GPU can tell, in one command: is it right there, how fast, and what does it wait for?

    python -m benchmarks.gpu_check --out gpu_check.json
    python -m benchmarks.gpu_check --quick                      # a smoke test
    python -m benchmarks.gpu_check --sections parity,fused
    python -m benchmarks.gpu_check --device cpu --quick         # what makes sense without a GPU

The file is written anew after every section, so that a run that is cut off keeps what it has. A section that fails is recorded
with its error, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from benchmarks import gpu_sections
from benchmarks.gpu_sections import Setting
from vp.core.cpu_fast import keep_big_buffers
from vp.core.runtime import Runtime

# in this order: what tells most first
SECTIONS = {
    section.__name__: section
    for section in (
        gpu_sections.calibrate, gpu_sections.tests, gpu_sections.parity, gpu_sections.fused, gpu_sections.svg,
        gpu_sections.ramvid, gpu_sections.svg_real, gpu_sections.yardsticks, gpu_sections.trainer, gpu_sections.profile,
        gpu_sections.syncs, gpu_sections.pinning,
    )
}  # fmt: skip
GPU_ONLY = {"tests", "parity", "fused", "profile", "syncs", "pinning"}


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Runs the sections that are asked for, and returns what the file holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu_check.json"), metavar="FILE")
    parser.add_argument("--sections", default=",".join(SECTIONS), metavar="A,B", help=f"of: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="fewer models, sizes and repeats")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    args = parser.parse_args(words)
    names = args.sections.split(",")
    if unknown := sorted(set(names) - set(SECTIONS)):
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    try:
        runtime = Runtime.pick(args.device)
    except ValueError as error:
        parser.error(str(error))
    keep_big_buffers()
    setting = Setting(runtime.device, args.quick)
    found: dict[str, Any] = {"machine": runtime.describe(), "quick": args.quick, "sections": {}}
    for name in (name for name in SECTIONS if name in names):
        found["sections"][name] = run_section(name, setting)
        write(args.out, found)
        print(name, json.dumps(found["sections"][name], default=str)[:2000], flush=True)
    return found


def run_section(name: str, setting: Setting) -> dict[str, Any]:
    """What a section found and its `seconds`, or why there is nothing: `skipped` or `error`."""
    if name in GPU_ONLY and not setting.cuda:
        return {"skipped": "needs a CUDA GPU"}
    began = time.monotonic()
    try:
        row = SECTIONS[name](setting)
    except Exception as error:
        row = {"error": f"{type(error).__name__}: {error}"[:500], "trace": traceback.format_exc()[-2000:]}
    if setting.cuda:
        torch.cuda.empty_cache()
    return {**row, "seconds": round(time.monotonic() - began, 1)}


def write(path: Path, found: dict[str, Any]) -> None:
    """Replaces the file as a whole, so that it is never half written."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    main()
