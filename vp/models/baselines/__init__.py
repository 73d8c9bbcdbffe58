"""Untrained baseline predictors for clips of any size."""

from .between import BLEND, COPY_NEAREST
from .copy_last import COPY_LAST
from .flow import FLOW
from .flow_between import FLOW_BETWEEN
from .flow_random import FLOW_RANDOM

__all__ = ["BLEND", "COPY_LAST", "COPY_NEAREST", "FLOW", "FLOW_BETWEEN", "FLOW_RANDOM"]
