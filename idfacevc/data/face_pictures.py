"""Pictures of faces with landmarks and features, for the face decoder of Speech2Face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from idfacevc.backbones.base import FaceBackbone, pixels
from idfacevc.data.sampling import Draw, DrawSampler, check_loading
from idfacevc.errors import InputError
from idfacevc.face.detect import Face, FaceDetector
from idfacevc.files import readable, replacing
from idfacevc.models.speech2face.face_side import feature_of

PICTURES_FILE = "pictures.safetensors"
_SEARCHED = 160  # pixels at which landmarks are looked for
_MARGIN = 40  # pixels around them: in a picture that the face fills, the detector misplaces landmarks
_TURNED = 0.2  # offset of the nose from between the eyes, in distances of the eyes, above which a face is no front view
_BATCH = 64
_MIRRORED = [1, 0, 2, 4, 3]  # landmarks of a mirror image, in the detector's order


def write_pictures(
    path: Path, crops: Iterator[tuple[Image.Image, str]], backbone: FaceBackbone, size: int
) -> tuple[int, int]:
    """Write aligned crops, (picture, split) each, with the detector's five landmarks and the backbone's features.

    Only front views: the mean geometry of the decoder is one. `number` (n,) in the file is the place of each picture
    among the crops.

    Returns:
        the number of pictures written, and of those left out because no face was found or it is turned away.
    """
    detector = FaceDetector()
    parts: list[dict[str, Tensor]] = []
    lost = seen = 0
    for batch in _batches(crops):
        images = [image.convert("RGB") for image, _ in batch]
        marks = [
            None if face is None else _landmarks(face) for face in detector.largest([_padded(one) for one in images])
        ]
        found = [(number, one) for number, one in enumerate(marks) if one is not None and _is_front(one)]
        lost, start, seen = lost + len(images) - len(found), seen, seen + len(images)
        if not found:
            continue
        kept = [images[number] for number, _ in found]
        shown = torch.cat([pixels(image, size, Image.Resampling.BICUBIC) for image in kept])
        parts.append(
            {
                "images": (shown * 255).round().to(torch.uint8),
                "points": torch.tensor(np.stack([one for _, one in found])).float(),
                "features": feature_of(backbone.tokens(kept)).cpu(),
                "number": torch.tensor([start + number for number, _ in found]),
                "valid": torch.tensor([batch[number][1] != "train" for number, _ in found]),
            }
        )
    if not parts:
        raise InputError(f"{path}: no front view of a face was found in any picture")
    with replacing(path) as temporary:
        save_file({name: torch.cat([part[name] for part in parts]).contiguous() for name in parts[0]}, temporary)
    return sum(len(part["valid"]) for part in parts), lost


def _padded(image: Image.Image) -> Image.Image:
    small = np.asarray(image.resize((_SEARCHED, _SEARCHED), Image.Resampling.BICUBIC))
    return Image.fromarray(np.pad(small, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="edge"))


def _landmarks(face: Face) -> np.ndarray:
    """Of a face in a padded picture, (5, 2), as shares of the picture's side."""
    return (face.landmarks - _MARGIN) / _SEARCHED


def _is_front(points: np.ndarray) -> bool:
    left, right, nose = points[:3]
    return bool(abs(nose - (left + right) / 2)[0] < _TURNED * np.linalg.norm(right - left))


def _batches(crops: Iterator[tuple[Image.Image, str]]) -> Iterator[Sequence[tuple[Image.Image, str]]]:
    batch = []
    for one in crops:
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class PictureDataset(Dataset):
    """Examples `image` (3, S, S) in [0, 1], `points` (5, 2) and `feature` (D,); mirrored half the time in training."""

    def __init__(self, tensors: dict[str, Tensor], training: bool) -> None:
        chosen = tensors["valid"] != training
        self.images, self.points, self.features = (tensors[name][chosen] for name in ("images", "points", "features"))
        self.training = training

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        index, seed = draw
        image, points = self.images[index].float() / 255, self.points[index]
        if self.training and seed % 2:
            image = image.flip(2)
            points = (points * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0]))[_MIRRORED]
        return {"image": image, "points": points, "feature": self.features[index]}


class PictureData(pl.LightningDataModule):
    """The pictures of a file of `write_pictures`, in memory.

    Args:
        pictures: the file.
        batch_size: pictures a step.
        seed: Random seed of their order.
    """

    def __init__(self, pictures: str, batch_size: int = 32, seed: int = 520) -> None:
        super().__init__()
        check_loading(batch_size, 0, seed)
        self.pictures, self.batch_size, self.seed = Path(pictures), batch_size, seed
        self._sets: dict[str, PictureDataset] = {}

    def setup(self, stage: str) -> None:
        try:
            with readable(self.pictures, "file of pictures") as file:
                tensors = load_file(file)
            self._sets = {"train": PictureDataset(tensors, True), "valid": PictureDataset(tensors, False)}
        except (SafetensorError, KeyError) as error:
            raise InputError(f"{self.pictures}: is damaged or no file of pictures ({error})") from error
        if not len(self._sets["train"]):
            raise InputError(f"{self.pictures}: holds no picture of the split train")

    def statistics(self) -> tuple[Tensor, Tensor]:
        """The median landmarks (5, 2) of the training pictures, made symmetric, and their features (n, D).

        A mean of the landmarks would heed wrong detections.
        """
        points = self._sets["train"].points.median(dim=0).values
        mirrored = (points * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0]))[_MIRRORED]
        return (points + mirrored) / 2, self._sets["train"].features

    def train_dataloader(self) -> DataLoader:
        dataset = self._sets["train"]
        sampler = DrawSampler(len(dataset), self.seed)
        return DataLoader(
            dataset,
            self.batch_size,
            sampler=sampler,
            drop_last=len(dataset) > self.batch_size,
            generator=torch.Generator(),
        )

    def val_dataloader(self) -> DataLoader:
        dataset = self._sets["valid"]
        numbers = [(number, 0) for number in range(len(dataset))]
        return DataLoader(dataset, self.batch_size, sampler=numbers, generator=torch.Generator())
