"""The process: what it imports, prints and is set by; and its OpenAPI document."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.__main__ import main
from api.errors import Code
from api.main import create_app
from api.settings import Settings
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).with_name("openapi.json")
TRAINERS_ONLY = {"keras", "tensorflow", "tf2onnx", "onnx", "sklearn", "joblib", "torch", "trainer", "frontend"}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """`python -m api`, without the price of another process; returns its exit status."""
    monkeypatch.setattr(sys, "argv", ["api", *arguments])
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def test_no_training_library_is_imported() -> None:
    script = "import sys, api.main, api.__main__; print(*{name.split('.')[0] for name in sys.modules})"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "onnxruntime" in ran.stdout.split()
    assert not TRAINERS_ONLY & set(ran.stdout.split())


def test_help_gives_an_example_and_every_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    printed = capsys.readouterr().out
    assert " lookalike api --artifacts" in printed
    for name in Settings.model_fields:
        assert f"LOOKALIKE_{name.upper()} " in printed


def test_a_setting_out_of_range_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOOKALIKE_API_PORT", "99999")
    monkeypatch.setenv("LOOKALIKE_WORKERS", "none")
    assert run(monkeypatch) == 2
    printed = capsys.readouterr().err
    assert "LOOKALIKE_API_PORT: must be less than or equal to 65535" in printed
    assert "LOOKALIKE_WORKERS: must be a whole number" in printed


def test_vectors_that_cannot_be_where_a_setting_says_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LOOKALIKE_VECTORS_URL", "milvus://127.0.0.1")
    assert run(monkeypatch, "--artifacts", str(tmp_path), "--port", str(free_port())) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "LOOKALIKE_VECTORS_URL" in line
    assert "LOOKALIKE_CATALOGUE_URL" in line


def test_an_old_name_of_a_setting_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOOKALIKE_REMEMBERED", "7")
    assert Settings().query_cache_size == 7
    assert run(monkeypatch, "--openapi") == 0
    assert capsys.readouterr().err == (
        "LOOKALIKE_REMEMBERED is now called LOOKALIKE_QUERY_CACHE_SIZE; please rename it.\n"
    )
    monkeypatch.setenv("LOOKALIKE_QUERY_CACHE_SIZE", "9")
    assert Settings().query_cache_size == 9


def test_the_openapi_document_is_the_committed_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--openapi") == 0
    assert capsys.readouterr().out == SNAPSHOT.read_text(encoding="utf-8"), (
        "The API's contract has changed. If it was meant to: python -m api --openapi > tests/api/openapi.json"
    )


def test_every_operation_has_a_name_and_tells_its_problems(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) == 66
    documented = set()
    for operation in operations:
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if media_type == "application/problem+json":
                    documented |= set(content["examples"])
                    assert {example["value"]["status"] for example in content["examples"].values()} == {int(status)}
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(get_args(Code))
    # Those two are no operation's: they are told of addresses and methods that the document does not hold.
    assert documented == set(get_args(Code)) - {"not_found", "method_not_allowed"}


def test_the_documentation_page_needs_no_internet(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/static-offline-docs/{asset}" in page
        assert client.get(f"/static-offline-docs/{asset}").status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_everything_that_the_document_refers_to_is_in_it(document: dict[str, Any]) -> None:
    """The validator follows a reference only where it needs to; generated clients follow all of them."""
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references - document["components"]["schemas"].keys() == set()


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_no_field_has_a_default_of_another_type(document: dict[str, Any]) -> None:
    def defaults(node: Any) -> Iterator[Any]:
        if isinstance(node, dict):
            yield from (value for name, value in node.items() if name == "default")
            node = list(node.values())
        if isinstance(node, list):
            for each in node:
                yield from defaults(each)

    assert None not in list(defaults(document))


@pytest.mark.parametrize("module", ["api", "lookalike"])
def test_a_reader_that_ends_early_is_no_error(module: str) -> None:
    command = f"{sys.executable} -m {module} {'api ' * (module == 'lookalike')}--openapi | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
