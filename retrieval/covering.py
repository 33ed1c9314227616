"""Which items a bundle lacks a vector of. They get one before it goes live, whoever makes it so."""

from collections.abc import Mapping


def lacking(held: Mapping[str, str | None], wanted: Mapping[str, str]) -> list[str]:
    """Which ids of `wanted` have no vector, or one of another file.

    `held`: the ids that have a vector, with the SHA-256 of the file it was made of; None where that is not known, and
    then it counts as right. `wanted`: the items' ids, with the SHA-256 of their files.
    """
    return [id_ for id_, digest in wanted.items() if id_ not in held or held[id_] not in (None, digest)]
