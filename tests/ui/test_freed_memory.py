"""Memory that is free but lies between what is in use goes back to the system."""

import subprocess
import sys
from pathlib import Path

import pytest

from vp.catalog import FAMILIES
from vp.core.runtime import Runtime
from vp.ui.freed_memory import keep_returning_memory

from ..freed import freed_at_once

HOLES = """
from vp.ui.freed_memory import {name} as give_back
pages = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
blocks = [bytearray(50_000) for _ in range(4_000)]
for block in blocks:
    block[::4096] = bytes(len(block[::4096]))
kept = blocks[::20]  # 5 %, everywhere
del blocks, block
before = pages()
give_back()
import time
end = time.monotonic() + 20
while before - pages() < 100 and time.monotonic() < end:
    time.sleep(0.05)
print(before - pages())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_holes_between_blocks_in_use_are_returned():
    script = HOLES.format(name=keep_returning_memory.__name__)
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert float(ran.stdout) > 100, ran  # MB of the 190 that were freed


def test_one_thread_does_it_however_many_apps_there_are():
    assert keep_returning_memory() is keep_returning_memory() and keep_returning_memory().daemon


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_model_that_is_dropped_is_freed_at_once(name):
    """Left to the collector it stays for hours: few objects hold many bytes."""
    family = FAMILIES[name]
    config = family.tiny() if family.recipes else family.config()
    assert freed_at_once(lambda: family.predictor(config, family.networks(config), Runtime.pick("cpu")))
