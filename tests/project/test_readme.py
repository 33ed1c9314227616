"""What the README tells people to type, typed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, Trained

README = (ROOT / "README.md").read_text()
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text()
API = "http://127.0.0.1:8000"


def block(language: str, containing: str) -> str:
    """The one code block of a language that contains some words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (result,) = [text for text in blocks if containing in text]
    return result


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """A working folder with a query.jpg and labelled pictures of shoes, as the examples assume."""
    pictures = sorted(path for path in trained.pictures.rglob("*.jpg") if path.parent != trained.pictures)
    shutil.copy(pictures[0], tmp_path / "query.jpg")
    shutil.copytree(trained.pictures, tmp_path / "shoes" / "train")
    for path in pictures:  # none that was trained on may be asked with
        new = tmp_path / "shoes" / "test" / path.relative_to(trained.pictures)
        new.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.crop((8, 8, *image.size)).save(new)
    return tmp_path


@pytest.mark.skipif(not shutil.which("curl"), reason="curl, which the example uses, is not installed")
def test_the_curl_example(api_address: str, folder: Path) -> None:
    command = block("sh", "curl").replace(API, api_address)
    done = subprocess.run(["sh", "-ec", command], cwd=folder, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert len(answer["hits"]) == 3
    assert answer["hits"][0]["cosine"] > 0.999


def test_the_python_example(api_address: str, folder: Path) -> None:
    code = block("python", "import requests").replace(API, api_address)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    *hits, how = done.stdout.splitlines()
    assert [line.split()[0] for line in hits] == ["1", "2", "3"]
    assert re.fullmatch(r"exact \d+ of \d+ clusters", how)


def test_the_examples_without_a_server(trained: Trained, folder: Path) -> None:
    for line in block("sh", "lookalike search").splitlines():
        command = [sys.executable, "-m", "lookalike", *line.split()[1:], "--artifacts", str(trained.artifacts)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
    assert all(len(line.split(maxsplit=2)) == 3 for line in listed.splitlines())


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert all((ROOT / path).exists() for path in re.findall(r"trainer/configs/\w+\.toml", README))


def test_the_measured_tables_are_filled() -> None:
    names = re.findall(r"<!-- ([\w ]+): written by", BENCHMARKS)
    assert {"quality", "new labels", "protocols", "calibration", "search", "scale", "serving"} <= set(names)
    for name in names:
        (table,) = re.findall(rf"<!-- {name}:[^>]*-->\n(.*?)<!-- /{name} -->", BENCHMARKS, re.DOTALL)
        assert table.count("\n|") >= 2 or table.startswith("- "), f"run python -m benchmarks {name}"


def test_the_headline_table_is_that_of_the_benchmarks() -> None:
    (headline,) = re.findall(r"<!-- quality:.*?<!-- /quality -->", README, re.DOTALL)
    assert headline in BENCHMARKS
