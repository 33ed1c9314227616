"""Which pictures are there more than once: the identical file, the same picture, the same thing.

Near-linear: a graph over small descriptors proposes a few candidates for each picture (candidates), and pixels decide
about every candidate (alignment). No table of all pairs is ever made.
"""

from retrieval.duplicates.groups import Duplicates, Group
from retrieval.duplicates.search import Kind, Leak, Read, Told, find, leaks, same_picture_pairs
from retrieval.duplicates.sketch import Sketch, sketch
from retrieval.duplicates.things import Probabilities, Things

__all__ = [
    "Duplicates",
    "Group",
    "Kind",
    "Leak",
    "Probabilities",
    "Read",
    "Sketch",
    "Things",
    "Told",
    "find",
    "leaks",
    "same_picture_pairs",
    "sketch",
]
