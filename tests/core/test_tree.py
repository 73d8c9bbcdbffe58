"""Nested tuples of tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from vp.core.tree import map_tensors


class Pair(NamedTuple):
    a: Tensor
    b: tuple[Tensor, Tensor | None]


def test_every_tensor_is_changed_and_the_nesting_stays():
    x = torch.arange(6.0).view(3, 2)
    got = map_tensors(lambda y: y[[2, 2]], Pair(x, (10 * x, None)))
    assert isinstance(got, Pair) and isinstance(got.b, tuple) and got.b[1] is None
    assert torch.equal(got.a, x[[2, 2]]) and torch.equal(got.b[0], 10 * x[[2, 2]])
    assert map_tensors(torch.neg, None) is None
