"""The manifests for Kubernetes: by its own schemas, by our settings, and with what each container promises."""

from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import lookalike
from api.main import create_app
from api.settings import Settings as ApiSettings
from frontend.settings import Settings as PageSettings
from tests.conftest import ROOT
from trainer.places import SETTINGS as TRAINER_SETTINGS

FILES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
VERSIONS = ["1.31", "1.36"]


def resources(*files: Path) -> list[dict[str, Any]]:
    return list(chain.from_iterable(yaml.safe_load_all(file.read_text()) for file in files or FILES))


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"] for each in resources() if each["kind"] in {"Deployment", "Job"}]


def containers() -> list[dict[str, Any]]:
    return [container for pod in pods() for container in pod["spec"]["containers"]]


def by_name(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in resources() if each["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_manifests_are_what_kubernetes_takes(file: Path, version: str) -> None:
    for resource in resources(file):
        kubernetes_validate.validate(resource, version, strict=True)


def test_the_validator_sees_mistakes() -> None:
    deployment = by_name("Deployment")["lookalike-page"]
    deployment["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def test_every_setting_exists() -> None:
    settings = {"lookalike-api": set(ApiSettings.model_fields), "lookalike-page": set(PageSettings.model_fields)}
    for name, config in by_name("ConfigMap").items():
        assert set(config["data"]) <= {f"LOOKALIKE_{field.upper()}" for field in settings[name]}
    known = {*ApiSettings.model_fields, *PageSettings.model_fields}
    named = {variable["name"] for container in containers() for variable in container["env"]}
    ours = {name for name in named if name.startswith("LOOKALIKE_")}
    assert ours <= {f"LOOKALIKE_{field.upper()}" for field in known} | set(TRAINER_SETTINGS.values())


def test_the_api_takes_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in by_name("ConfigMap")["lookalike-api"]["data"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOOKALIKE_API_KEYS", '[{"name": "page", "scope": "read", "sha256": "' + "0" * 64 + '"}]')
    settings = ApiSettings()
    assert settings.keys_needed
    paths = create_app(settings).openapi()["paths"].keys()
    (api,) = (each for each in containers() if each["name"] == "api")
    probes = [probe["httpGet"]["path"] for name, probe in api.items() if name.endswith("Probe")]
    assert len(probes) == 3
    assert set(probes) <= paths


def test_every_container_is_hardened_and_bounded() -> None:
    for pod in pods():
        assert pod["spec"]["enableServiceLinks"] is False
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    for container in containers():
        context = container["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert container["image"].endswith(f":{lookalike.__version__}")


def test_what_is_selected_is_there() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods()]
    for service in by_name("Service").values():
        assert service["spec"]["selector"] in labels
    budgets, deployments = by_name("PodDisruptionBudget"), by_name("Deployment")
    assert budgets.keys() == deployments.keys() == by_name("Service").keys()
    for name, budget in budgets.items():
        assert budget["spec"]["selector"] == deployments[name]["spec"]["selector"]
        replicas, fewest = deployments[name]["spec"]["replicas"], budget["spec"].get("minAvailable", 0)
        assert fewest < replicas, "a node could never be drained"


def test_no_manifest_holds_a_secret() -> None:
    assert not by_name("Secret")
    for container in containers():
        for variable in container["env"]:
            if "KEY" in variable["name"] or "PASSWORD" in variable["name"]:
                assert "secretKeyRef" in variable["valueFrom"]
