"""Styles and scripts joined: in order, of one meaning with the files, and by names that are known alone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from frontend.web import assets
from frontend.web.assets import NoSuchAsset, joined_scripts, joined_styles

ENTRIES = sorted(path.stem for path in (assets.STATIC / "js").glob("*.js"))


def test_every_script_is_joined_after_what_it_imports() -> None:
    joined = joined_scripts(("preferences", *ENTRIES)).decode()
    assert not re.search(r"^(import|export) ", joined, re.MULTILINE)
    declared = [int(number) for number in re.findall(r"^const m(\d+) = ", joined, re.MULTILINE)]
    assert declared == sorted(set(declared))
    for used in re.finditer(r"\} = m(\d+);$", joined, re.MULTILINE):
        assert f"const m{used[1]} = " in joined[: used.start()]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed: make node")
@pytest.mark.parametrize("entry", ENTRIES)
def test_joined_scripts_are_javascript(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "joined.mjs"
    file.write_bytes(joined_scripts((entry,)))
    subprocess.run(["node", "--check", str(file)], check=True)


@pytest.mark.parametrize("name", ["nothing", "../js/main", "../../app", "base.css", "", "/etc/passwd"])
def test_unknown_names_are_refused(name: str) -> None:
    for join in (joined_scripts, joined_styles):
        with pytest.raises(NoSuchAsset):
            join((name,))


def test_scripts_that_import_each_other_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "one.js").write_text('import "./two.js";\n')
    (tmp_path / "js" / "two.js").write_text('import "./one.js";\n')
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(ValueError, match=r"one\.js -> two\.js -> one\.js"):
        joined_scripts(("one",))


@pytest.mark.parametrize("statement", ['import all from "./b.js";', "export default 1;", 'export { a } from "./b.js";'])
def test_what_cannot_be_joined_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "b.js").write_text(statement + "\n")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(ValueError, match=r"static/js/b\.js"):
        joined_scripts(("b",))


def test_browsers_keep_them_for_good_and_other_addresses_are_not_found(page: FlaskClient) -> None:
    html = page.get("/").text
    addresses = re.findall(r'"(/assets/[^"]+)"', html)
    assert len(addresses) == 2
    for address in addresses:
        assert "immutable" in page.get(address).headers["Cache-Control"]
        assert page.get(address.replace("/assets/", "/assets/0")).status_code == 404
        assert page.get(address.replace("+", "+nothing+")).status_code == 404
