"""The training configuration: what it accepts, and what it says of the rest."""

from pathlib import Path

import pytest
import tomli_w

from trainer.config import CONFIGS, Config, load_config
from trainer.config.backbones import BACKBONES
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
            'seed = 7\n[split]\nby = "column"\ncolumn = "sender"\n[encoder]\nbackbone = "resnet50"\nweights = "none"\n'
            "size = 96\n[head]\nenabled = false\nshrinkage = [0.1, 0.3]\n[reduce]\nvariance = 0.9\nclusters = 12\n",
        )
    )
    assert (config.seed, config.split.by, config.split.column) == (7, "column", "sender")
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
        ("[reduce]\ncodes = 'int4'", "reduce.codes"),
        ("[head]\ndims = 1", "head.dims.0"),
        ("[head]\ndims = []", "head.dims"),
        ("[split]\nshare = 0.6", "split.share"),
        ("[split]\nby = 'column'", "split"),
        ("[split]\ncolumn = 'sender'", "split"),
        ("[encoder]\nbackbone = 'vgg16'\nonnx = 'a.onnx'", "encoder"),
        ("[encoder.pixels]\nsize = 112", "encoder"),
        ("[encoder]\nonnx = 'a.onnx'\n[encoder.pixels]\nmean = [1, 2, 3]", "encoder.pixels.size"),
        ("[encoder]\nensemble = [{onnx = 'a.onnx'}]", "encoder"),
        ("[encoder]\nensemble = [{onnx = 'a.onnx'}, {ensemble = [{}, {}]}]", "encoder"),
        ("[encoder]\nbackbone = 'siamese'", "encoder"),
        ("[finetune]\nsmallest_crop = 0.0", "finetune.smallest_crop"),
        ("[faces]\ndetector = 'dlib'", "faces.detector"),
        ("[faces]\ndetector = 'yolo'", "faces"),
        ("[faces]\ndetector = 'haar'\nfile = 'yunet.onnx'", "faces"),
        ("strategy = 'all'", "strategy"),
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
    with pytest.raises(ConfigError, match=r"head\.dims\.0: .*; seed: "):
        load_config(write(tmp_path, "seed = 'x'\n[head]\ndims = 1"))


def test_a_missing_file_is_told_which_ones_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration .*: balanced, best, .*demo, .*frozen"):
        load_config(tmp_path / "absent.toml")


def test_head_and_fine_tuning_both_look_at_labels_or_neither_does(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="both learn by nt-xent, or both by labels"):
        load_config(write(tmp_path, "[head]\nloss = 'nt-xent'\n[finetune]\nenabled = true"))
    alone = load_config(write(tmp_path, "[head]\nloss = 'nt-xent'"))  # fine-tuning is off
    assert alone.self_supervised
    assert not Config().self_supervised
    unused = load_config(write(tmp_path, "[head]\nenabled = false\nloss = 'nt-xent'"))
    assert not unused.self_supervised


@pytest.mark.parametrize(
    ("text", "name", "side", "keras"),
    [
        ("", "efficientnet-lite0", 224, True),
        ("backbone = 'inceptionv3'", "inceptionv3", 299, True),
        ("backbone = 'siamese'\nweights = 'none'", "siamese", 64, True),
        ("backbone = 'vgg16'\nsize = 96", "vgg16", 96, True),
        ("onnx = 'models/arcface.onnx'", "arcface", 224, False),
        ("ensemble = [{onnx = 'a.onnx'}, {backbone = 'vgg16'}]", "a+vgg16", 224, False),
    ],
)
def test_what_an_encoder_is_called(text: str, name: str, side: int, keras: bool, tmp_path: Path) -> None:
    encoder = load_config(write(tmp_path, f"[encoder]\n{text}")).encoder
    assert (encoder.name, encoder.side, encoder.keras) == (name, side, keras)


@pytest.mark.parametrize("content", [b"seed = ", b"= 3", b"\xff\xfe", b"seed = 1\nseed = 2"])
def test_what_is_not_toml_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_config(path)


def test_a_folder_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "encoder",
    ["", "backbone = 'resnet50'", "onnx = 'a.onnx'", "ensemble = [{onnx = 'a.onnx'}, {backbone = 'vgg16'}]"],
)
def test_what_a_run_writes_down_can_be_run_again(tmp_path: Path, encoder: str) -> None:
    config = load_config(write(tmp_path, f"[encoder]\n{encoder}\n[reduce]\ndims = 24\n"))
    (tmp_path / "config.toml").write_text(tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)))
    assert load_config(tmp_path / "config.toml") == config


def test_a_ready_one_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("frozen")) == load_config(CONFIGS / "frozen.toml")
    (tmp_path / "frozen").mkdir()  # a folder of that name beside it changes nothing
    assert load_config(Path("frozen")) == load_config(CONFIGS / "frozen.toml")
    with pytest.raises(ConfigError, match="no configuration"):
        load_config(tmp_path / "demo")


def test_every_backbone_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "training.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in BACKBONES)
