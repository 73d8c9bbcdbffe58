"""Curves of Jing et al. (2021), read from the vector plots in their repository: three clips, 16 pictures given, 32 to predict.

Their axis runs from step 16, which we read as the first predicted frame. PSNR is good to 0.01 dB and SSIM to 0.001. Their SSIM
was probably computed with a range of 1 on grey levels up to 255, which lowers it: compare its order, not its size.
"""

from __future__ import annotations

PSNR_DB = {
    "BIKE theirs": "28.02 27.45 25.49 22.20 20.59 19.52 18.32 17.10 15.57 14.71 14.25 14.02 13.90 13.73 13.47 13.35 13.23",
    "BIKE pix2pixHD": "19.00 19.13 19.23 19.17 18.39 17.43 16.43 15.60 14.52 13.80 13.25 13.08 12.88 12.77 12.71 12.75 12.59",
    "BIKE pictures": "25.41 28.78 23.13 22.55 22.05 21.32 21.52 20.81 20.13 19.29 19.55 19.02 18.72 18.58 17.89 17.70 17.30",
    "danc theirs": "26.05 23.95 23.56 22.68 22.37 21.30 20.10 19.50 19.46 18.25 17.61 17.18 16.60 15.99 15.52 15.18",
    "danc pix2pixHD": "22.82 21.78 23.99 23.60 22.39 21.79 22.09 21.02 22.13 20.55 20.95 20.58 19.42 19.79 20.19 19.02",
    "ship theirs": "29.01 23.14 22.85 21.37 20.70 20.32 20.10 19.81 19.48 19.14 18.16 16.35 16.41 14.68 15.62 15.75",
    "ship pix2pixHD": "19.74 18.47 21.76 21.53 20.23 19.82 20.08 19.63 19.42 19.41 18.77 18.21 17.77 16.77 16.55 16.70",
}
SSIM = {
    "BIKE theirs": ".875 .879 .866 .806 .667 .586 .511 .420 .308 .143 .081 .057 .051 .043 .039 .034 .025",
    "BIKE pix2pixHD": ".558 .576 .583 .579 .538 .447 .364 .267 .170 .067 .039 .021 .013 .008 .009 .011 -.002",
    "danc theirs": ".901 .848 .837 .808 .801 .775 .704 .668 .642 .575 .534 .502 .472 .442 .409 .381",
    "danc pix2pixHD": ".529 .488 .516 .498 .472 .451 .454 .398 .428 .370 .360 .362 .344 .344 .340 .328",
    "ship theirs": ".601 .587 .591 .287 .249 .184 .164 .162 .137 .112 .093 .075 .070 .053 .043 .028",
    "ship pix2pixHD": ".259 .124 .245 .201 .249 .203 .166 .155 .139 .113 .104 .092 .077 .055 .035 .030",
}


def published_curves(metric: str) -> dict[str, list[float]]:
    """Label -> values from the first predicted frame on, for "psnr_db" or "ssim"; {} for other metrics."""
    lines = {"psnr_db": PSNR_DB, "ssim": SSIM}.get(metric, {})
    return {label: [float(x) for x in text.split()] for label, text in lines.items()}
