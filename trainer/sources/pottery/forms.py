"""What a potter throws: the profile curves, handles and lips of every shape in the shop."""

from dataclasses import dataclass

import numpy as np

Profile = tuple[tuple[float, float], ...]

# Shape, what tells it from others of its shape, and its profile: the middle line of the wall from the foot to the rim,
# as radius/height in percent of the height of a tall piece. The shapes take turns: a small shop has some of each.
MODELS: tuple[tuple[str, str, str], ...] = (
    ("vase", "Shouldered", "17/0 20/15 28/40 36/65 33/79 20/88 12/92 12.5/97 16/100"),
    ("bowl", "Wide", "19/0 24/3 42/12 56/26 63/40"),
    ("jug", "Round", "24/0 36/13 42/32 36/52 24/68 21.5/78 26/90"),
    ("bottle", "Tall", "20/0 25/12 26/35 21/55 10/68 7/82 7.5/95 10/100"),
    ("plate", "Flat", "46/0 55/2.5 64/6 72/9"),
    ("mug", "Straight", "27/0 29.5/4 30/20 30/45 30.5/60"),
    ("vase", "Moon", "20/0 38/18 46/42 40/66 24/82 17/86 18/92"),
    ("bowl", "Deep", "18/0 34/8 44/25 46.5/42 47/54"),
    ("jug", "Tall", "20/0 26/12 31/35 27/60 20/76 19/88 22.5/100"),
    ("bottle", "Round", "24/0 36/15 40/33 30/52 12/64 7.5/78 8/90 11.5/95"),
    ("plate", "Rimmed", "38/0 46/2.5 51/8 62/10 74/13"),
    ("mug", "Round", "22/0 32/10 36/26 32/43 28.5/52 30.5/59"),
    ("vase", "Gourd", "20/0 31/12 33.5/27 25/45 17/53 20/63 22.5/73 17/86 11/93 13/100"),
    ("bowl", "Tea", "17/0 27/5 36/20 38.5/38 40/50"),
    ("jug", "Squat", "28/0 40/12 44/26 38/42 28/53 29.5/63"),
    ("bottle", "Square", "27/0 30.5/4 31/30 31/50 26/61 10/68 7.5/76 8/84 11/88"),
    ("plate", "Deep", "34/0 45/4 56/11 66/20"),
    ("mug", "Tapered", "22/0 26/5 29/25 33/50 34.5/60"),
    ("vase", "Slender", "16/0 20/15 23.5/40 21/65 14.5/85 16.5/100 21/106"),
    ("bowl", "Flared", "16/0 20/6 28/20 43/34 60/43 65/44.5"),
    ("jug", "Straight", "24/0 28/4 28.5/40 25/65 22/75 24.5/86"),
    ("bottle", "Teardrop", "20/0 33/12 35.5/26 26/46 14/66 8.5/85 7.2/100 9/105"),
    ("plate", "Coupe", "28/0 44/2 58/7.5 68/16"),
    ("mug", "Waisted", "29/0 31/6 27/28 28/45 32/60"),
)

# Where handles sit, as shares of the height, and how far they reach beyond the wall.
HANDLES = {"jug": (0.31, 0.87, 0.23), "mug": (0.22, 0.82, 0.2)}
LIPS = {"jug": 0.12}
WALLS = {"plate": 0.036}


@dataclass(frozen=True, slots=True)
class Form:
    """One thrown form: hashable, so that what is computed from it can be cached. The largest measure is about 1."""

    shape: str  # the attribute: vase, bowl, jug, bottle, plate, mug
    adjective: str  # for the name
    profile: Profile  # (radius, height) from the foot to the rim
    handle: tuple[float, float, float] | None  # lower height, upper height, reach beyond the wall
    lip: float  # how far the rim is pulled out opposite the handle
    wall: float  # thickness
    rings: float  # height of the ridges that the potter's fingers leave

    @property
    def is_open(self) -> bool:
        """Whether one looks into it, so that its inside is decorated too."""
        return self.shape in {"bowl", "plate"}


def throw(index: int, rng: np.random.Generator) -> Form:
    """The index-th model by hand: no two thrown pieces are quite alike, so its measures are shaken by a few percent."""
    shape, adjective, text = MODELS[index % len(MODELS)]
    model = np.array([point.split("/") for point in text.split()], np.float64) / 100
    width, height = rng.uniform(0.93, 1.07, 2)
    bulge = 1 + rng.uniform(-0.04, 0.04) * np.sin(np.pi * model[:, 1] / model[-1, 1])
    thrown = model * np.stack([width * bulge, np.full(len(model), height)], axis=1)
    top = float(thrown[-1, 1])
    handle = None
    if shape in HANDLES:
        lower, upper, reach = HANDLES[shape]
        handle = (lower * top, upper * top, reach)
    rings = 0.0 if shape in {"bowl", "plate"} else float(rng.choice([0, 0.0004, 0.0008]))
    profile = tuple((float(radius), float(y)) for radius, y in thrown)
    return Form(shape, adjective, profile, handle, LIPS.get(shape, 0.0), WALLS.get(shape, 0.044), rings)
