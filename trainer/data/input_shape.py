"""What an encoder is given of a picture: its shape, and what of the picture fills it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retrieval import images
from retrieval.images import RGB, Fit


class Alter(Protocol):
    """Makes another look of a picture, of that height and width."""

    def __call__(self, rgb: RGB, height: int, width: int) -> RGB:
        """Uint8 [h, w, 3] to uint8 [height, width, 3]."""
        ...


@dataclass(frozen=True, slots=True)
class InputShape:
    """Height and width in pixels of an encoder's input, and what of a picture fills it (images.arrange)."""

    height: int
    width: int
    fit: Fit = "whole"

    @property
    def side(self) -> int:
        """The side in pixels that a picture is opened for."""
        return images.arranged_side(self.height, self.width, self.fit)

    def arranged(self, rgb: RGB) -> RGB:
        """An opened picture, ready for the encoder."""
        return images.arrange(rgb, self.height, self.width, self.fit)

    def each(self, rgb: RGB, alter: Alter) -> RGB:
        """Another look of a picture, ready for the encoder; of whole and centre apart where both are seen."""
        if self.fit == "whole":
            return alter(rgb, self.height, self.width)
        if self.fit == "centre":
            return alter(images.centre(rgb), self.height, self.width)
        half = self.height // 2
        return np.concatenate([alter(rgb, half, self.width), alter(images.centre(rgb), half, self.width)])
