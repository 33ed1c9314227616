"""The compose file and the Dockerfiles, without an engine: what they promise, and that each image's files suffice."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IMAGES = ("api", "frontend", "trainer")
SERVICES = (*IMAGES, "worker")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The compose file's services, merges resolved."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_only_the_services_that_are_meant(services: dict[str, Any]) -> None:
    assert set(services) == {*SERVICES, "permissions"}
    assert not any("profiles" in service for service in services.values())


def test_up_alone_trains_where_nothing_is_published(services: dict[str, Any], tmp_path: Path) -> None:
    (line,) = [line for line in (ROOT / "trainer/Dockerfile").read_text().splitlines() if line.startswith("CMD ")]
    command = json.loads(line.removeprefix("CMD "))
    assert command[-1] == "--unless-published"
    assert "command" not in services["trainer"]
    assert "restart" not in services["trainer"]  # it runs once
    (tmp_path / "CURRENT").write_text("a-bundle")
    arguments = [str(tmp_path) if part == "/artifacts" else part for part in command]
    done = subprocess.run([sys.executable, "-m", "trainer", *arguments], capture_output=True, text=True, check=True)
    assert "nothing to do" in done.stdout


def test_the_artifacts_folder_is_made_writable_first(services: dict[str, Any], tmp_path: Path) -> None:
    for name in ("api", "trainer", "worker"):
        assert services[name]["depends_on"]["permissions"]["condition"] == "service_completed_successfully"
    shell, flags, script = services["permissions"]["command"]
    (tmp_path / "bundles").mkdir(mode=0o700)
    (tmp_path / "bundles" / "manifest.json").touch(mode=0o600)
    group = os.getgroups()[-1] if os.getuid() else 12_345
    script = script.replace("$$", "$").replace("/artifacts", shlex.quote(str(tmp_path)))
    for _ in range(2):  # the second time there is nothing to do
        subprocess.run([shell, flags, script], check=True, env={**os.environ, "GROUP": str(group)})
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, *tmp_path.rglob("*"))}
        assert all(path.stat().st_gid == group for path in modes)
        assert modes[tmp_path / "bundles"] == 0o2770
        assert modes[tmp_path / "bundles" / "manifest.json"] == 0o660


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service
    user = re.sub(r"\$\{\w+:-(\d+)\}", r"\1", service["user"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_only_page_and_api_publish_ports_and_to_this_machine_alone(services: dict[str, Any]) -> None:
    assert services["api"]["ports"] == ["${LOOKALIKE_BIND:-127.0.0.1}:${PORT:-8000}:8000"]
    assert services["frontend"]["ports"] == ["${LOOKALIKE_BIND:-127.0.0.1}:${UI_PORT:-5000}:5000"]
    assert "ports" not in services["trainer"] | services["worker"]


def test_the_api_starts_without_keys_and_takes_some(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from api.security.keys import new_key, setting_for
    from api.settings import Settings

    def settings(**given: str) -> Settings:
        for name, value in services["api"]["environment"].items():
            default = re.fullmatch(r"\$\{(\w+):-(.*)\}", value)
            monkeypatch.setenv(name, given.get(default[1]) or default[2] if default else value)
        return Settings()

    assert not settings().keys_needed
    keys = setting_for("page", "read", new_key()).split("=", 1)[1].strip("'")
    assert settings(LOOKALIKE_KEYS="on", LOOKALIKE_API_KEYS=keys).keys_needed
    with pytest.raises(ValueError, match="take one of the two away"):
        settings(LOOKALIKE_API_KEYS=keys)


def test_artifacts_are_writable_only_where_they_are_written(services: dict[str, Any]) -> None:
    writable = {
        name: [volume for volume in service.get("volumes", ()) if not volume.endswith(":ro")]
        for name, service in services.items()
    }
    artifacts = ["${LOOKALIKE_ARTIFACTS:-./artifacts}:/artifacts"]
    assert writable == {
        "api": artifacts,
        "frontend": [],
        "trainer": artifacts,
        "worker": artifacts,
        "permissions": artifacts,
    }


@pytest.mark.parametrize(("name", "port"), [("api", 8000), ("frontend", 5000)])
def test_health_is_readiness(services: dict[str, Any], name: str, port: int) -> None:
    kind, python, flag, code = services[name]["healthcheck"]["test"]
    assert (kind, python, flag) == ("CMD", "python", "-c")
    assert f"http://127.0.0.1:{port}/readyz" in code
    compile(code, "healthcheck", "exec")


def test_every_setting_exists(services: dict[str, Any]) -> None:
    from api.settings import Settings as ApiSettings
    from frontend.settings import Settings as PageSettings

    for name, known in (("api", ApiSettings), ("frontend", PageSettings)):
        fields = {f"LOOKALIKE_{field.upper()}" for field in known.model_fields}
        assert set(services[name]["environment"]) <= fields


@pytest.mark.parametrize("name", IMAGES)
def test_the_files_of_an_image_suffice_to_run_its_command(services: dict[str, Any], name: str, tmp_path: Path) -> None:
    build = services[name]["build"]
    assert build["context"] == "."
    lines = (ROOT / build["dockerfile"]).read_text().splitlines()
    assert any(line.startswith("USER 1000") for line in lines)
    for source, target in (line.split()[1:] for line in lines if line.startswith("COPY ") and "$" not in line):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            assert (ROOT / source).is_file(), source
    command = [sys.executable, "-m", name, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": ""})
    assert done.returncode == 0, done.stderr
    assert "xample" in done.stdout or name == "trainer"


@pytest.mark.parametrize(("service", "absent"), [("api", "tensorflow"), ("api", "keras"), ("frontend", "numpy")])
def test_images_stay_small(service: str, absent: str) -> None:
    pinned = (ROOT / "requirements" / f"{service}.txt").read_text()
    assert not re.search(rf"^{absent}(-cpu)?==", pinned, re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_requirements_are_pinned_hashed_and_name_no_host(path: Path) -> None:
    text = path.read_text()
    assert "http" not in re.sub("httpx|httpcore|httptools|aiohttp", "", text)
    assert not re.search("index-url|find-links", text)
    requirements = re.findall(r"^([a-z0-9][\w.\[\],-]*)(==\S+)?", text, re.MULTILINE | re.IGNORECASE)
    assert requirements
    assert all(version for _name, version in requirements)
    assert text.count("==") == len(re.findall(r"^\S+==.*\\\n\s+--hash=sha256:", text, re.MULTILINE)) + len(
        re.findall(r"python_\w+ ?== ?|platform_\w+ ?== ?|implementation_\w+ ?== ?|sys_platform == ", text)
    )
