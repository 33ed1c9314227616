"""Where everything in an artifacts folder is. The only file that knows the names of files."""

import re
from pathlib import Path

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
ENCODER = "encoder.onnx"
PROJECTION = "projection.npz"
CLUSTERS = "clusters.npz"
CALIBRATION = "calibration.npz"
FACES = "faces"
FACE_NETWORKS = ("pnet", "rnet", "onet", "yunet", "yolo")
FACE_MODELS = {"haar": f"{FACES}/haar.xml"} | {name: f"{FACES}/{name}.onnx" for name in FACE_NETWORKS}
REPORT = "report"
TRAINING = "training"
STORE = "store.json"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


def bundle_path(artifacts: Path, bundle_id: str) -> Path:
    """The folder of one bundle."""
    return artifacts / "bundles" / bundle_id


def is_bundle_id(text: str) -> bool:
    """Whether a bundle may have this id: then it is no path that leads elsewhere."""
    return _ID.fullmatch(text) is not None


def ids(artifacts: Path) -> list[str]:
    """The ids of all bundles, sound or not; drafts are none."""
    folder = artifacts / "bundles"
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def pending_path(artifacts: Path, bundle_id: str) -> Path:
    """The file of the items that become the catalogue's when a bundle goes live; there is none once they are."""
    return artifacts / "pending" / f"{bundle_id}.jsonl"
