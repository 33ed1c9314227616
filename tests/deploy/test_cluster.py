"""The profile `cluster`: what the compose file promises, and its HAProxy before two real APIs that are killed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from api.settings import Settings as ApiSettings
from frontend.settings import Settings as PageSettings
from tests.conftest import ROOT, free_port
from tests.conftest import running as serving
from tests.deploy.conftest import DEPLOY, needs, running
from tests.support.bundles import pieces, write_artifacts
from trainer.places import SETTINGS as TRAINER_SETTINGS

FILE = DEPLOY / "cluster" / "compose.yml"
APIS, OURS = ("api-1", "api-2"), ("api-1", "api-2", "page", "cluster-trainer")


@pytest.fixture(scope="module")
def composition() -> dict[str, Any]:
    """The file, merges resolved."""
    return yaml.safe_load(FILE.read_text())


@pytest.fixture
def services(composition: dict[str, Any]) -> dict[str, Any]:
    return composition["services"]


def test_up_alone_starts_nothing_of_it(services: dict[str, Any]) -> None:
    main = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert main["include"] == [str(FILE.relative_to(ROOT))]
    assert all(service["profiles"] == ["cluster"] for service in services.values())
    assert not set(services) & set(main["services"])


def test_what_is_named_is_there(composition: dict[str, Any], services: dict[str, Any]) -> None:
    for service in services.values():
        needed = service.get("depends_on", {})
        for name in needed:
            assert name in services
            condition = needed[name]["condition"] if isinstance(needed, dict) else ""
            assert condition != "service_healthy" or "healthcheck" in services[name]
        for volume in service.get("volumes", ()):
            place = volume.split(":")[0]
            assert (FILE.parent / place).exists() if place.startswith(".") else place in composition["volumes"]
        if "build" in service:
            assert (FILE.parent / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        else:
            assert re.fullmatch(r"[a-z]+(/[a-z]+)?:[\w.-]+", service["image"]), "a version, and no host"


def test_the_balancer_brings_everything(services: dict[str, Any]) -> None:
    reached, waiting = set(), ["balancer"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += set(services[name].get("depends_on", ())) - reached
    assert reached == set(services)


def test_our_services_are_hardened_and_only_the_balancer_has_ports(services: dict[str, Any]) -> None:
    for name in (*OURS, "balancer"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert name == "balancer" or service["user"] == "1000:1000"
    assert [name for name, service in services.items() if "ports" in service] == ["balancer"]
    assert all(port.startswith("${LOOKALIKE_BIND:-127.0.0.1}:") for port in services["balancer"]["ports"])


def test_every_setting_exists_and_is_taken(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    places = {name for name in services["api-1"]["environment"] if name.endswith("_URL") and "LOOKALIKE" in name}
    assert places == set(TRAINER_SETTINGS.values())
    assert places < set(services["cluster-trainer"]["environment"])
    known = {f"LOOKALIKE_{name.upper()}" for name in PageSettings.model_fields}
    assert {name for name in services["page"]["environment"] if name.startswith("LOOKALIKE")} <= known
    for name, value in services["api-1"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}$", r"\1", value))
    settings = ApiSettings()
    known = {f"LOOKALIKE_{name.upper()}" for name in ApiSettings.model_fields}
    assert {name for name in services["api-1"]["environment"] if name.startswith("LOOKALIKE")} <= known
    assert settings.artifacts_url == settings.pictures_url == "s3://lookalike/shop"
    assert not settings.keys_needed


def test_the_trainer_trains_only_where_nothing_is_published(services: dict[str, Any]) -> None:
    assert "command" not in services["cluster-trainer"], "that of the image: train the demo shop, unless published"
    assert "restart" not in services["cluster-trainer"]


def configuration(folder: Path, api_port: int, page_port: int, servers: dict[str, int]) -> Path:
    """The configuration that is shipped, with addresses of this machine."""
    text = (DEPLOY / "cluster" / "haproxy.cfg").read_text()
    text = text.replace("bind :8000", f"bind 127.0.0.1:{api_port}").replace("bind :5000", f"bind 127.0.0.1:{page_port}")
    for name, port in servers.items():
        text = re.sub(rf"server {name} \S+", f"server {name} 127.0.0.1:{port}", text)
    path = folder / "haproxy.cfg"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_one_api_of_two_may_be_killed(tmp_path: Path) -> None:
    program, port = needs("haproxy"), free_port()
    write_artifacts(tmp_path / "artifacts", pieces(20))
    ports = {name: free_port() for name in APIS}
    path = configuration(tmp_path, port, free_port(), ports | {"page": free_port()})
    copy = shutil.copytree(tmp_path / "artifacts", tmp_path / "copy")
    with (
        serving("api", ports["api-1"], "/readyz", artifacts=tmp_path / "artifacts", api_port=ports["api-1"]) as first,
        serving("api", ports["api-2"], "/readyz", artifacts=copy, api_port=ports["api-2"]) as second,
        running(program, "-db", "-f", str(path), port=port) as address,
        httpx2.Client(base_url=address, timeout=60) as client,
    ):
        while client.get("/readyz").status_code != 200:
            pass
        first.kill()
        assert [client.get("/items").status_code for _ in range(20)] == [200] * 20
        second.kill()
        while (answer := client.get("/items")).status_code == 200:
            pass
        for _ in range(5):
            answer = client.get("/items")
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
            assert answer.json()["code"] == "not_ready"


def test_haproxy_takes_the_file_as_it_is() -> None:
    command = [needs("haproxy"), "-c", "-f", str(DEPLOY / "cluster" / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
