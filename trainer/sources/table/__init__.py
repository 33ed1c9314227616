"""A table of pictures, a CSV or JSON: `path` or `url`, perhaps `label`, `id` and `part`; the rest are attributes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from retrieval.text import nfc, normal
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.base import PARTS, Listing, Part, Picture, Skipped, Value, refusal, stable_id
from trainer.sources.fetch.download import fetch_all
from trainer.sources.table.columns import is_header, read_columns
from trainer.sources.table.decoding import read_text
from trainer.sources.table.entries import Entry, notes_on_entries, read_attributes, read_entries
from trainer.sources.table.places import Places
from trainer.sources.table.records import Records, is_json
from trainer.sources.table.rows import Rows
from trainer.sources.table.values import MISSING

MAX_SHOWN = 100  # characters of what a row says of its place


def read_csv(table: Path, cache: Path, progress: Progress | None = None) -> Listing:
    """The pictures that the rows of `table` name; those at a URL are downloaded once, into the folder `cache`.

    `table` may also be JSON Lines or a list in JSON, and packed with gzip, bzip2 or xz. Every row becomes a picture
    or is skipped with its reason. Relative paths start from the CSV's folder. The kinds of columns are told in
    `values`; an empty cell is an absent attribute. Notes say what is not taken as it is written. Raises SourceError
    when the file is not such a CSV, names an unknown part, or when none of its rows can be used.
    """
    text, notes = read_text(table)
    rows = Records(table, text) if is_json(text) else Rows(text, is_header)
    if rows.fault:
        raise SourceError(f"The first line of {table} names the columns, but {rows.fault}.")
    columns = read_columns(table, rows.header, rows.header_line)
    places = Places(table.parent)
    entries = read_entries(rows, columns.names, places)
    usable = [entry for entry in entries if not entry.fault]
    parts = {entry.row: _part(table, entry) for entry in usable}
    attributes, notes_on_values = read_attributes(usable, columns.names, decimal_comma=rows.delimiter in ";\t")
    fetched = fetch_all([entry.url for entry in usable if entry.url], cache, progress)
    pictures: list[Picture] = []
    skipped: list[Skipped] = []
    rows_by_id: dict[str, int] = {}
    for entry in entries:
        picture: Picture | str | None = entry.fault
        if picture is None:
            file, place = (fetched[entry.url], entry.url) if entry.url else places.find(entry.path, entry.place)
            picture = _picture(table, entry, file, place, parts[entry.row], attributes[entry.row])
        if isinstance(picture, Picture) and (earlier := rows_by_id.setdefault(picture.id, entry.row)) != entry.row:
            picture = f"an earlier row has the same picture or id: row {earlier}"
        if isinstance(picture, Picture):
            pictures.append(picture)
        else:
            skipped.append(Skipped(_where(table, entry), picture))
    if not pictures:
        raise SourceError(_nothing(table, skipped))
    return Listing(
        pictures, skipped, [*notes, *rows.notes, *columns.notes, *notes_on_entries(entries), *notes_on_values]
    )


def _picture(
    table: Path, entry: Entry, file: Path | str, place: str, part: Part | None, attributes: Mapping[str, Value]
) -> Picture | str:
    """The picture of a row, or the reason why it cannot be used."""
    if isinstance(file, str):
        return file
    identity = nfc(entry.cells["id"]) if "id" in entry.cells else stable_id(place)
    picture = Picture(identity, file, entry.label, attributes, part, row=_where(table, entry))
    return refusal(picture) or picture


def _where(table: Path, entry: Entry) -> str:
    place = entry.place.partition("\n")[0]
    text = place if len(place) <= MAX_SHOWN else f"{place[: MAX_SHOWN - 1]}…"
    line = f" (line {entry.line})" if entry.line != entry.row else ""
    return f"{table.name}, row {entry.row}{line}: {text}"


def _part(table: Path, entry: Entry) -> Part | None:
    text = normal(entry.cells.get("part", ""))
    if not text or text.lower() in MISSING:
        return None
    if text.lower() not in PARTS:
        raise SourceError(
            f"{table}, row {entry.row}: the column part holds {text}. It says which part of the publisher's split a "
            "picture is in: train, validation or test. If yours means something else, rename it."
        )
    return PARTS[text.lower()]


def _nothing(table: Path, skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return f"No picture of {table} can be used: it has no rows."
    (reason, count), *others = Counter(entry.reason for entry in skipped).most_common()
    of_rows = f"{count} of {len(skipped)} rows" if others else f"all {len(skipped)} rows" if count > 1 else "its row"
    return (
        f"No picture of {table} can be used: {reason} ({of_rows}; the first is {skipped[0].place}). "
        "Relative paths start from the CSV's folder."
    )
