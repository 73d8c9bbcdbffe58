"""The Muon optimiser (Jordan et al. 2024): orthogonalised momentum for weight matrices and kernels, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic iteration
SMALLEST = 16  # matrices with a shorter side than this are left to AdamW


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrix: Newton-Schulz iterations bring all singular values to 0.7-1.2."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(Optimizer):
    """One step for all parameters: orthogonal momentum for matrices and kernels (flattened to outputs x rest), AdamW for others.

    Args:
        parameters: of the networks to train.
        lr: for both kinds; Muon's update is scaled to the size of Adam's (Liu et al. 2025, arXiv 2502.16982, eq. 4).
        betas, eps: of Adam.
        momentum: of Muon, with Nesterov's look-ahead.
        weight_decay: decoupled, for matrices and kernels only.
        dtype: of the orthogonalisation; bfloat16 is enough where the device multiplies it faster.
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
    ):
        parameters, self.dtype = list(parameters), dtype
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
            update = self.muon_update if group["orthogonal"] else self.adam_update
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update(p, group), alpha=-group["lr"])

    def muon_update(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        """The update direction of a matrix or kernel, before the learning rate."""
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - group["momentum"])
        matrix = p.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
        return 0.2 * max(matrix.shape) ** 0.5 * orthogonalize(matrix.to(self.dtype)).to(p.dtype).view_as(p)

    def adam_update(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        """The update direction of any other parameter, before the learning rate."""
        state, (first, second) = self.state[p], group["betas"]
        if not state:
            state.update(step=torch.zeros(()), mean=torch.zeros_like(p), square=torch.zeros_like(p))
        state["step"] += 1
        taken = float(state["step"])
        state["mean"].lerp_(p.grad, 1 - first)
        state["square"].lerp_(p.grad.square(), 1 - second)
        spread = (state["square"] / (1 - second**taken)).sqrt_().add_(group["eps"])
        return state["mean"] / (1 - first**taken) / spread


def is_matrix(p: Tensor) -> bool:
    """Whether Muon trains this parameter: as outputs x rest, both sides are SMALLEST or more."""
    return p.ndim > 1 and min(p.shape[0], p[0].numel()) >= SMALLEST
