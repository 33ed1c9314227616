"""Other looks of a picture: what may change without making it another thing."""

import numpy as np

from retrieval import images
from retrieval.images import RGB

WHOLE_AREA = (0.5, 1.0)
DETAIL_AREA = (0.1, 0.3)


def augment(
    rgb: RGB,
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    area: tuple[float, float] = WHOLE_AREA,
    erase: float = 0.0,
) -> RGB:
    """A random crop (3:4 to 4:3, a share of the area within `area`), resized, perhaps flipped, in other light.

    `rgb` uint8 [h, w, 3] to uint8 [height, width, 3]; with the probability `erase` a rectangle of it is lost.
    Crop after Szegedy et al. 2014, "Going Deeper with Convolutions" (https://arxiv.org/abs/1409.4842), section 6.
    """
    tall, wide = rgb.shape[:2]
    h, w = _rectangle(tall, wide, rng.uniform(*area), 3 / 4, rng)
    top, left = rng.integers(0, tall - h + 1), rng.integers(0, wide - w + 1)
    view = images.resize(rgb[top : top + h, left : left + w], height, width)
    if rng.random() < 0.5:
        view = view[:, ::-1]
    view = _relight(view, *rng.uniform(0.7, 1.3, size=2))
    return _erased(view, rng) if rng.random() < erase else view


def detail(rgb: RGB, height: int, width: int, seed: int, key: str) -> RGB:
    """A small part of a picture, always the same one: what held-out pictures are searched by where there are no labels.

    Most of a picture finds the whole of it whatever the encoder has learnt; a tenth of it does not.
    """
    return augment(rgb, height, width, generator(seed, f"detail {key}"), area=DETAIL_AREA)


def generator(seed: int, key: str) -> np.random.Generator:
    """The random numbers of one picture, by what identifies its content: the same views in every run."""
    return np.random.default_rng([seed, *key.encode()])


def _relight(view: RGB, brightness: float, contrast: float) -> RGB:
    level = view.mean() * brightness
    shifted = (view * np.float32(brightness) - np.float32(level)) * np.float32(contrast) + np.float32(level)
    result: RGB = np.clip(shifted, 0, 255).astype(np.uint8)
    return result


def _erased(view: RGB, rng: np.random.Generator) -> RGB:
    """Noise in place of a rectangle of 2 to 33 % of the area.

    Zhong et al. 2017, "Random Erasing Data Augmentation" (https://arxiv.org/abs/1708.04896).
    """
    tall, wide = view.shape[:2]
    h, w = _rectangle(tall, wide, rng.uniform(0.02, 0.33), 0.3, rng)
    top, left = rng.integers(0, tall - h + 1), rng.integers(0, wide - w + 1)
    view = view.copy()
    view[top : top + h, left : left + w] = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    return view


def _rectangle(tall: int, wide: int, share: float, narrowest: float, rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of about `share` of the area, their ratio between `narrowest` and its inverse."""
    area = share * tall * wide
    ratio = np.exp(rng.uniform(np.log(narrowest), -np.log(narrowest)))
    return int(np.clip(np.sqrt(area / ratio), 1, tall)), int(np.clip(np.sqrt(area * ratio), 1, wide))
