"""Pictures of every kind become the same upright RGB image; videos give evenly spread frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idfacevc.errors import InputError
from idfacevc.face.image import is_video, load_image, video_frames


@pytest.fixture
def gradient() -> np.ndarray:
    """(40, 60, 3) uint8, different in every corner."""
    rows, columns = np.mgrid[0:40, 0:60]
    return np.stack([rows * 6, columns * 4, 255 - rows * 3], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif", "jpg", "ppm"])
def test_formats(tmp_path: Path, gradient: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(gradient).save(path)
    image = load_image(path)
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, int) - gradient).mean() < 6  # lossy formats and palettes


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, gradient: np.ndarray, orientation: int) -> None:
    upright = Image.fromarray(gradient)
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(load_image(tmp_path / "turned.png")), gradient)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4] = (200, 100, 50, 255)
    for name, image in {
        "rgba.png": Image.fromarray(pixels),
        "palette.png": Image.fromarray(pixels).quantize(4),
        "la.png": Image.fromarray(pixels).convert("LA"),
    }.items():
        image.save(tmp_path / name)
        loaded = np.asarray(load_image(tmp_path / name))
        assert (loaded[4:] == 255).all(), name
        assert (loaded[:4] < 255).all(), name


def test_sixteen_bit_grey_keeps_its_contrast(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    loaded = np.asarray(load_image(tmp_path / "deep.png"))[..., 0].ravel()
    np.testing.assert_allclose(loaded, np.linspace(0, 255, 64), atol=1)


def test_arrays(gradient: np.ndarray) -> None:
    for given in (
        gradient,
        gradient / 255.0,
        gradient.astype(np.uint16) * 257,
        np.dstack([gradient, gradient[..., :1] * 0 + 255]),
    ):
        np.testing.assert_allclose(np.asarray(load_image(given), int), gradient, atol=1)
    assert load_image(gradient[..., 0]).mode == "RGB"
    for wrong in (
        np.zeros((3, 40, 60), np.uint8),
        np.zeros(5),
        np.full((4, 4), np.nan),
        np.full((4, 4), 300.0),
        np.zeros((0, 4)),
    ):
        with pytest.raises(InputError, match="array"):
            load_image(wrong)


def test_files_that_are_no_pictures(tmp_path: Path, gradient: np.ndarray) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    Image.fromarray(gradient).resize((600, 400)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    faults = {
        "empty.jpg": "is empty",
        "text.jpg": "not a picture",
        "cut.jpg": "cannot be decoded",
        "none.jpg": "no such",
        "": "folder",
    }
    for name, words in faults.items():
        with pytest.raises(InputError, match=words):
            load_image(tmp_path / name)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """50 frames that grow brighter by 5 grey levels a frame."""
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.gop_size = 12
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index * 5, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("count", [1, 2, 7, 50, 200])
def test_video_frames_are_spread_evenly(video: Path, count: int) -> None:
    frames = list(video_frames(video, count))
    assert len(frames) == min(count, 50)
    seen = [np.asarray(frame).mean() / 5 for frame in frames]
    np.testing.assert_allclose(seen, np.linspace(0, 49, len(frames)).round(), atol=1.2)  # mpeg4 is lossy


def test_videos_are_known_by_suffix_and_broken_ones_refused(tmp_path: Path) -> None:
    assert is_video("a.MP4")
    assert not is_video("a.png")
    assert not is_video(np.zeros((4, 4)))
    (tmp_path / "broken.mp4").write_text("no video")
    with pytest.raises(InputError, match="cannot be decoded"):
        list(video_frames(tmp_path / "broken.mp4", 4))
