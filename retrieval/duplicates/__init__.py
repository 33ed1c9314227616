"""Which pictures are there more than once: the identical file, the same picture, the same thing.

Near-linear: a graph over small descriptors proposes a few candidates for each picture (candidates), and pixels decide
about every candidate (alignment). No table of all pairs is ever made.
"""

from retrieval.duplicates.groups import Duplicates, Group
from retrieval.duplicates.same_thing import CalibratedVectors, Probabilities
from retrieval.duplicates.search import Kind, Leak, Progress, Read, find, leaks, same_picture_pairs
from retrieval.duplicates.sketch import Sketch, sketch

__all__ = [
    "CalibratedVectors",
    "Duplicates",
    "Group",
    "Kind",
    "Leak",
    "Probabilities",
    "Progress",
    "Read",
    "Sketch",
    "find",
    "leaks",
    "same_picture_pairs",
    "sketch",
]
