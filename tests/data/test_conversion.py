import pytest
import torch

from idfacevc.data.conversion import ConversionDataModule
from idfacevc.data.sampling import DrawSampler
from idfacevc.errors import InputError
from tests.training.material import write_features


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features"))


def module(features, **options):
    source = ConversionDataModule(str(features), crop_frames=32, batch_size=4, **options)
    source.setup("fit")
    return source


def test_draws_depend_on_seed_and_epoch_alone():
    sampler = DrawSampler(10, seed=1)
    first = list(sampler)
    assert list(sampler) == first
    assert sorted(index for index, _ in first) == list(range(10))
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_weights_balance_the_draws():
    weights = torch.tensor([1.0, 1.0, 2.0])
    drawn = torch.tensor([index for index, _ in DrawSampler(3, 0, weights, 8000)])
    share = torch.bincount(drawn, minlength=3) / 8000
    torch.testing.assert_close(share, weights / 4, atol=0.02, rtol=0)


def test_crops_are_of_one_length_and_short_clips_are_tiled(features, tmp_path):
    batch = next(iter(module(features).train_dataloader()))
    assert batch["mel"].shape == (4, 80, 32) and batch["lf0"].shape == (4, 32) and batch["speech"].shape == (4, 1, 256)
    short = write_features(tmp_path, frames=10)
    source = ConversionDataModule(str(short), crop_frames=32, batch_size=4)
    source.setup("fit")
    mel = next(iter(source.train_dataloader()))["mel"]
    torch.testing.assert_close(mel[..., :10], mel[..., 10:20])


def test_validation_crops_are_the_first_frames(features):
    source = module(features)
    batch = next(iter(source.val_dataloader()))
    index = source._sets["valid"].clips[0]
    torch.testing.assert_close(batch["mel"][0], source.store.read(index, "mel", 0, 32).T)


def test_the_other_clip_has_another_speaker(features):
    source = module(features, with_faces=True)
    dataset = source._sets["train"]
    for draw in DrawSampler(len(dataset), 0):
        example = dataset[draw]
        assert not torch.equal(example["speech"], example["other_speech"])
        assert (example["face"] - example["other_face"]).abs().mean() > 0.3


def test_half_of_the_sources_are_clips_without_a_face(features):
    source = module(features, with_faces=True)
    source.setup("fit")
    dataset = source._sets["train"]
    unpaired = [len(dataset.store.clips) - 1]
    dataset.sources = unpaired
    same = other = 0
    for draw in range(60):
        example = dataset[draw % len(dataset), draw]
        wanted = dataset.store.read(unpaired[0], "mel").T
        same += torch.equal(example["source_mel"], example["mel"])
        starts = range(wanted.shape[1] - 31)
        other += any(torch.equal(example["source_mel"], wanted[:, start : start + 32]) for start in starts)
    assert same + other == 60 and 15 < other < 45


def test_one_speaker_is_not_enough(tmp_path):
    source = ConversionDataModule(str(write_features(tmp_path, speakers=1)), crop_frames=32)
    with pytest.raises(InputError, match="two speakers"):
        source.setup("fit")
