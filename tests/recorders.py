"""A stand-in for CUDA graphs on a CPU."""

from vp.core.tree import list_tensors


def replayed(call):
    """Later runs read the same buffers and write into those first returned, as a graph does."""
    out = call()

    def replay() -> None:
        for old, new in zip(list_tensors(out), list_tensors(call())):
            old.copy_(new)

    return replay, out
