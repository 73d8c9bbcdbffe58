"""Sampling options of models with a latent z: which distribution it is drawn from, and the scale of its noise."""

from __future__ import annotations

from dataclasses import dataclass

from .options import Options, choice, slider
from .video import Observation

LATENTS = ("none", "fixed", "learned")  # kinds of latent: deterministic, prior N(0, I), learned prior
PRIORS = {
    "learned": "learned from the past (learned prior)",
    "fixed": "the same at all times (fixed prior)",
    "posterior": "sees the future, with chance (posterior sample)",
    "posterior-mean": "sees the future, without chance (posterior mean)",
}


@dataclass(frozen=True)
class LatentOptions(Options):
    """Distribution of z at the frames to predict, and the factor on its standard deviation."""

    prior: str = choice("auto", {"auto": "the model's own", **PRIORS}, "where the latent z is drawn from", "Prior")
    temperature: float = slider(1.0, 0.0, 2.0, 0.05, "scale of the noise: 0 follows the mean of the prior", "Temperature")


def offered_priors(latent: str) -> dict[str, str | None]:
    """Key of PRIORS -> None where a model with this kind of latent (one of LATENTS) offers it, otherwise the reason why not."""
    if latent == "none":
        return dict.fromkeys(PRIORS, "this model is deterministic: it has no latent to draw")
    untrained = "this model was trained with a fixed prior; it has no learned one"
    return {**dict.fromkeys(PRIORS), "learned": untrained if latent == "fixed" else None}


def resolve_prior(prior: str, latent: str) -> str:
    """The key of PRIORS that `prior` means for this kind of latent; 'none' without a latent.

    Raises:
        ValueError: such a model does not offer that prior, with the reason.
    """
    if latent == "none":
        return "none"
    prior = latent if prior == "auto" else prior
    reason = offered_priors(latent)[prior]
    if reason:
        raise ValueError(f"prior is {prior!r}, but {reason}")
    return prior


def disabled_controls(latent: str) -> dict[str, str]:
    """Name of each control that has no effect for this kind of latent -> the reason."""
    same = "this model is deterministic: every future is the same"
    return dict.fromkeys(("n_futures", "prior", "temperature"), same) if latent == "none" else {}


def check_prior(options: LatentOptions | None, latent: str, observation: Observation) -> None:
    """Raises ValueError where the model does not offer the chosen prior, or it needs true future frames and there are none."""
    prior = resolve_prior((options or LatentOptions()).prior, latent)
    if prior.startswith("posterior") and observation.target is None:
        raise ValueError("the posterior needs the true future frames, and none came; choose another prior")
