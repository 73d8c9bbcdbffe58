"""Published scores of other models under our protocols; each row notes what differs from our clips."""

from __future__ import annotations

from typing import Any

SRVP = "best of 100 samples, chosen by each metric for itself, on the 5,000 clips of SRVP's test file"
SRVP_SOURCE = "Akan et al. 2021 (SLAMP), appendix; the protocol and SVG's row are those of Franceschi et al. 2020 (SRVP)"
OPENSTL = "trained on 2 M sequences (200 epochs), the best epoch chosen on the official 10,000 test sequences themselves"
OPENSTL_SOURCE = "Tan et al. 2023 (OpenSTL), model zoo, 200 epochs"


def srvp_row(psnr_db: float, ssim: float) -> dict[str, Any]:
    """A published row of Stochastic Moving MNIST, 5 -> 20 frames."""
    return {"psnr_db": psnr_db, "ssim": ssim, "note": SRVP, "source": SRVP_SOURCE}


def openstl_row(parameters: float, mse: float, mae: float, ssim: float, psnr_db: float) -> dict[str, Any]:
    """A published row of Moving MNIST, 10 -> 10 frames; parameters in millions. OpenSTL's SSIM is our `ssim_legacy`: 7x7
    windows, range 2."""
    metrics = {"mse": mse, "mae": mae, "psnr_db": psnr_db, "ssim_legacy": ssim}
    return metrics | {"parameters": parameters * 1e6, "sequences": 2_000_000, "note": OPENSTL, "source": OPENSTL_SOURCE}


# protocol -> label -> metrics as `evaluate` calls them, note, source and, where known, parameters and training sequences
PUBLISHED_ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "smmnist-srvp": {
        "SVG": srvp_row(14.50, 0.7090),
        "SRVP": srvp_row(16.93, 0.7799),
        "SLAMP-Baseline": srvp_row(16.83, 0.7537),
        "SLAMP": srvp_row(18.07, 0.7736),
    },
    "mmnist": {
        "ConvLSTM-S": openstl_row(15.0, 29.80, 90.64, 0.9288, 22.10),
        "PredRNN": openstl_row(23.8, 23.97, 72.82, 0.9462, 23.28),
        "PredRNN++": openstl_row(38.6, 22.06, 69.58, 0.9509, 23.65),
        "MIM": openstl_row(38.0, 22.55, 69.97, 0.9498, 23.56),
        "PhyDNet": openstl_row(3.1, 28.19, 78.64, 0.9374, 22.62),
        "SimVP-IncepU": openstl_row(58.0, 32.15, 89.05, 0.9268, 21.84),
        "SimVP-gSTA": openstl_row(46.8, 26.69, 77.19, 0.9402, 22.78),
        "TAU": openstl_row(44.7, 24.60, 71.93, 0.9454, 23.19),
    },
}
