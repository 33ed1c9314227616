"""The same picture among the queries and in the gallery: reported, and left out of its own answer."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.bundles import picture
from tests.trainer.evaluation.shops import LABELS, Publish, folder, known, measured, new
from trainer.evaluation.results import Leak


def test_a_copy_in_the_gallery_is_reported_and_left_out(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    rest = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50), "jug/2.jpg": picture(51)})
    clean = measured(home, queries, folder(tmp_path / "clean", rest))
    leaky = measured(home, queries, folder(tmp_path / "leaky", rest | {"cup/same.jpg": picture(50)}))
    assert clean.evaluation.leaks == ()
    leak = Leak(str(tmp_path / "q/cup/1.jpg"), str(tmp_path / "leaky/cup/same.jpg"), "identical")
    assert leaky.evaluation.leaks == (leak,)
    result, wanted = (dict(known(each).per_label["cup"]) for each in (leaky, clean))
    # A gallery of another size is multiplied in another order: the last bits of a distance may differ.
    for name in ("distance_hits", "distance_misses"):
        assert result.pop(name) == pytest.approx(wanted.pop(name), abs=1e-6)
    assert result == wanted


def test_the_same_picture_in_other_bytes_is_a_leak_where_it_is_looked_for(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    rest = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50), "cup/2.jpg": picture(51)})
    clean = measured(home, queries, folder(tmp_path / "clean", rest))
    again = folder(tmp_path / "again", rest | {"cup/again.png": picture(50, format_="PNG")})

    def same_picture(paths: Sequence[Path]) -> list[tuple[int, int]]:
        names = [path.name for path in paths]
        assert len(set(names)) == len(names) == 12
        return [(names.index("again.png"), names.index("1.jpg"))]

    leaky = measured(home, queries, again, same_picture=same_picture)
    leak = Leak(str(tmp_path / "q/cup/1.jpg"), str(tmp_path / "again/cup/again.png"), "same picture")
    assert leaky.evaluation.leaks == (leak,)
    blind = measured(home, queries, again)
    assert blind.evaluation.leaks == ()
    assert known(leaky).measures["mrr"].value < known(blind).measures["mrr"].value
    assert known(clean).queries == known(leaky).queries == 2


def test_a_query_that_lies_in_the_gallery_itself_is_no_leak(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    both = folder(tmp_path / "q", {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)})
    result = measured(home, both, both)
    assert result.evaluation.leaks == ()
    assert known(result).leave_one_out
    assert known(result).measures["precision@10"].value == pytest.approx(0.2)  # two others of its label


def test_a_copy_among_new_labels_is_a_leak(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = folder(tmp_path / "q", {"lamp/1.jpg": picture(50), "lamp/2.jpg": picture(50), "lamp/3.jpg": picture(52)})
    result = measured(home, queries, queries)
    one, two = (str(tmp_path / f"q/lamp/{n}.jpg") for n in (1, 2))
    assert set(result.evaluation.leaks) == {Leak(one, two, "identical"), Leak(two, one, "identical")}
    assert new(result).gallery == 3
    assert new(result).per_label["lamp"]["recall@1"] == pytest.approx((1 + 1 + 1 / 2) / 3)  # the third finds both
