"""From pictures to searchable items: a training run over a folder, and bulk additions, beside decode + ONNX alone.

The network is EfficientNet-Lite0 with random weights, which takes as long as with trained ones, and nothing is tuned.
All figures are CPU time of every process that works, so that what else a machine does changes them little.
"""

import argparse
import base64
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.serving import SESSION, running
from benchmarks.setup import ROOT, WORK, publish, table
from retrieval.encoding.embedder import Embedder
from tests.support.bundles import picture
from trainer.bundles import load_current

PICTURES = 2_000
FEW = 20  # pictures of a run that takes as long as it takes to start
TOGETHER = 16  # pictures in one run of the encoder, as in the API
WIDTH, HEIGHT = 400, 300
HEADER = "what | CPU ms a picture | pictures in a CPU second | share of decode + ONNX alone"
CONFIG = """
[encoder]
backbone = "efficientnet-lite0"
weights = "none"

[head]
enabled = false
"""


def main(arguments: list[str] | None = None) -> None:
    """Train on pictures, then add as many others twice: in one batch, and one by one as forms."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python -m benchmarks.ingest --pictures 400")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="how many are added in each way")
    count = parser.parse_args(arguments or []).pictures
    home = WORK / "ingest"
    shutil.rmtree(home, ignore_errors=True)
    (home / "folder").mkdir(parents=True)
    starting = train(home, FEW)
    training = train(home, count) - starting
    embedder = load_current(home / "artifacts").embedder
    alone = min(cpu_alone(embedder, new(count, 1), together) for together in (1, TOGETHER))
    with running(home / "artifacts") as (address, _, process):

        def cpu(work: Callable[[], None]) -> float:
            before = sum(process.cpu_times()[:2])
            work()
            return float(sum(process.cpu_times()[:2]) - before)

        add_batch(address, new(TOGETHER, 2))  # warms up
        batch = cpu(lambda: add_batch(address, new(count, 3)))
        forms = cpu(lambda: add_forms(address, new(count, 4)))
    names = ("decode + ONNX alone", "folder to searchable, by `lookalike train`", "POST /items/batch", "POST /items")
    counts = (count, count - FEW, count, count)
    each = [s / n for s, n in zip((alone, training, batch, forms), counts, strict=True)]
    rows = [
        (name, f"{1000 * s:.2f}", f"{1 / s:.0f}", f"{each[0] / s:.0%}") for name, s in zip(names, each, strict=True)
    ]
    publish("ingest", table(HEADER, rows))


def new(count: int, turn: int) -> list[bytes]:
    """JPEGs that nobody has seen; each turn has others."""
    return [picture(turn * 1_000_000 + number, width=WIDTH, height=HEIGHT) for number in range(count)]


def cpu_alone(embedder: Embedder, pictures: Sequence[bytes], together: int) -> float:
    """The CPU seconds of decoding and encoding, so many pictures at a time."""
    before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    for start in range(0, len(pictures), together):
        embedder.embed([embedder.prepare(data) for data in pictures[start : start + together]])
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before


def train(home: Path, count: int) -> float:
    """The CPU seconds of a run over so many pictures, into an artifacts folder of its own."""
    for name in ("folder", "artifacts"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "folder").mkdir()
    (home / "config.toml").write_text(CONFIG, encoding="utf-8")
    for number, data in enumerate(new(count, 0)):
        (home / "folder" / f"{number}.jpg").write_bytes(data)
    options = ["--source", home / "folder", "--config", home / "config.toml", "--artifacts", home / "artifacts"]
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    subprocess.run([sys.executable, "-m", "lookalike", "train", *map(str, options)], cwd=ROOT, check=True)
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before


def add_batch(address: str, pictures: Sequence[bytes]) -> None:
    """Add pictures by one request, a line of JSON for each."""
    lines = (json.dumps({"image_base64": base64.b64encode(data).decode()}) for data in pictures)
    answer = SESSION.post(
        f"{address}/items/batch", "\n".join(lines), headers={"Content-Type": "application/x-ndjson"}, timeout=600
    )
    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    if statuses != [201] * len(pictures):
        raise RuntimeError(f"not all were added: {answer.text[:300]}")


def add_forms(address: str, pictures: Sequence[bytes]) -> None:
    """Add pictures one by one, each as a file in a form."""
    for data in pictures:
        SESSION.post(f"{address}/items", files={"file": ("new.jpg", data)}, timeout=60).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1:])
