"""The Muon optimiser (Jordan et al. 2024): orthogonalised momentum for weight matrices and kernels, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic iteration
SMALLEST = 16  # matrices with a shorter side than this are left to AdamW


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrices: Newton-Schulz iterations bring all singular values to 0.7-1.2.

    Args:
        matrices: (M, N), or a stack (K, M, N).
        steps: iterations.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    add_product = torch.addmm if matrices.ndim == 2 else torch.baddbmm
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = add_product(x, add_product(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def orthogonalize_alike(matrices: Sequence[Tensor]) -> list[Tensor]:
    """As `orthogonalize` of each matrix, those of one shape together."""
    alike: dict[torch.Size, list[int]] = {}
    for index, x in enumerate(matrices):
        alike.setdefault(x.shape, []).append(index)
    orthogonal = list(matrices)
    for indices in alike.values():
        if len(indices) == 1:
            orthogonal[indices[0]] = orthogonalize(matrices[indices[0]])
            continue
        for index, x in zip(indices, orthogonalize(torch.stack([matrices[index] for index in indices]))):
            orthogonal[index] = x
    return orthogonal


class Muon(Optimizer):
    """One step for all parameters: orthogonal momentum for matrices and kernels (flattened to outputs x rest), AdamW for others.

    Args:
        parameters: of the networks to train.
        lr: for both kinds; Muon's update is scaled to the size of Adam's (Liu et al. 2025, arXiv 2502.16982, eq. 4).
        betas, eps: of Adam.
        momentum: of Muon, with Nesterov's look-ahead.
        weight_decay: decoupled, for matrices and kernels only.
        dtype: of the orthogonalisation; bfloat16 is enough where the device multiplies it faster.
        together: step all parameters together, with matrices of one shape in a stack; None: on a GPU, which would wait for the
            launches of many small kernels. A CPU keeps one parameter at a time in its cache, and multiplies a stack no faster.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        eps: float = 1e-8,
        dtype: torch.dtype = torch.float32,
        together: bool | None = None,
    ):
        parameters, self.dtype = list(parameters), dtype
        self.together = any(p.is_cuda for p in parameters) if together is None else together
        matrices = [p for p in parameters if is_matrix(p)]
        others = [p for p in parameters if not is_matrix(p)]
        groups = [
            {"params": matrices, "orthogonal": True, "weight_decay": weight_decay},
            {"params": others, "orthogonal": False, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": lr, "betas": betas, "momentum": momentum, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            update = self.muon_updates if group["orthogonal"] else self.adam_updates
            moved = [p for p in group["params"] if p.grad is not None]
            for parameters in filter(None, [moved] if self.together else [[p] for p in moved]):
                updates = update(parameters, group)
                if group["weight_decay"]:
                    torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, updates, alpha=-group["lr"])

    def muon_updates(self, parameters: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """The update directions of matrices and kernels, before the learning rate."""
        grads, keep = [p.grad for p in parameters], group["momentum"]
        for p in parameters:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        momenta = [self.state[p]["momentum"] for p in parameters]
        torch._foreach_lerp_(momenta, grads, 1 - keep)
        matrices = [x.flatten(1).to(self.dtype) for x in torch._foreach_lerp(grads, momenta, keep)]
        orthogonal = orthogonalize_alike(matrices)
        scales = [0.2 * max(x.shape) ** 0.5 for x in matrices]
        updates = torch._foreach_mul([x.to(p.dtype) for x, p in zip(orthogonal, parameters)], scales)
        return [x.view_as(p) for x, p in zip(updates, parameters)]

    def adam_updates(self, parameters: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """The update directions of all other parameters, before the learning rate."""
        grads, (first, second) = [p.grad for p in parameters], group["betas"]
        for p in parameters:
            if not self.state[p]:
                self.state[p].update(step=torch.zeros(()), mean=torch.zeros_like(p), square=torch.zeros_like(p))
            self.state[p]["step"] += 1
        means, squares = ([self.state[p][name] for p in parameters] for name in ("mean", "square"))
        taken = [float(self.state[p]["step"]) for p in parameters]  # on the CPU, whatever the device of the parameters
        torch._foreach_lerp_(means, grads, 1 - first)
        torch._foreach_lerp_(squares, torch._foreach_mul(grads, grads), 1 - second)
        spreads = torch._foreach_div(squares, [1 - second**steps for steps in taken])
        torch._foreach_sqrt_(spreads)
        torch._foreach_add_(spreads, group["eps"])
        updates = torch._foreach_div(means, [1 - first**steps for steps in taken])
        torch._foreach_div_(updates, spreads)
        return list(updates)


def is_matrix(p: Tensor) -> bool:
    """Whether Muon trains this parameter: as outputs x rest, both sides are SMALLEST or more."""
    return p.ndim > 1 and min(p.shape[0], p[0].numel()) >= SMALLEST
