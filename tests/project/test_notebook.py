"""The notebook runs from its first cell to its last, and shows pictures at each step."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT, Trained

NOTEBOOK = ROOT / "notebooks" / "image_search.ipynb"


def test_it_is_kept_without_answers() -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    assert [cell["id"] for cell in notebook["cells"] if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.slow
def test_it_runs_and_shows_pictures(trained: Trained, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    (settings,) = [cell for cell in notebook.cells if cell.id == "settings"]
    settings.source = f"SOURCE, CONFIG, ARTIFACTS = {[str(trained.table), str(trained.config), str(tmp_path)]}"
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    with_pictures = [
        name for name, answers in outputs.items() if any("image/png" in answer.get("data", {}) for answer in answers)
    ]
    assert with_pictures == ["bundle", "search", "distances"]
    texts = {name: "".join(answer.get("text", "") for answer in answers) for name, answers in outputs.items()}
    assert "Published bundle" in texts["train"]
    assert "96 items" in texts["bundle"]
    assert "exact: " in texts["search"]
