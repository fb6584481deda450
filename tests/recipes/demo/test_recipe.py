"""The demo's recipe from a small made-up corpora folder to a bundle that speaks, through its own script."""

import io
import os
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from recipes.demo.corpora import SPEECH_ARCHIVES

ROOT = Path(__file__).parents[3]
SAMPLES = 16000 * 7  # three training clips are the 20 s that the pairing asks of a speaker


def voice(hz: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    contour = hz * (1 + 0.1 * np.sin(np.arange(SAMPLES) / 3000 + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(contour) / 16000
    return sum(np.sin(k * phase) * rng.uniform(0.2, 1) / k for k in range(1, 20)) * 0.1


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Path:
    """Six speakers and 64 faces in the tables and archives of the real folder."""
    folder = tmp_path_factory.mktemp("corpora")
    columns = ["id", "corpus", "speaker", "gender", "age", "split", "seconds", "path", "text"]
    rows = []
    archives = {name: zipfile.ZipFile(folder / name, "w") for names in SPEECH_ARCHIVES.values() for name in names}
    for speaker in range(6):
        for clip in range(4):
            name = f"s{speaker}-{clip}"
            blob = io.BytesIO()
            soundfile.write(
                blob, voice((110, 210)[speaker % 2] + 10 * speaker, 10 * speaker + clip), 16000, format="OGG"
            )
            archives["speech-adults.zip"].writestr(f"speechocean762/{name}.opus", blob.getvalue())
            split = "valid" if clip == 3 else "train"
            text = f"this is the sentence number {speaker} {clip}"
            rows.append([name, "speechocean762", f"s{speaker}", "mf"[speaker % 2], "25", split, f"{SAMPLES / 16000}",
                         f"speechocean762/{name}.opus", text])  # fmt: skip
    for archive in archives.values():
        archive.close()
    (folder / "speech.tsv").write_text("\n".join("\t".join(row) for row in [columns, *rows]) + "\n")
    for split, count in (("train", 48), ("valid", 16)):
        lines = ["path\tgender\tage\trace"]
        with zipfile.ZipFile(folder / f"faces-{split}.zip", "w") as archive:
            for number in range(count):
                blob = io.BytesIO()
                pixels = np.random.default_rng(number).integers(0, 255, (80, 80, 3), dtype=np.uint8)
                Image.fromarray(pixels // 2 + (number % 2) * 100).save(blob, "JPEG")
                archive.writestr(f"{split}/{number}.jpg", blob.getvalue())
                lines.append(f"{split}/{number}.jpg\t{'mf'[number % 2]}\t20-29\t")
        (folder / f"faces-{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_recipe_from_corpora_to_speech(corpora, tmp_path):
    def recipe(first: int, last: int, *options: str) -> None:
        command = [ROOT / "recipes/demo/codebook.sh", "--corpora", corpora, "--out", tmp_path / "run",
                   "--bundle", tmp_path / "bundle", "--stage", str(first), "--stop-stage", str(last)]  # fmt: skip
        if options:
            command += ["--", *options]
        subprocess.run([str(part) for part in command], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    recipe(1, 1, "--trainer.max_epochs", "1", "--data.init_args.batch_size", "8")
    recipe(2, 2)
    small = ("--trainer.max_epochs", "1", "--data.init_args.epoch_clips", "16", "--data.init_args.batch_size", "8")
    recipe(3, 4, *small)
    recipe(5, 5, "--trainer.max_epochs", "1")
    recipe(6, 8, *small)
    recipe(8, 9, "--trainer.max_epochs", "2", *small[2:])  # goes on from stage B's last checkpoint
    log = (tmp_path / "run/stage_b/version_1/metrics.csv").read_text()
    assert log.startswith("epoch")

    from idfacevc import IDFaceVC

    vc = IDFaceVC.from_pretrained(tmp_path / "bundle")
    face = Image.fromarray(np.zeros((80, 80, 3), dtype=np.uint8))
    speech = vc.convert(vc.voice_from_face(face, aligned=True), text="Hello there.")
    assert len(speech.samples) > 4000 and np.isfinite(speech.samples).all()
