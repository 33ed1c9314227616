"""Heat maps over pictures, as PNG."""

from io import BytesIO

import numpy as np
from PIL import Image

from retrieval import images
from retrieval.clusters import Doubles
from retrieval.images import RGB

SIDE = 384
"""Longer side of an overlay, in pixels."""
FOR, AGAINST = (255, 60, 0), (0, 90, 255)
"""Colours of what adds to a similarity, and of what takes from it."""
STRONGEST = 0.75
"""How much of the picture the strongest cell covers."""


def overlay(rgb: RGB, grid: Doubles, strongest: float) -> bytes:
    """The file of a picture [height, width, 3] under its grid [h, w]; `strongest`: the size that is fully coloured."""
    scale = SIDE / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    ground = images.resize(rgb, height, width).astype(np.float64)
    spread = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    heat = np.asarray(spread, np.float64)[..., None] / (strongest or 1)
    cover = np.clip(np.abs(heat), 0, 1) * STRONGEST
    painted = ground * (1 - cover) + np.where(heat > 0, FOR, AGAINST) * cover
    buffer = BytesIO()
    Image.fromarray(painted.round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
