"""The stock list: which pieces the shop has, what they are called, and which photographs are taken of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.sources.pottery.forms import Form, throw
from trainer.sources.pottery.glazes import PALETTES, Glaze
from trainer.sources.pottery.patterns import PATTERNS
from trainer.sources.pottery.picture import photograph


@dataclass(frozen=True, slots=True)
class Piece:
    """One pot."""

    form: Form
    glaze: Glaze


@dataclass(frozen=True, slots=True)
class Photo:
    """The plan of one photograph: a row of the CSV, and what it takes to render it."""

    path: str  # relative to the folder, "tall-celadon-bottle-07/03.jpg"
    label: str  # the piece, "Tall celadon bottle 07"
    shape: str
    glaze: str  # the pattern
    colour: str  # the dominant one, in words
    piece: Piece
    seed: tuple[int, ...]  # of camera, light and backdrop


def plan(pieces: int = 60, photos: int = 20, seed: int = 0) -> list[Photo]:
    """Every photograph of the shop, piece by piece. Cheap: nothing is rendered.

    Each form and each glaze is used two or three times, never twice together: so for most pieces there is one of the
    same form in another glaze, and one of the same glaze on another form.
    """
    count = max(2, round(0.4 * pieces))
    forms = [throw(k, np.random.default_rng((seed, 0, k))) for k in range(count)]
    # One glaze more than forms: neighbouring numbers share no factor, so no pair comes twice in count * (count + 1).
    glazes = _mix_glazes(count + 1, np.random.default_rng((seed, 1)))
    listing = []
    for k in range(pieces):
        piece = Piece(forms[k % count], glazes[k % (count + 1)])
        listing += [_photo(piece, k, number, seed) for number in range(photos)]
    return listing


def render(photo: Photo, size: int) -> NDArray[np.uint8]:
    """One photograph, uint8 RGB [size, size, 3]: a pure function of its plan."""
    return photograph(photo.piece.form, photo.piece.glaze, photo.seed, size)


def _mix_glazes(count: int, rng: np.random.Generator) -> list[Glaze]:
    """Patterns and palettes, each in turn, in an order of this shop's own."""
    patterns, palettes = rng.permutation(list(PATTERNS)), rng.permutation(len(PALETTES))
    return [
        Glaze(
            pattern=str(patterns[k % len(patterns)]),
            palette=PALETTES[palettes[k % len(palettes)]],
            gloss=float(rng.choice([0.35, 0.75, 0.9, 0.95])),
            whim=float(rng.random()),
        )
        for k in range(count)
    ]


def _photo(piece: Piece, number: int, shot: int, seed: int) -> Photo:
    form, glaze = piece.form, piece.glaze
    label = f"{form.adjective} {glaze.palette.name} {form.shape} {number + 1:02d}"
    return Photo(
        path=f"{label.lower().replace(' ', '-')}/{shot + 1:02d}.jpg",
        label=label,
        shape=form.shape,
        glaze=glaze.pattern,
        colour=glaze.palette.colour,
        piece=piece,
        seed=(seed, 2, number, shot),
    )
