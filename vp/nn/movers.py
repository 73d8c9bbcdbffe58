"""What moves pictures, by the name that a config's `mover` gives it."""

from .moving_layers import Composer
from .path_sprites import CommittedCutouts, CommittedSprites, PathCutouts, PathSprites
from .sprites import BrightCutouts, Cutouts, Sprites

MOVERS = {
    "layers": Composer,
    "sprites": Sprites,
    "paths": PathSprites,
    "courses": CommittedSprites,
    "cutouts": Cutouts,
    "bright-cutouts": BrightCutouts,
    "path-cutouts": PathCutouts,
    "course-cutouts": CommittedCutouts,
}


def follows_paths(mover: str) -> bool:
    """Whether it has paths to learn (`path_lesson`)."""
    return issubclass(MOVERS[mover], PathSprites)
