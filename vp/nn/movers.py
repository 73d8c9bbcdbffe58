"""What moves pictures, by the name that a config's `mover` gives it."""

from .backdrop import Backdrop
from .moving_layers import Composer
from .path_sprites import PathSprites
from .sprites import Sprites

MOVERS = {"layers": Composer, "backdrop": Backdrop, "sprites": Sprites, "paths": PathSprites}
