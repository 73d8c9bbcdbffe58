"""Untrained predictors that keep every table honest: they work on any clip, at any size, and cost nothing to learn."""

from .between import BLEND, COPY_NEAREST
from .copy_last import COPY_LAST
from .flow import FLOW
from .flow_between import FLOW_BETWEEN
from .flow_random import FLOW_RANDOM

__all__ = ["BLEND", "COPY_LAST", "COPY_NEAREST", "FLOW", "FLOW_BETWEEN", "FLOW_RANDOM"]
