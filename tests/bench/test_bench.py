"""Timings: configurations apart from each other, switches that switch, fits with known answers."""

import os
import sys

import pytest
import torch
from torch import nn

from vp.bench import growth, training
from vp.bench.growth import growth_exponent
from vp.bench.sampling import load_model_or_recipe, prediction_call, time_prediction, time_sheets
from vp.bench.start import time_command
from vp.bench.switches import Switches
from vp.bench.training import time_step
from vp.core.runtime import Runtime
from vp.nn.conv_lstm import ConvLSTMCell
from vp.nn.group_norm import GroupNorm
from vp.training.timing import run_in_fresh_process, run_in_rounds, time_calls, timing_summary, with_speedups

CPU = Runtime(torch.device("cpu"), False)
WISH = {"futures": 2, "frames": 3, "repeats": 1, "device": "cpu", "precision": "fp32", "options": {}}


def whose(words: str) -> dict[str, int]:
    if not words:
        raise ValueError("no words came")
    return {"process": os.getpid()}


def test_a_task_runs_in_a_process_of_its_own_and_its_refusal_comes_back():
    row = run_in_fresh_process(whose, words="x")
    assert row["process"] != os.getpid() and row["peak_mb"] > 50
    with pytest.raises(ValueError, match="no words came"):
        run_in_fresh_process(whose, words="")


def test_the_median_is_of_the_repeats_and_not_of_the_warm_up():
    calls = []
    row = time_calls(lambda: calls.append(len(calls)), 3, torch.device("cpu"), warmup=2)
    assert len(calls) == 5 and row["repeats"] == 3 and row["min_s"] <= row["median_s"] <= row["max_s"]
    assert with_speedups({"a": {"median_s": 3.0}, "b": {"median_s": 1.5}}, "a")["b"]["speedup"] == 2.0


def test_rounds_go_through_all_rows_in_turn_and_are_pooled():
    order, seconds = [], iter([1.0, 5.0, 2.0, 6.0, 9.0, 7.0])
    tasks = {
        label: lambda label=label: order.append(label) or timing_summary([next(seconds)]) | {"kept": label} for label in "ab"
    }
    rows = run_in_rounds(tasks, 3)
    assert order == list("ababab")
    assert rows["a"] == {"median_s": 2.0, "min_s": 1.0, "max_s": 9.0, "repeats": 3, "kept": "a"}
    assert rows["b"]["median_s"] == 6.0


def test_each_switch_is_off_once_and_those_that_change_nothing_are_left_out():
    rows = dict(Switches.rows(Runtime(torch.device("cpu"), True)))
    assert rows["plain"] == Switches(*[False] * 8) and rows["all"] == Switches()
    assert [sum(vars(row).values()) for row in rows.values()] == [0, 8, 7, 7, 7, 7, 7, 7]
    assert "without bf16" not in dict(Switches.rows(CPU))
    kept = Switches(allocator=False, channels_last=False, packed=False).make_runtime("cpu", "fp32")
    assert kept == Runtime(torch.device("cpu"), bf16=False, channels_last=False, packed=False)


def test_switches_reach_the_networks():
    plain = Runtime(torch.device("cpu"), False, channels_last=False).place(nn.Conv2d(8, 8, 3))
    ours = CPU.place(nn.Conv2d(8, 8, 3))
    assert not plain.weight.is_contiguous(memory_format=torch.channels_last)
    assert ours.weight.is_contiguous(memory_format=torch.channels_last)
    assert not Switches(float_norm=False).apply_to(nn.Sequential(GroupNorm(2, 4)))[0].quick
    assert not Switches(fused=False).apply_to(nn.Sequential(ConvLSTMCell(2, 4)))[0].fused
    ours = Switches().apply_to(nn.Sequential(GroupNorm(2, 4)))[0]
    assert ours.quick and ours.fused


def test_a_context_of_its_own_for_every_future_predicts_the_same():
    model = load_model_or_recipe("svg-lp-smmnist", CPU)
    together, apart_ = (prediction_call(model, 3, 2, {}, shared)() for shared in (True, False))
    assert together.shape == (1, 3, 7, 1, 64, 64) and apart_.shape == (3, 1, 7, 1, 64, 64)
    torch.testing.assert_close(apart_[0, 0], together[0, 0], atol=1e-4, rtol=0)


def test_sampling_is_timed_with_a_recipes_untrained_weights_too_and_in_a_worker_thread():
    assert time_prediction("svg-lp-published", Switches(), **WISH)["median_s"] > 0
    assert time_sheets("svg-lp-smmnist", "worker", **WISH)["median_s"] > 0
    with pytest.raises(ValueError, match="there is no model 'nobody'"):
        time_prediction("nobody", Switches(), **WISH)


def test_a_training_step_is_timed_and_its_work_counted():
    row = time_step("vpn", "simvp", Switches(), 1, 1, "cpu", "fp32")
    assert row["median_s"] > 0 and 1 < row["gflop"] < 100
    with pytest.raises(ValueError, match="give one with training steps to time: svg, vpn"):
        training("flow", 1, 1)


def test_the_power_of_a_law_is_found_and_a_constant_cost_forgotten():
    sizes = [1, 2, 4, 8, 16, 32]
    assert growth_exponent([1, 2], [1, 4]) == pytest.approx(2), "two points will do"
    assert growth_exponent(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    assert growth_exponent(sizes, [0.2 + n for n in sizes]) == pytest.approx(1.0, abs=0.05)


def test_growth_is_drawn(tmp_path, monkeypatch):
    module = sys.modules["vp.bench.growth"]  # its function of the same name hides it
    monkeypatch.setattr(
        module, "run_in_fresh_process", lambda task, **wish: {"median_s": 0.1 * wish.get("frames", 1), "min_s": 0, "max_s": 1}
    )
    monkeypatch.setattr(module, "measure_ceilings", None)
    got = growth(["svg-lp-smmnist"], 1, tmp_path / "growth.png", "cpu", "fp32")
    assert got["curves"]["svg-lp-smmnist, frames"]["exponent"] == 1.0 and "svg-lp-smmnist, steps" not in got["curves"]
    assert (tmp_path / "growth.png").stat().st_size > 5_000


def test_a_command_is_timed():
    assert 0.3 <= time_command([sys.executable, "-c", "import time; time.sleep(0.3)"]) < 15
