import pytest
import torch

from recipes.demo.pairing import Pairing, age_group, balance, group_of, representatives, stable_directions


def people(count=600, dim=20):
    """Pooled tokens of people: two strong directions that tell them apart, one that only tells photos apart."""
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(dim, dim)).Q
    person = torch.randn(count, 1, 2) @ (basis[:, :2] * 2).T
    photo = torch.randn(count, 3, 1) @ (basis[:, 2:3] * 5).T
    return person + photo + 0.1 * torch.randn(count, 3, dim), basis


def voices(count=7):
    torch.manual_seed(1)
    return {f"v{number}": torch.randn(30) for number in range(count)}


def test_age_groups():
    assert [age_group(age) for age in ("0-2", "3-9", "10-19", "20-29", "more than 70", "6", "13", "41", "")] == [
        "child", "child", "young", "adult", "adult", "child", "young", "adult", "adult",
    ]  # fmt: skip
    assert group_of("f", "25") == "f-adult"


def test_directions_tell_people_apart_and_not_photos():
    views, _ = people()
    mean, projection = stable_directions(views)
    assert projection.shape == (20, 2), "only two directions are reliable"
    coordinates = (views - mean) @ projection
    between = coordinates.mean(1).var(0)
    within = (coordinates - coordinates.mean(1, keepdim=True)).var(dim=(0, 1))
    assert (between > 8 * within).all()


def test_every_site_gets_an_equal_share():
    torch.manual_seed(0)
    points, sites = torch.randn(3000, 3), torch.randn(9, 3) * 2 + 1
    share = torch.bincount(((torch.cdist(points, sites) ** 2) - balance(points, sites)).argmin(1), minlength=9) / 3000
    assert (share - 1 / 9).abs().max() < 0.03


def test_one_person_keeps_one_voice_and_the_voices_are_shared_out(tmp_path):
    views, _ = people()
    pairing = Pairing.fit({"f-adult": views, "m-child": views[:5]}, {"f-adult": voices()})
    assert set(pairing.groups) == {"f-adult"}
    first, second = (pairing.assign(views[:, view], "f-adult") for view in (0, 1))
    counts = torch.tensor([first.count(f"v{number}") for number in range(7)])
    assert counts.min() > 0.5 * 600 / 7 and counts.max() < 1.6 * 600 / 7
    assert sum(a == b for a, b in zip(first, second, strict=True)) / 600 > 0.7
    pairing.save(tmp_path / "pairing.safetensors")
    assert Pairing.load(tmp_path / "pairing.safetensors").assign(views[:, 0], "f-adult") == first


def test_groups_are_kept_apart():
    views, _ = people(60)
    pairing = Pairing.fit(
        {"f-adult": views, "m-adult": views},
        {"f-adult": {"anna": torch.randn(30)}, "m-adult": {"otto": torch.randn(30)}},
    )
    assert set(pairing.assign(views[:, 0], "f-adult")) == {"anna"}
    assert set(pairing.assign(views[:, 0], "m-adult")) == {"otto"}
    with pytest.raises(KeyError):
        pairing.assign(views[:, 0], "f-child")


def test_a_group_has_its_share_of_the_voices_and_never_less_than_a_few():
    views, _ = people(400)
    many = {f"v{number:02d}": torch.randn(30) for number in range(60)}
    pairing = Pairing.fit({"f-adult": views[:300], "m-adult": views[:90], "f-child": views[:10]}, dict.fromkeys(
        ("f-adult", "m-adult", "f-child"), many))  # fmt: skip
    counts = {group: len(one.speakers) for group, one in pairing.groups.items()}
    assert counts["f-child"] >= 3
    assert 2.5 < counts["f-adult"] / counts["m-adult"] < 4


def test_representatives_cover_the_clusters():
    torch.manual_seed(0)
    centres = torch.randn(5, 8) * 10
    vectors = (centres[:, None] + torch.randn(5, 20, 8) * 0.1).flatten(0, 1)
    assert {index // 20 for index in representatives(vectors, 5)} == set(range(5))
    assert representatives(vectors[:4], 5) == [0, 1, 2, 3]
