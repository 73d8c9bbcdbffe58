"""Sampling options, which become flags and widgets."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.options import Options, choice, slider, switch
from .windows import LONG

SOLVERS = {
    "dpm": "DPM-Solver++ (second order)",
    "euler": "first order (Euler; DDIM on a DDPM)",
    "ancestral": "ancestral (fresh noise at every step)",
    "ddpm": "DDPM as published (the larger fixed variance)",
}
CONDITIONING = {
    "given": "known frames as they are, and marked: what masks train",
    "replaced": "known frames as noisy as the others (RePaint): for models trained without masks, with resampling",
}


@dataclass(frozen=True)
class RamvidOptions(Options):
    """How a clip is sampled from noise."""

    steps: int = slider(8, 1, 1000, 1, "network calls from noise to clip: 4 is a draft, 8 normal, 16 best", "Steps")
    solver: str = choice("ancestral", SOLVERS, "how each step goes on from the network's guess", "Solver")
    antithetic: bool = switch(True, "the last call sees the noise before it reversed; their mean shakes less", "Mirrored noise")
    guidance: float = slider(1.0, 1.0, 3.0, 0.1, "weight of known frames; 1 is as trained, above 2 motion freezes", "Guidance")
    resample: int = slider(1, 1, 20, 1, "times each step is taken, noise added back between (RePaint); not for dpm", "Resampling")
    context_noise: float = slider(0.0, 0.0, 0.3, 0.05, "noise in known frames, so that they are trusted less", "Context noise")
    conditioning: str = choice("given", CONDITIONING, "how the network is shown known frames", "Known frames")
    long: str = choice("windows", LONG, "how clips longer than the network's are sampled", "Long clips")
