"""Fused kernels: right in Triton's interpreter, accepted by its compiler, absent on a CPU, given up where they do not work."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from vp.nn import fused
from vp.nn.blocks import conv_block
from vp.nn.conv_lstm import ConvLSTMCell
from vp.nn.group_norm import GroupNorm

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ("-m", "pytest", "-o", "addopts=", "-q", "-x", "tests/nn/kernel_checks.py")

COMPILE = """
import sys, torch
from vp.nn.blocks import conv_block
from vp.nn.conv_lstm import ConvLSTMCell
with torch.inference_mode():
    x = torch.rand(1, 8, 4, 4)
    conv_block(8, 8)(x), ConvLSTMCell(8, 8)(x, (x, x))
assert "triton" not in sys.modules and "vp.nn.fused_kernels" not in sys.modules
try:
    import triton
except ImportError:
    sys.exit()
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from vp.nn import fused_kernels as kernels

MAPS = {"x", "y", "gates", "candidate", "out", "next_hidden", "next_cell"}
WHOLE = {"pixels", "channels", "hidden", "blocks"}
for last in (True, False):  # order of the maps; the cells share what reads it
    sizes = {"CHANNELS_LAST": last, "GROUPS": 8, "WIDTH": 6, "PIXELS": 256, "LANES": 8, "BLOCK": 512}
    for name in ("group_norm_kernel", "lstm_kernel", "gru_reset_kernel", "gru_update_kernel")[: 4 if last else 2]:
        kernel = getattr(kernels, name)
        constants = {key: value for key, value in sizes.items() if key in kernel.arg_names}
        kinds = lambda key: "*bf16" if key in MAPS else "i32" if key in WHOLE else "fp32" if key in ("eps", "slope") else "*fp32"
        signature = {key: "constexpr" if key in constants else kinds(key) for key in kernel.arg_names}
        ptx = triton.compile(ASTSource(kernel, signature, constants), target=GPUTarget("cuda", 90, 32)).asm["ptx"]
        assert "st.global" in ptx and ".f64" not in ptx, name
"""


def run(*words: str, **more: str) -> None:
    told = subprocess.run([sys.executable, *words], cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_kernels_give_in_the_interpreter_what_pytorch_gives():
    pytest.importorskip("triton")
    run(*CHECKS, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", TRITON_INTERPRET="1")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_kernels_give_on_a_gpu_what_pytorch_gives():
    run(*CHECKS, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", TRITON_INTERPRET="0")


def test_a_cpu_imports_no_triton_and_the_kernels_compile_for_a_gpu(tmp_path):
    run("-c", COMPILE, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path))


def test_where_triton_does_not_work_pytorch_computes_and_that_is_said_once(monkeypatch):
    monkeypatch.setattr(fused, "_failed", False)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setitem(sys.modules, "vp.nn.fused_kernels", None)  # importing it fails
    block, norm, cell, x = conv_block(8, 16), GroupNorm(2, 8), ConvLSTMCell(8, 8), torch.randn(2, 8, 6, 6)
    calls = (lambda: block(x), lambda: norm(x), lambda: cell(x, (x, x))[0])
    with torch.no_grad():
        assert fused.can_fuse(x)
        with pytest.warns(UserWarning, match="Triton does not work here") as told:
            got = [call() for call in calls]
        assert len(told) == 1 and not fused.can_fuse(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            want = [call() for call in calls]
    for a, b in zip(got, want):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
