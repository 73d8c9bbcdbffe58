"""What moves pictures, by the name that a config's `mover` gives it."""

from .moving_layers import Composer
from .path_sprites import PathSprites
from .sprites import Sprites

MOVERS = {"layers": Composer, "sprites": Sprites, "paths": PathSprites}
