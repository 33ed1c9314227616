"""From what a row says to the file that it means, or the reason why there is none."""

import re
from pathlib import Path

from retrieval.text import nfc, spellings

Names = dict[str, str]
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(?=//)|(data):", re.IGNORECASE)
_WINDOWS = re.compile(r"[a-z]:[\\/]|\\\\", re.IGNORECASE)
_PICTURE = re.compile(
    r".*\.(jpe?g?|jfif|png|webp|gif|bmp|p[bgpn]m|tiff?|hei[cf]|avif|jxl|jp2|svg)|https?://.*", re.IGNORECASE
)
NO_FILE = "there is no such file"


def is_remote(place: str) -> bool:
    """Whether it is an address that can be fetched."""
    return place.lower().startswith(("http://", "https://"))


def is_picture_name(text: str) -> bool:
    """Whether a text looks like the place of a picture, by its ending or because it is an address."""
    return _PICTURE.fullmatch(text) is not None


class Places:
    """Finds the files that a table in `folder` names. What a folder holds is read once, and only for misses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listings: dict[Path, tuple[Names, Names]] = {}

    def find(self, path: str, url: str = "") -> tuple[Path | str, str]:
        """The file of a row, absolute, or the reason why there is none; and the place that its id is made of.

        Backslashes are slashes where no file has them in its name; letters with accents are found in either form.
        """
        place = path or url
        if not place:
            return "it names no path and no URL", place
        if scheme := _SCHEME.match(place):
            return _about(scheme[0].rstrip(":").lower(), is_path=bool(path)), place
        reason = NO_FILE
        for written in dict.fromkeys((place, place.replace("\\", "/"))):
            try:
                if file := self._look_up(written):
                    return file, nfc(written)
            except OSError as error:  # a name that is too long, a folder that may not be entered
                return f"it cannot be looked up: {error.strerror}", place
            reason = self._near(written) or reason
        if _WINDOWS.match(place):
            reason += "; it is a path of a Windows computer: write it relative to the CSV"
        if not path:
            reason = f"its url does not begin with http:// or https://, and {reason}"
        return reason, place

    def is_likely(self, place: str) -> bool:
        """Whether a text looks like the place of a picture: by its ending, or because there is such a file."""
        try:
            return bool(place) and (is_picture_name(place) or (self._folder / place).is_file())
        except OSError:
            return False

    def _look_up(self, place: str) -> Path | None:
        for form in spellings(place):
            path = (self._folder / form).absolute()
            if path.is_file():
                return path
        if place.isascii():
            return None
        path = self._folder.absolute()
        for part in Path(place).parts:
            if not (path / part).exists():
                part = self._listing(path)[0].get(nfc(part), part)  # noqa: PLW2901
            path /= part
        return path if path.is_file() else None

    def _near(self, place: str) -> str | None:
        """What to say where only capitals differ, as happens to tables made under Windows."""
        path = (self._folder / place).absolute()
        name = self._listing(path.parent)[1].get(nfc(path.name).lower())
        return f"{NO_FILE}, but there is {name}; capitals count" if name and name != path.name else None

    def _listing(self, folder: Path) -> tuple[Names, Names]:
        """The names in a folder, by their composed form and by that in lower case."""
        if folder not in self._listings:
            try:
                names = sorted(path.name for path in folder.iterdir())
            except (OSError, ValueError):
                names = []
            self._listings[folder] = ({nfc(n): n for n in names}, {nfc(n).lower(): n for n in names})
        return self._listings[folder]


def _about(scheme: str, *, is_path: bool) -> str:
    if scheme == "file":
        return "it begins with file://; write the path alone, in the column path"
    if scheme in {"http", "https"} and is_path:
        return "its path is an address; write it in the column url"
    return f"{scheme}: cannot be fetched, only http:// and https://; download it, and name the file in the column path"
