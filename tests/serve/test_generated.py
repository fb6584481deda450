"""The service with Vclip: several generated voices a face, which speak and into which recordings are converted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from idfacevc.serve.model import EXAMPLE_PHOTO, Model
from idfacevc.types import AnyVoice, GeneratedVoice, load_voice
from tests.serve.conftest import running, wait_for


@pytest.fixture(scope="module")
def client(both: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with running(lambda: both, keep=tmp_path_factory.mktemp("kept")) as url:
        wait_for(url)
        with httpx.Client(base_url=url, timeout=120) as client:
            form = {"name": "eve", "k": "3"}
            made = client.post("/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()}, data=form)
            assert [one["id"] for one in made.json()["data"]] == ["eve-1", "eve-2", "eve-3"]
            yield client


def voice_of(client: httpx.Client, name: str, folder: Path) -> AnyVoice:
    path = folder / "voice.safetensors"
    path.write_bytes(client.get(f"/v1/voices/{name}/file").content)
    return load_voice(path)


def heard(answer: httpx.Response) -> tuple[np.ndarray, int]:
    assert answer.status_code == 200, answer.text
    with av.open(io.BytesIO(answer.content)) as container:
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
        return np.concatenate(frames) / 2**15, container.streams.audio[0].rate


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """The same speech but for the gain, which a stream has to guess, and the inaudible mark."""
    return len(one) == len(other) and np.corrcoef(one, other)[0, 1] > 0.98


def test_candidates_are_those_of_vclip(client: httpx.Client, both: Model, tmp_path: Path) -> None:
    assert both.vclip is not None
    for number, expected in enumerate(both.vclip.voices(EXAMPLE_PHOTO, 3), start=1):
        found = voice_of(client, f"eve-{number}", tmp_path)
        assert isinstance(found, GeneratedVoice) and found.name == expected.name
        np.testing.assert_allclose(found.vector, expected.vector, rtol=1e-5)


def test_a_voice_speaks_texts_and_recordings(
    client: httpx.Client, both: Model, tmp_path: Path, speech_path: Path
) -> None:
    assert both.vclip is not None
    voice = voice_of(client, "eve-2", tmp_path)
    assert isinstance(voice, GeneratedVoice)
    asked: dict[str, Any] = {"voice": "eve-2", "response_format": "flac"}
    said, rate = heard(client.post("/v1/audio/speech", json={**asked, "input": "Good morning."}))
    assert rate == both.vclip.sample_rate
    assert alike(said, both.vclip.speak(voice, "Good morning.").samples)

    driven = both.vc.voice_from_sound(voice.sound)
    files = {"file": speech_path.read_bytes()}
    converted, rate = heard(client.post("/v1/audio/conversions", files=files, data=asked))
    assert rate == both.vc.sample_rate and alike(converted, both.vc.convert(driven, audio=speech_path).samples)

    german = both.vc.convert(driven, text="Guten Morgen.", language="de", base_speaker="espeak").samples
    said, rate = heard(client.post("/v1/audio/speech", json={**asked, "input": "Guten Morgen.", "language": "de"}))
    assert rate == both.vc.sample_rate and alike(said, german)


def test_a_cast_has_voices_that_differ(both: Model) -> None:
    found = [both.voices(EXAMPLE_PHOTO, "the photo", 1) for _ in range(3)]
    names = {voice.name for voice in both.cast(found) if isinstance(voice, GeneratedVoice)}
    assert len(names) == 3
