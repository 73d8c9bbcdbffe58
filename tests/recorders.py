"""A stand-in for CUDA graphs on a CPU."""

from vp.core.tree import tensors_of


def replayed(call):
    """Later runs read the same buffers and write into those first returned, as a graph does."""
    out = call()

    def replay() -> None:
        for old, new in zip(tensors_of(out), tensors_of(call())):
            old.copy_(new)

    return replay, out
