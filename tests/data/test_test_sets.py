"""Official test sequences from a file, in both layouts; nothing here is a real one."""

import numpy as np
import pytest
import torch

from vp.data import read_test_set


@pytest.fixture
def sequences():
    return np.random.default_rng(0).integers(0, 256, (5, 20, 64, 64), dtype=np.uint8)


def test_both_layouts_give_the_same_first_sequences(tmp_path, sequences):
    np.save(tmp_path / "mnist_test_seq.npy", sequences.swapaxes(0, 1))
    np.savez_compressed(tmp_path / "extract.npz", frames=sequences, ids=np.arange(5))
    for name in ("mnist_test_seq.npy", "extract.npz"):
        batch = read_test_set(tmp_path / name, 3, 10)
        assert batch.frames.dtype == torch.uint8 and batch.frames.shape == (3, 10, 1, 64, 64)
        assert np.array_equal(batch.frames[:, :, 0].numpy(), sequences[:3, :10])
        assert read_test_set(tmp_path / name, None, 20).frames.shape == (5, 20, 1, 64, 64)
        with pytest.raises(ValueError, match=f"{name} holds 5 sequences; 6 were asked for"):
            read_test_set(tmp_path / name, 6, 20)
        with pytest.raises(ValueError, match="sequences of 20 frames; this protocol needs 25"):
            read_test_set(tmp_path / name, 1, 25)


def test_other_files_are_named_in_one_sentence(tmp_path, sequences):
    np.savez(tmp_path / "other.npz", clips=sequences)
    np.save(tmp_path / "floats.npy", sequences.swapaxes(0, 1).astype(np.float32))
    np.save(tmp_path / "turned.npy", sequences)
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.npz").write_text("no array")
    for name, words in {
        "other.npz": "no array called frames",
        "floats.npy": "floats.npy holds float32",
        "turned.npy": r"holds uint8 \(20, 5, 64, 64\) as \(N, T, H, W\)",
        "pickled.npy": "damaged or is neither",
        "text.npy": "damaged or is neither",
        "text.npz": "damaged or is neither",
        "absent.npy": "there is no file",
    }.items():
        with pytest.raises(ValueError, match=words) as error:
            read_test_set(tmp_path / name, 1, 20)
        assert "\n" not in str(error.value)
