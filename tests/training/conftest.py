"""Recordings to train on."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder of recordings, which come in whatever size a config asks for."""
    data = tmp_path_factory.mktemp("data")
    (data / "train").mkdir()
    for index in range(4):
        frames = np.random.default_rng(index).integers(0, 256, (24, 32, 32, 1), np.uint8)
        np.savez(data / "train" / f"{index}.npz", frames=frames)
    return data
