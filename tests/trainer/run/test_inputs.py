"""What a run refuses before anything slow begins: sources from which nothing can be learned."""

from pathlib import Path

import pytest

from trainer.commands.terminal.console import Display
from trainer.config import CONFIGS, Config, load_config
from trainer.errors import SourceError
from trainer.run.inputs import Inputs, read_inputs

DEMO, FROZEN = (load_config(CONFIGS / f"{name}.toml") for name in ("demo", "frozen"))


def fill(folder: Path, contents: dict[str, bytes]) -> Path:
    for place, content in contents.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)
    return folder


def read(folder: Path, config: Config) -> Inputs:
    return read_inputs(str(folder), config, folder.parent / "artifacts", Display())


@pytest.mark.parametrize(
    "places", [[f"{label}/{n}.jpg" for label in "ab" for n in range(9)], [f"{n}.jpg" for n in range(18)]]
)
def test_copies_of_one_file(places: list[str], tmp_path: Path) -> None:
    folder = fill(tmp_path / "shop", dict.fromkeys(places, b"one picture"))
    with pytest.raises(SourceError, match=r"All 18 pictures of .* are copies of one file.*--config frozen"):
        read(folder, DEMO)
    assert len(read(folder, FROZEN).listing.pictures) == 18
    (folder / places[-1]).write_bytes(b"two picture")
    assert len(read(folder, DEMO).listing.pictures) == 18


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"1.jpg": b"a"}, "Of .*, 1 can be used, and training takes three pictures"),
        ({"1.jpg": b"a", "2.jpg": b"b"}, "Of .*, 2 can be used, and training takes three pictures"),
        ({"cup/1.jpg": b"a"}, "No label has three pictures"),
        ({"cup/1.jpg": b"a", "cup/2.jpg": b"b"}, "No label has three pictures"),
    ],
)
def test_too_few_pictures(contents: dict[str, bytes], message: str, tmp_path: Path) -> None:
    folder = fill(tmp_path / "shop", contents)
    with pytest.raises(SourceError, match=message):
        read(folder, DEMO)
    assert len(read(folder, FROZEN).listing.pictures) == len(contents)
