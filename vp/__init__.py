"""vp, the video-prediction playground: see and steer possible futures of a video."""

__version__ = "0.1.0"
