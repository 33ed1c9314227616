"""The plain text tables of public data sets: one row a line, its cells set apart by blanks or tabs."""

from pathlib import Path

from trainer.errors import SourceError


def read_rows(file: Path) -> list[list[str]]:
    """The rows of `file`, without the blank ones. Raises SourceError when it cannot be read."""
    try:
        return [cells for line in file.read_text(encoding="utf-8").splitlines() if (cells := line.split())]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read as text: {error}") from error
