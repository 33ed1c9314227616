"""Small real bundles for tests: real pictures, a real ONNX encoder and real stores, in well under a second.

The encoder is one random convolution: its cells are linear in the pixels, and their mean is the embedding. The face
detector is a real Haar cascade of one stump, to which every dark square on a bright ground is a face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from retrieval import bundle as bundles
from retrieval.calibration import Calibration, Curve
from retrieval.catalogue import Attribute, Catalogue, Item
from retrieval.clusters import Clusters, Reach, Vectors
from retrieval.encoding.embedder import Embedder, open_whole
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.encoding.projection import Projection
from retrieval.faces.opener import FaceStage
from retrieval.faces.spec import FaceSpec
from retrieval.images import RGB
from retrieval.vectors.margins import SHARES, Margins
from retrieval.vectors.stores import EmbeddedStores

SIDE = 32  # pixels; the encoder's input
GRID = 4  # cells along each side
EMBEDDING_DIMS = 16
DIMS = 8
CLUSTERS = 6


# One feature: four times the sum of the middle less the sum of the whole window, in standard deviations.
CASCADE = b"""<?xml version="1.0"?>
<opencv_storage><cascade type_id="opencv-cascade-classifier"><stageType>BOOST</stageType><featureType>HAAR</featureType>
<height>24</height><width>24</width><stageParams><maxWeakCount>1</maxWeakCount></stageParams>
<featureParams><maxCatCount>0</maxCatCount></featureParams><stageNum>1</stageNum><stages><_><maxWeakCount>1</maxWeakCount>
<stageThreshold>0.5</stageThreshold><weakClassifiers><_><internalNodes>0 -1 0 -1.2</internalNodes>
<leafValues>1. -1.</leafValues></_></weakClassifiers></_></stages><features><_><rects><_>0 0 24 24 -1.</_>
<_>6 6 12 12 4.</_></rects><tilted>0</tilted></_></features></cascade></opencv_storage>
"""


@dataclass(frozen=True)
class Piece:
    """One picture to be, and what the catalogue says of it."""

    id: str
    data: bytes
    label: str | None
    attributes: dict[str, Attribute]


def picture(seed: int, *, width: int = 60, height: int = 44, format_: str = "JPEG") -> bytes:
    """The file of a picture of a few coloured patches, the same for the same seed."""
    patches = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC).save(buffer, format_)
    return buffer.getvalue()


def portrait(seed: int, *, face: bool = True) -> bytes:
    """A picture of a face, a dark square, or of the bright ground alone; the same for the same seed."""
    random = np.random.default_rng(seed)
    pixels = random.integers(180, 256, (90, 90, 3), dtype=np.uint8)
    if face:
        left, top = random.integers(20, 30, 2)
        inside = pixels[top : top + 40, left : left + 40]
        inside[:] = inside // 4 + random.integers(0, 60, 3, dtype=np.uint8)
    return png(pixels)


def png(rgb: RGB) -> bytes:
    """The file of these pixels."""
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def face_stage(
    *, missing: Literal["skip", "whole"] = "skip", which: Literal["largest", "all"] = "largest"
) -> FaceStage:
    """Crops of the largest face of portraits, or of all."""
    spec = FaceSpec(detector="haar", min_size=36, margin=0, template=None, which=which, missing=missing)
    return FaceStage(spec, {"haar": CASCADE})


def some_calibration() -> Calibration:
    """One that is sure of what is near, and of nothing far away."""
    cosine = Curve(np.array([0.0, 0.2, 1.5]), np.array([1.0, 0.6, 0.0]))
    euclidean = Curve(np.array([0.1, 0.5, 1.2]), np.array([0.95, 0.5, 0.02]))
    return Calibration(cosine, euclidean, "label", 340)


def pieces(count: int) -> list[Piece]:
    """Different pictures with ids, labels and attributes; every seventh without a label."""
    return [
        Piece(
            f"shelf {n % 5}/piece-{n:03}",
            picture(n),
            None if n % 7 == 0 else f"label-{n % 4}",
            {"shape": ("bottle", "bowl")[n % 2], "price": n / 2, "stock": n, "glazed": n % 3 == 0},
        )
        for n in range(count)
    ]


def write_encoder(path: Path, *, seed: int = 7, dims: int = EMBEDDING_DIMS) -> None:
    """An ONNX file that keeps the encoder contract: images -> embedding, cells."""
    side = SIDE // GRID
    kernel = np.random.default_rng(seed).normal(0, 1 / 255, (dims, 3, side, side)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["maps"], strides=[side, side]),
        helper.make_node("Transpose", ["maps"], ["cells"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["cells"], ["embedding"], axes=[1, 2], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE, 3])]
    outputs = [
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dims]),
        helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", GRID, GRID, dims]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(kernel, "kernel")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_artifacts(
    artifacts: Path,
    shop: Sequence[Piece],
    *,
    bundle_id: str = "tiny",
    publish: bool = True,
    calibration: Calibration | None = None,
    faces: FaceStage | None = None,
    report: Path | None = None,
    seed: int = 7,
) -> dict[str, Vectors]:
    """What a training run leaves: pictures, catalogue, vectors, a bundle. Returns each piece's vector [DIMS] by id.

    `seed`: another one makes another encoder.
    """
    ids = [piece.id for piece in shop]
    pictures = [piece.data for piece in shop]
    vectors = write_bundle(
        artifacts,
        pictures,
        bundle_id,
        calibration=calibration,
        margins=some_margins(),
        faces=faces,
        report=report,
        seed=seed,
    )
    folder = bundles.bundle_path(artifacts, bundle_id)
    EmbeddedStores(artifacts).create(bundle_id, bundles.load(folder).clusters, ids=ids, vectors=vectors)
    catalogue = Catalogue(bundles.catalogue_url(artifacts))
    catalogue.replace_source([write_picture(artifacts, piece) for piece in shop])
    catalogue.close()
    if publish:
        bundles.publish(artifacts, bundle_id)
    return dict(zip(ids, vectors, strict=True))


def some_margins() -> Margins:
    """As if measured: for answers that are not exact."""
    return Margins(
        SHARES, {"cosine": SHARES / 8, "euclidean": SHARES / 4}, {"cosine": SHARES / 4, "euclidean": SHARES / 2}
    )


def write_picture(artifacts: Path, piece: Piece) -> Item:
    """The piece's file, named by its content, and its item."""
    digest = sha256(piece.data).hexdigest()
    path = artifacts / "pictures" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(piece.data)
    with Image.open(BytesIO(piece.data)) as image:
        width, height = image.size
        media_type = Image.MIME[image.format or ""]
    location = path.relative_to(artifacts).as_posix()
    return Item(piece.id, location, digest, media_type, width, height, piece.label, piece.attributes, "source")


def write_bundle(
    artifacts: Path,
    pictures: Sequence[bytes],
    bundle_id: str = "tiny",
    *,
    calibration: Calibration | None = None,
    margins: Margins | None = None,
    faces: FaceStage | None = None,
    report: Path | None = None,
    seed: int = 7,
) -> Vectors:
    """A bundle around these pictures, unpublished; returns their vectors [n, DIMS]."""
    training = artifacts / "training"
    training.mkdir(parents=True, exist_ok=True)
    (training / "config.toml").write_text("# a test's\n", encoding="utf-8")
    model = artifacts / "encoder.onnx"
    write_encoder(model, seed=seed)
    opener = faces.opener("faces") if faces else open_whole
    embedder = Embedder(OnnxEncoder(model.read_bytes(), str(model), threads=1), random_projection(), opener)
    vectors = embedder.embed([embedder.prepare(data) for data in pictures])
    clusters = Clusters(vectors[:CLUSTERS].copy())
    radii = Reach.nowhere(clusters).widened(vectors, clusters.assign(vectors)).radii
    bundles.write(
        artifacts,
        describe(bundle_id, items=len(vectors), clusters=len(clusters)),
        encoder=model,
        projection=embedder.projection,
        clusters=clusters,
        radii=radii,
        auto_probes=len(clusters),
        training=training,
        calibration=calibration,
        margins=margins,
        faces=faces,
        report=report,
    )
    return vectors


def random_projection(*, seed: int = 3) -> Projection:
    """Axes at right angles in no particular direction."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(EMBEDDING_DIMS, DIMS)))
    mean = random.normal(0, 0.05, EMBEDDING_DIMS)
    return Projection(mean.astype(np.float32), np.ascontiguousarray(axes.T, np.float32))


def describe(bundle_id: str, *, items: int, clusters: int) -> dict[str, object]:
    """A manifest without its files."""
    encoder = {"name": "tiny", "weights": "random", "height": SIDE, "width": SIDE, "dims": EMBEDDING_DIMS}
    return {
        "id": bundle_id,
        "created": datetime.now(UTC),
        "encoder": encoder | {"stage": "frozen"},
        "dims": DIMS,
        "counts": {"items": items, "labels": 4, "clusters": clusters},
        "metrics": {"frozen": {"map": 0.5, "queries": 40}},
        "intervals": {"frozen": {"map": [0.4, 0.6]}},
        "versions": {},
    }
