"""Several pictures and videos of a person become one set of tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from idfacevc.backbones.tower import FaceTower
from idfacevc.config.face import FaceSpec, TowerSpec
from idfacevc.errors import InputError
from idfacevc.face.crop import framings
from idfacevc.face.reader import FaceReader
from tests.closeness import assert_near


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    torch.manual_seed(0)
    tower = TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=32)
    spec = FaceSpec(tower, token_dim=16, crop="aligned", max_frames=4)
    return FaceReader(spec, FaceTower(tower))


def test_tokens_of_several_pictures_are_averaged(reader: FaceReader, photo: Image.Image, photo_path: Path) -> None:
    mirrored = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    both = reader.tokens([photo_path, mirrored])
    assert both.shape == (64, 16)
    assert_near(both, (reader.tokens(photo_path) + reader.tokens(mirrored)) / 2)


def test_framings_of_a_crop_weigh_alike_and_steady_its_tokens(reader: FaceReader, photo: Image.Image) -> None:
    crop = reader.crops(photo)[0]
    steady = FaceReader(replace(reader.spec, framings=True), reader.backbone.tower)  # type: ignore[attr-defined]
    views = framings(crop)
    assert all(view.size == crop.size for view in views)
    single = torch.stack([reader.tokens(view, aligned=True) for view in views])
    assert_near(steady.tokens(crop, aligned=True), single.mean(dim=0))
    turned = crop.rotate(5, Image.Resampling.BICUBIC)
    moved, moved_steady = ((r.tokens(turned, True) - r.tokens(crop, True)).norm() for r in (reader, steady))
    assert moved_steady < moved


def test_framings_keep_the_middle_and_zoom_about_it() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[15:25, 15:25] = 255
    plain, far, near, *turned = (
        np.asarray(view).astype(float).mean(axis=2) / 255 for view in framings(Image.fromarray(pixels))
    )
    assert plain.sum() == 100
    assert far.sum() == pytest.approx(100 * 0.88**2, rel=0.02) and near.sum() == pytest.approx(100 * 1.15**2, rel=0.02)
    for view in (far, near, *turned):
        rows, columns = np.indices(view.shape)
        assert (view * rows).sum() / view.sum() == pytest.approx(19.5, abs=0.3)
        assert (view * columns).sum() / view.sum() == pytest.approx(19.5, abs=0.3)


def test_an_aligned_crop_is_taken_as_it_is(reader: FaceReader, photo: Image.Image) -> None:
    crop = reader.crops(photo)[0]
    assert_near(reader.tokens(np.asarray(crop), aligned=True), reader.tokens(photo))


def _write_video(path: Path, frames: list[Image.Image]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = frames[0].size
        stream.bit_rate = 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode(None))


def test_a_video_is_the_mean_of_its_frames_that_show_a_face(
    reader: FaceReader, photo: Image.Image, tmp_path: Path
) -> None:
    still, empty = photo.crop((100, 0, 356, 256)), Image.new("RGB", (256, 256), "grey")
    _write_video(tmp_path / "clip.mp4", [still, empty, still, empty])
    assert len(reader.crops(tmp_path / "clip.mp4")) == 2
    alike = torch.nn.functional.cosine_similarity(
        reader.tokens(tmp_path / "clip.mp4").flatten(), reader.tokens(still).flatten(), dim=0
    )
    assert alike > 0.99
    _write_video(tmp_path / "empty.mp4", [empty] * 3)
    with pytest.raises(InputError, match=r"empty\.mp4: no face"):
        reader.crops(tmp_path / "empty.mp4")


def test_a_list_must_hold_something(reader: FaceReader) -> None:
    with pytest.raises(InputError, match="no face was given"):
        reader.crops([])
