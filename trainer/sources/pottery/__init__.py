"""The demo catalogue: a generated shop of pottery, photographed on wood, linen, stone and paper.

`plan` lists the photographs, `render` takes one, `make` fills a folder with all of them and a CSV. Everything is drawn
with NumPy: forms are turned from profile curves (forms, solid), rays find them (trace), glazes and patterns colour them
(glazes, patterns), and lamp, room and table light them (scene, backdrops, shading, picture).
"""

from trainer.sources.pottery.shop import Photo, Piece, plan, render
from trainer.sources.pottery.studio import make

__all__ = ["Photo", "Piece", "make", "plan", "render"]
