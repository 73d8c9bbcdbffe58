"""Settings every test shares."""

import os
import shutil
import tempfile
from multiprocessing.util import Finalize

import pytest

# one thread an operation, in processes that tests start too, and in threads of an app: torch.set_num_threads, as below, holds
# for the thread that calls it, while oneDNN takes as many as OpenMP says in any other
for library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

import torch  # noqa: E402  (libraries read the numbers when they are loaded)

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process that a test starts would compile all of vp anew
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # pytest keeps folders of tests that failed
TEMPORARY = tempfile.mkdtemp(prefix="vp-tests-")  # of all else: what clients download, servers, libraries
os.environ["TMPDIR"] = tempfile.tempdir = TEMPORARY
os.environ["VP_CACHE"] = os.path.join(TEMPORARY, "cache")  # decoded frames of the tests' own videos
# after multiprocessing has removed its own folder in it, which has priority -100
Finalize(None, shutil.rmtree, args=(TEMPORARY,), kwargs={"ignore_errors": True}, exitpriority=-200)


LONGEST = ("ui", "training", "tests")  # folders, of whose files the last are whole commands


def pytest_collection_modifyitems(items):
    """The longest files first: one that begins last leaves the second process without work."""
    items.sort(key=lambda item: (*LONGEST, item.path.parent.name).index(item.path.parent.name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Two threads on tensors this small wait for each other far longer than they work when the machine is busy. Before every test
    and its fixtures, as trainings set the number too."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_seed():
    torch.manual_seed(0)
