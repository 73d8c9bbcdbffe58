"""Confidence intervals of means."""

from __future__ import annotations

import math

from torch import Tensor

# 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom; for more see `student_t_quantile`
STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
NORMAL = 1.959964  # the same of the normal distribution


def interval_half_width(values: Tensor, groups: Tensor | None = None) -> float:
    """Half width of the 95 % confidence interval of a mean; NaN for fewer than two values or groups.

    Groups of values, such as the clips of one recording, count as one draw each: the standard error is the cluster-robust one
    (Liang and Zeger 1986), from the groups' sums of residuals, and Student's t has one degree of freedom less than there are
    groups. Without groups it is the standard deviation over the root of the count.

    Args:
        values: float (n,).
        groups: int64 (n,), or None: each value is a group.
    """
    residuals = values - values.mean() if len(values) else values
    if groups is not None:
        _, place = groups.unique(return_inverse=True)
        count = int(place.max()) + 1 if len(place) else 0
        residuals = residuals.new_zeros(count).index_add(0, place, residuals)
    count = len(residuals)
    if count < 2:
        return math.nan
    error = (count / (count - 1) * residuals.square().sum()).sqrt() / len(values)
    return student_t_quantile(count - 1) * float(error)


def student_t_quantile(freedom: int) -> float:
    """97.5 % quantile of Student's t for 1 or more degrees of freedom: tabulated up to 9, then by Hill's expansion
    (Abramowitz and Stegun 26.7.5), exact to 0.0001."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    z = NORMAL
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
