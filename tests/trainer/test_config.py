"""The training configuration: what it accepts, and what it says of the rest."""

from pathlib import Path

import pytest

from trainer.config import CONFIGS, Config, load_config
from trainer.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_ready_configuration_loads(path: Path) -> None:
    assert isinstance(load_config(path), Config)


def test_what_the_ready_configurations_are_for() -> None:
    assert load_config(CONFIGS / "demo.toml").encoder.backbone == "efficientnet-lite0"
    assert load_config(CONFIGS / "resnet50.toml").encoder.backbone == "resnet50"
    assert not load_config(CONFIGS / "frozen.toml").head.enabled


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "")) == Config()


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path,
            'seed = 7\nvalidation_share = 0.25\n[encoder]\nbackbone = "resnet50"\nweights = "none"\nsize = 96\n'
            "[head]\nenabled = false\nshrinkage = [0.1, 0.3]\n[reduce]\nvariance = 0.9\nclusters = 12\n",
        )
    )
    assert (config.seed, config.validation_share) == (7, 0.25)
    assert (config.encoder.backbone, config.encoder.weights, config.encoder.size) == ("resnet50", "none", 96)
    assert (config.head.enabled, config.head.shrinkage) == (False, (0.1, 0.3))
    assert (config.reduce.variance, config.reduce.clusters, config.reduce.dims) == (0.9, 12, Config().reduce.dims)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("speed = 1", "speed"),
        ("[head]\ndim = 3", "head.dim"),
        ("[optimiser]\nname = 'sgd'", "optimiser"),
        ("head = 3", "head"),
        ("[encoder]\nsize = 'large'", "encoder.size"),
        ("[encoder]\nsize = 16", "encoder.size"),
        ("[encoder]\nbackbone = 'vgg'", "encoder.backbone"),
        ("[encoder]\nweights = 3", "encoder.weights"),
        ("[head]\nshrinkage = []", "head.shrinkage"),
        ("[head]\nshrinkage = [0.1, 1.0]", "head.shrinkage.1"),
        ("[head]\nmargin = nan", "head.margin"),
        ("[reduce]\nvariance = 1.5", "reduce.variance"),
        ("[reduce]\nclusters = 0", "reduce.clusters"),
        ("validation_share = 0.6", "validation_share"),
        ("seed = -1", "seed"),
        ("seed = 4294967296", "seed"),
    ],
)
def test_a_key_that_does_not_fit_is_named(text: str, where: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    assert f"({where}: " in str(raised.value)
    assert str(path) in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"head\.dims: .*; seed: "):
        load_config(write(tmp_path, "seed = 'x'\n[head]\ndims = 1"))


def test_a_missing_file_is_told_which_ones_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration .*demo\.toml, frozen\.toml"):
        load_config(tmp_path / "absent.toml")


@pytest.mark.parametrize("content", [b"seed = ", b"= 3", b"\xff\xfe", b"seed = 1\nseed = 2"])
def test_what_is_not_toml_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_config(path)


def test_a_folder_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_config(tmp_path)
