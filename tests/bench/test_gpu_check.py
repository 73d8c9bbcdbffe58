"""The check for GPUs on a CPU: what makes sense there is measured, the rest says why not, and a failure stops nothing."""

import json
from itertools import count

import pytest

from benchmarks import gpu_check, gpu_sections
from benchmarks.gpu_sections import compare_kinds
from vp.core.runtime import Runtime


def test_sections_are_measured_skipped_or_recorded_as_failed_and_the_file_is_written_after_each(tmp_path, monkeypatch):
    path, seen = tmp_path / "found.json", {}

    def fails(setting):
        seen.update(json.loads(path.read_text())["sections"])
        raise RuntimeError("no memory left")

    monkeypatch.setitem(gpu_check.SECTIONS, "yardsticks", fails)
    monkeypatch.setitem(gpu_check.SECTIONS, "trainer", lambda setting: {"wall_ms": 1.0})
    words = ["--device", "cpu", "--quick", "--out", str(path), "--sections", "svg,profile,yardsticks,trainer"]
    found = gpu_check.main(words)
    assert json.loads(path.read_text()) == found and list(seen) == ["svg"]
    sections = found["sections"]
    row = sections["svg"]["1 futures, cpu"]
    assert row["wall_ms"] > 0 and row["stream_ms"] > 0 and row["frames_per_s"] > 0 and row["warnings"] == []
    assert sections["profile"] == {"skipped": "needs a CUDA GPU"}
    assert sections["yardsticks"]["error"] == "RuntimeError: no memory left" and "fails" in sections["yardsticks"]["trace"]
    assert sections["trainer"]["wall_ms"] == 1.0 and set(gpu_check.SECTIONS) > gpu_check.GPU_ONLY


def test_an_unknown_section_is_refused(tmp_path):
    with pytest.raises(SystemExit):
        gpu_check.main(["--sections", "svgs", "--out", str(tmp_path / "none.json")])
    assert not list(tmp_path.iterdir())


def test_frames_that_are_too_far_from_a_cpus_are_not_fine(monkeypatch):
    kinds = dict.fromkeys(("cpu", "graph", "eager", "bf16", "no fused kernels"), Runtime.pick("cpu", "fp32"))
    row = compare_kinds("vpn-conv-mmnist", kinds)
    assert row["fine"] and row["graph_equals_eager"] and row["graph_max"] == row["no fused kernels_mean"] == 0
    call, shift = gpu_sections.prediction_call, count(0, 0.001)  # none for the first, the CPU
    monkeypatch.setattr(gpu_sections, "prediction_call", lambda *words: lambda: call(*words)() + next(shift))
    assert not compare_kinds("vpn-conv-mmnist", kinds)["fine"]
