"""`lookalike download faces`, from a real server on this machine: verified, resumed, and what is said offline."""

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bundles import write_encoder
from tests.support.face_networks import yunet
from tests.trainer.sources.serving import Handler, Server, serving
from trainer.commands.download import download
from trainer.config import CONFIGS, Config, load_config
from trainer.errors import SourceError, WeightsError
from trainer.run.inputs import with_files
from trainer.sources import face_models
from trainer.sources.fetch.remote import RemoteFile


class ZooHandler(Handler):
    """Serves the files of a test with ranges; breaks off halfway as often as `breaks` says."""

    files: dict[str, bytes]
    breaks = 0
    ranges: list[str | None]

    def respond(self) -> None:
        kind, content, wanted = type(self), self.files[self.path], self.headers["Range"]
        kind.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        body = content[start:]
        sent = body
        if kind.breaks:
            kind.breaks -= 1
            sent = body[: len(body) // 2]
        headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if wanted else {}
        self.answer(206 if wanted else 200, sent, length=len(body), ETag='"v1"', **headers)


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Both files, small, but of the same formats, under the names that the zoo has for them."""
    write_encoder(tmp_path / "encoder.onnx")
    contents = {face_models.DETECTOR.name: yunet(), face_models.ENCODER.name: (tmp_path / "encoder.onnx").read_bytes()}
    monkeypatch.setattr(ZooHandler, "files", {f"/{name}": content for name, content in contents.items()}, raising=False)
    monkeypatch.setattr(ZooHandler, "ranges", [], raising=False)
    monkeypatch.setattr(ZooHandler, "breaks", 0)
    with serving(ZooHandler) as running:
        files = tuple(
            RemoteFile(name, f"sha256:{hashlib.sha256(content).hexdigest()}", f"{running.url}/{name}")
            for name, content in contents.items()
        )
        monkeypatch.setattr(face_models, "FILES", files)
        yield running


def faces(artifacts: Path) -> Config:
    return with_files(load_config(CONFIGS / "faces.toml"), artifacts)


def test_both_files_are_fetched_once_and_the_configuration_finds_them(zoo: Server, tmp_path: Path) -> None:
    for _run in range(2):
        download("faces", artifacts=tmp_path)
    assert zoo.asked == list(ZooHandler.files)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == sorted(f.name for f in face_models.FILES)
    config = faces(tmp_path)
    assert config.faces is not None
    assert config.faces.file == tmp_path / "models" / "face_detection_yunet_2023mar.onnx"
    assert config.encoder.onnx == tmp_path / "models" / "face_recognition_sface_2021dec.onnx"
    assert with_files(config, tmp_path / "elsewhere") == config


def test_an_interrupted_download_goes_on(zoo: Server, tmp_path: Path) -> None:
    ZooHandler.breaks = 5
    with pytest.raises(WeightsError, match="The same command goes on where it stopped"):
        face_models.download(tmp_path)
    assert not (tmp_path / face_models.DETECTOR.name).exists()
    size = (tmp_path / f"{face_models.DETECTOR.name}.part").stat().st_size
    ZooHandler.ranges.clear()
    face_models.download(tmp_path)
    assert ZooHandler.ranges == [f"bytes={size}-", None]
    for name, content in ZooHandler.files.items():
        assert (tmp_path / name.removeprefix("/")).read_bytes() == content


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_wrong_checksum_is_refused(by_hand: bool, zoo: Server, tmp_path: Path) -> None:
    name = face_models.ENCODER.name
    if by_hand:
        (tmp_path / name).write_bytes(b"<html>")
    else:
        ZooHandler.files[f"/{name}"] += b"x"
    with pytest.raises(SourceError, match=f"is not the {name} that was published: its sha256 is"):
        face_models.download(tmp_path)
    assert (tmp_path / face_models.DETECTOR.name).exists()
    assert (tmp_path / name).exists() == by_hand


def test_offline_it_is_said_what_to_fetch_and_what_to_set(
    zoo: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
    monkeypatch.setattr(face_models, "FILES", tuple(replace(file, url=nobody) for file in face_models.FILES))
    with pytest.raises(WeightsError) as raised:
        face_models.download(tmp_path)
    said = str(raised.value)
    for words in ("(ConnectionError)", face_models.PAGE, str(tmp_path), "file = ... under [faces]", *ZooHandler.files):
        assert words.removeprefix("/") in said


def test_a_run_without_the_files_says_how_to_get_them(zoo: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no encoder .*`lookalike download faces` fetches"):
        faces(tmp_path)
    face_models.download(tmp_path / "models")
    (tmp_path / "models" / face_models.DETECTOR.name).unlink()
    with pytest.raises(WeightsError, match=r"There is no face detector .*file = \.\.\. under \[faces\]"):
        faces(tmp_path)


def test_the_published_files_are_pinned() -> None:
    for file in (face_models.DETECTOR, face_models.ENCODER):
        assert str(file.url).startswith(
            "https://github.com/opencv/opencv_zoo/raw/47534e27c9851bb1128ccc0102f1145e27f23f98/"
        )
        assert str(file.url).endswith(f"/{file.name}")
        assert len(file.checksum) == len("sha256:") + 64
