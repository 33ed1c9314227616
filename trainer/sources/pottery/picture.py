"""From rays to a photograph: sampling, edges, film."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from trainer.sources.pottery.forms import Form
from trainer.sources.pottery.glazes import Glaze
from trainer.sources.pottery.noise import Floats
from trainer.sources.pottery.scene import arrange, rays
from trainer.sources.pottery.shading import light_along, table_light
from trainer.sources.pottery.solid import solid_of

JAGGED = 0.12  # neighbours that differ by more than this (of 1) are sampled again
CORNERS = ((-0.33, -0.1), (0.0, 0.33), (0.33, -0.23))  # where in the pixel


def photograph(form: Form, glaze: Glaze, seed: tuple[int, ...], size: int, *, turned: float = 0.0) -> NDArray[np.uint8]:
    """One picture of a piece, uint8 RGB [size, size, 3]; the same arguments give the same bytes.

    `turned`: by how much the piece is turned on its table, in radians, while all else of the scene stays as it is.
    """
    rng = np.random.default_rng(seed)
    solid = solid_of(form)
    scene = arrange(solid, rng, turned)

    on_table = table_light(solid, scene)

    def look(row: Floats, column: Floats) -> Floats:
        x, y = (column + 0.5) * 2 / size - 1, 1 - (row + 0.5) * 2 / size
        return _film(light_along(solid, glaze, scene, on_table, rays(scene, x, y)))

    rows, columns = (part.ravel().astype(np.float32) for part in np.mgrid[:size, :size])
    picture = look(rows, columns)
    jagged = np.flatnonzero(_contrast(picture.reshape(3, size, size)).ravel() > JAGGED)
    down, right = np.array(CORNERS, np.float32).T[:, :, None]
    samples = look((rows[jagged] + down).ravel(), (columns[jagged] + right).ravel())
    picture[:, jagged] = samples.reshape(3, len(CORNERS), len(jagged)).mean(1)

    pixels = np.moveaxis(picture.reshape(3, size, size), 0, -1) * 255
    if scene.blur > 0.1:
        soft = Image.fromarray(pixels.round().astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(scene.blur * size / 288)
        )
        pixels = np.asarray(soft, np.float32)
    noise = rng.standard_normal((size, size, 1), np.float32)
    return np.clip(pixels + scene.grain * noise, 0, 255).round().astype(np.uint8)


def _film(light: Floats) -> Floats:
    """Linear light to display values 0..1: highlights roll off instead of clipping, then gamma."""
    exposed = light * 0.66
    rolled = exposed / (1 + exposed**3) ** (1 / 3)
    return np.asarray(rolled ** (1 / 2.2), np.float32)


def _contrast(picture: Floats) -> Floats:
    """Largest difference in any channel of each pixel [h, w] to the ones above, below, left and right."""
    contrast: Floats = np.zeros_like(picture[0])
    for axis in (0, 1):
        step = np.abs(np.diff(picture, axis=axis + 1)).max(0)
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (0, 1), (1, 0)
        contrast = np.maximum(contrast, np.maximum(np.pad(step, ahead), np.pad(step, behind)))
    return contrast
