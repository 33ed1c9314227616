"""Clients that others generate from the API's own document, used against a running API.

Generators need pip and npm, and packages that conflict with ours; each has an environment of its own.
"""

import json
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest

from api.main import create_app
from api.security.keys import ApiKey, digest_of, new_key
from api.settings import Settings
from tests.api.conftest import Serve, Shop
from tests.api.search.test_query import ITEM
from tests.support.bundles import picture

pytestmark = pytest.mark.slow  # it installs the generators

PROGRAMS = Path(__file__).with_name("clients")
PYTHON_GENERATOR = "openapi-python-client==0.29.1"
TYPESCRIPT_GENERATOR = ("@hey-api/openapi-ts@0.95.0", "typescript@5.9.3", "@types/node@20.19.0")
KEY = new_key()


def install(*command: object, cwd: Path) -> None:
    """Run an installer; where it cannot install, the test is skipped and says why."""
    ran = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        pytest.skip(f"{command[0]} cannot install the generator: {ran.stderr.strip()[-300:]}")


def run(*command: object, cwd: Path) -> str:
    ran = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder with the API's document, and a picture to search with."""
    folder = tmp_path / "workshop"
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(create_app(Settings()).openapi()))
    (folder / "query.jpg").write_bytes(picture(321))
    return folder


@pytest.fixture
def address(own_shop: Shop, serve: Serve) -> str:
    """Of an API that asks for a key."""
    key = ApiKey(name="generated", scope="write", sha256=digest_of(KEY))
    return f"http://127.0.0.1:{serve(own_shop.artifacts, api_keys=(key,))}"


def check(outcome: dict[str, Any], shop: Shop) -> None:
    """What a client has seen is what there is."""
    cheap = {piece.id for piece in shop.pieces.values() if float(piece.attributes["price"]) < 20}
    within = {piece.id for piece in shop.pieces.values() if piece.label in ("label-1", "label-2")} & cheap
    new = [f"new/{number}" for number in (4, 3, 2, 1)]
    assert len(outcome["by file"]) == 5
    assert len(outcome["by id"]) == 10
    assert set(outcome["by id"]) <= within - {ITEM}
    assert outcome["by link"] == outcome["by id"]
    assert outcome["several"] == [3, 3, "item_missing"]
    assert outcome["added"] == [201, "added", {"price": 3.5}]
    assert outcome["added as JSON"] == 201
    assert outcome["batch"] == [201, 201, 415]
    assert outcome["described"] == [None, {"stock": 2}]
    assert outcome["replaced"] == {"stock": 7}
    assert outcome["listed"][:4] == new
    assert sorted(outcome["listed"]) == sorted([*shop.pieces, *new])
    assert set(outcome["listed by link"]) == within
    assert len(outcome["listed by link"]) == len(within) > 4
    assert outcome["facets"] == ["glazed", "price", "shape", "stock"]
    assert outcome["thumbnail"] == "RIFF"
    assert outcome["deleted"] == [3, 204, "item_missing"]


def test_a_client_generated_in_python(workshop: Path, address: str, shop: Shop) -> None:
    venv.create(workshop / "venv", with_pip=True)
    programs = workshop / "venv" / "bin"
    install(programs / "python", "-m", "pip", "install", "--quiet", PYTHON_GENERATOR, cwd=workshop)
    run(
        *(programs / "openapi-python-client", "generate", "--path", "openapi.json"),
        *("--output-path", "lookalike_client", "--meta", "none"),
        cwd=workshop,
    )
    program = shutil.copy(PROGRAMS / "use_client.py", workshop)
    printed = run(programs / "python", program, address, KEY, "query.jpg", cwd=workshop)
    check(json.loads(printed), shop)


def test_a_client_generated_in_typescript(workshop: Path, address: str, shop: Shop) -> None:
    if shutil.which("npm") is None:
        pytest.skip("Node.js is not installed; `make node` installs it")
    (workshop / "package.json").write_text('{"private": true}')
    install("npm", "install", "--no-audit", "--no-fund", "--silent", *TYPESCRIPT_GENERATOR, cwd=workshop)
    run("npx", "openapi-ts", "-i", "openapi.json", "-o", "client", "-c", "@hey-api/client-fetch", cwd=workshop)
    shutil.copy(PROGRAMS / "use_client.ts", workshop)
    strict = (
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--module",
        "commonjs",
        "--moduleResolution",
        "node10",
        "--types",
        "node",
    )
    run("npx", "tsc", *strict, "use_client.ts", cwd=workshop)
    check(json.loads(run("node", "use_client.js", address, KEY, "query.jpg", cwd=workshop)), shop)
