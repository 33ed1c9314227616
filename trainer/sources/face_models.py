"""The two published files of `faces.toml`: YuNet, which finds faces, and SFace, which compares them."""

from pathlib import Path

import requests

from trainer.config import Config
from trainer.errors import WeightsError
from trainer.progress import Progress
from trainer.sources.fetch.remote import RemoteFile, fetch_file, verify

PAGE = "https://github.com/opencv/opencv_zoo/tree/main/models"
ZOO = "https://github.com/opencv/opencv_zoo/raw/47534e27c9851bb1128ccc0102f1145e27f23f98/models"
DETECTOR = RemoteFile(
    "face_detection_yunet_2023mar.onnx",
    "sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    f"{ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
)
ENCODER = RemoteFile(
    "face_recognition_sface_2021dec.onnx",
    "sha256:0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    f"{ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
)
FILES = (DETECTOR, ENCODER)
NAME = "faces"  # what `lookalike download` calls them


def models_folder(artifacts: Path) -> Path:
    """Where published models are downloaded to unless somebody says otherwise."""
    return artifacts / "models"


def download(folder: Path, progress: Progress | None = None) -> None:
    """Bring into `folder` what is missing of FILES. What is there is verified, and left alone.

    Raises WeightsError that says what to do by hand where a file cannot be fetched, SourceError for a wrong checksum.
    """
    for file in FILES:
        if (folder / file.name).exists():
            verify(file, folder / file.name)
            continue
        try:
            fetch_file(file, str(file.url), folder, progress)
        except requests.RequestException as error:
            raise WeightsError(
                f"{file.name} could not be fetched from here ({type(error).__name__}). The same command goes on where "
                f"it stopped. Without a network, fetch {' and '.join(each.name for each in FILES)} elsewhere, from "
                f"{PAGE}, and put them into {folder}; or name them where they are: file = ... under [faces], onnx = "
                "... under [encoder]."
            ) from error


def with_models(config: Config, artifacts: Path) -> Config:
    """The configuration with the places of the published files that it names by their names alone, or not at all.

    Raises WeightsError where the detector's file is not there.
    """
    faces, encoder = config.faces, config.encoder
    if faces is None:
        return config
    downloaded = models_folder(artifacts)
    published = downloaded / ENCODER.name
    if encoder.onnx == Path(ENCODER.name) and not encoder.onnx.is_file():
        if not published.is_file():
            raise WeightsError(_absent("encoder", published, "onnx = ... under [encoder]"))
        encoder = encoder.model_copy(update={"onnx": published})
    if faces.detector == "yunet" and faces.file is None:
        faces = faces.model_copy(update={"file": downloaded / DETECTOR.name})
    if faces.file is not None and not faces.file.is_file():
        raise WeightsError(_absent("face detector", faces.file, "file = ... under [faces]"))
    return config.model_copy(update={"faces": faces, "encoder": encoder})


def _absent(what: str, path: Path, setting: str) -> str:
    return (
        f"There is no {what} {path}. `lookalike download {NAME}` fetches the published files into the folder models of "
        f"the artifacts folder; a file that is elsewhere is named as {setting}."
    )
