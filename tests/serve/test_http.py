"""The endpoints, over HTTP: OpenAI's own client, voices, conversions, and every refusal."""

from __future__ import annotations

import io
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import soundfile
from PIL import Image

from idfacevc.cli.detect import find
from idfacevc.serve.app import style_named_in
from idfacevc.serve.model import EXAMPLE_PHOTO, Model, Take
from idfacevc.serve.service import Limits
from idfacevc.types import Voice
from tests.audio.test_live_formats import decoded
from tests.conftest import RATE
from tests.serve.conftest import add_voice, running, wait_for

SENTENCE = "We say something short."
LONG = "This is one sentence of many, and all are alike. " * 400


def fault(answer: httpx.Response, status: int) -> str:
    """The message of an error in the convention's form."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"] and "Traceback" not in error["message"]
    return error["message"]


# --- the openai package ---


@pytest.fixture
def openai_client(address: str, client: httpx.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=0)


def test_the_openai_client_gets_the_speech_that_the_api_makes(
    openai_client: openai.OpenAI, client: httpx.Client, model: Model
) -> None:
    voice = add_voice(client)
    expected = model.vc.convert(
        Voice.load(io_file(client.get(f"/v1/voices/{voice}/file").content)), text=SENTENCE, base_speaker="espeak"
    )
    answer = openai_client.audio.speech.create(model="tiny", voice=voice, input=SENTENCE, response_format="flac")
    assert_alike(decoded(answer.content), expected.samples)
    slow = openai_client.audio.speech.create(
        model="tiny", voice=voice, input=SENTENCE, response_format="wav", speed=0.5, instructions="Whisper, please."
    )
    whispered = decoded(slow.content)
    assert len(whispered) > 1.7 * len(expected.samples)
    assert [one.id for one in openai_client.models.list()] == ["tiny"]
    assert openai_client.models.retrieve("tiny").owned_by == "idfacevc"


def assert_alike(heard: np.ndarray, expected: np.ndarray) -> None:
    """The same speech, but for the gain, which a stream has to guess, and the inaudible mark."""
    assert len(heard) == len(expected)
    assert np.corrcoef(heard, expected)[0, 1] > 0.98


def io_file(content: bytes) -> Path:
    path = Path(tempfile.mkdtemp()) / "voice.safetensors"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("form", "kind"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("aac", "audio/aac"), ("pcm", "audio/pcm"), ("wav", "audio/wav")],
)
def test_the_openai_client_streams_every_format(
    openai_client: openai.OpenAI, client: httpx.Client, form: Any, kind: str
) -> None:
    voice = add_voice(client)
    text = "A first sentence that has some length. Then a second one follows it."
    with openai_client.audio.speech.with_streaming_response.create(
        model="tiny", voice=voice, input=text, response_format=form
    ) as answer:
        assert answer.headers["content-type"] == kind
        pieces = list(answer.iter_bytes(1024))
    sound = b"".join(pieces)
    seconds = len(sound) / 48000 if form == "pcm" else len(decoded(sound)) / RATE
    assert 3 < seconds < 8


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "opus"])
def test_answers_carry_the_mark(client: httpx.Client, form: str, tmp_path: Path) -> None:
    voice = add_voice(client)
    json = {"input": "The birch canoe slid on the smooth planks.", "voice": voice, "response_format": form}
    file = tmp_path / f"answer.{form}"
    file.write_bytes(client.post("/v1/audio/speech", json=json).content)
    assert find(str(file)).verdict == "marked"


def test_the_openai_client_gets_its_own_errors(openai_client: openai.OpenAI, client: httpx.Client) -> None:
    voice = add_voice(client)
    say = openai_client.audio.speech.create
    with pytest.raises(openai.NotFoundError, match="no voice 'alloy'"):
        say(model="tiny", voice="alloy", input=SENTENCE)
    with pytest.raises(openai.NotFoundError, match="no model 'tts-1'; there is: tiny"):
        say(model="tts-1", voice=voice, input=SENTENCE)
    with pytest.raises(openai.BadRequestError, match="speed 4 is out of range"):
        say(model="tiny", voice=voice, input=SENTENCE, speed=4.0)
    with pytest.raises(openai.BadRequestError, match="nothing that can be pronounced"):
        say(model="tiny", voice=voice, input="...")
    with pytest.raises(openai.BadRequestError, match="unknown style 'glum'"):
        say(model="tiny", voice=voice, input=SENTENCE, extra_body={"style": "glum"})
    with pytest.raises(openai.BadRequestError, match="stream_format 'sse' is not offered"):
        say(model="tiny", voice=voice, input=SENTENCE, stream_format="sse")


def test_the_first_sound_of_a_long_text_comes_long_before_its_end(client: httpx.Client) -> None:
    voice = add_voice(client)
    before = gauge(client, "idfacevc_speech_seconds_total")
    with client.stream("POST", "/v1/audio/speech", json={"input": LONG, "voice": voice}) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        next(pieces)
        made = gauge(client, "idfacevc_speech_seconds_total")
        assert made - before < 100  # of 1,200 seconds
    wait_until_nobody_is_inside(client)  # hanging up leaves the rest unmade


def wait_until_nobody_is_inside(client: httpx.Client) -> None:
    for _ in range(1200):
        if gauge(client, "idfacevc_requests_inside") == 0:
            return
        time.sleep(0.05)
    raise AssertionError("a place is still taken")


def gauge(client: httpx.Client, name: str) -> float:
    (found,) = re.findall(rf"^{name} (\S+)", client.get("/metrics").text, re.MULTILINE)
    return float(found)


def test_styles_are_found_in_instructions() -> None:
    assert style_named_in("Speak in a cheerful and positive tone.") == "cheerful"
    assert style_named_in("Whisper this.") == "whispering"
    assert style_named_in("Sadly, but not too much.") == "sad"
    assert style_named_in("As you like.") == "neutral"


# --- voices and conversions ---


def test_voices_are_made_listed_loaded_and_deleted(client: httpx.Client, tmp_path: Path, model: Model) -> None:
    assert client.get("/v1/voices").json() == {"object": "list", "data": []}
    assert add_voice(client) == "anna"
    assert re.fullmatch(r"voice-[0-9a-f]{16}", add_voice(client, ""))
    assert client.get("/v1/voices").json()["data"][0]["id"] == "anna"
    file = tmp_path / "anna.safetensors"
    answer = client.get("/v1/voices/anna/file")
    assert "anna.safetensors" in answer.headers["content-disposition"]
    file.write_bytes(answer.content)
    expected = model.vc.voice_from_face(EXAMPLE_PHOTO)
    np.testing.assert_allclose(Voice.load(file).vector, expected.vector, rtol=1e-5)
    again = client.post("/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()}, data={"name": "anna"})
    assert "is there already" in fault(again, 400)
    assert client.delete("/v1/voices/anna").json()["deleted"] is True
    assert "no voice 'anna'" in fault(client.get("/v1/voices/anna"), 404)
    assert "no voice 'anna'" in fault(client.delete("/v1/voices/anna"), 404)


def test_a_recording_is_converted(client: httpx.Client, model: Model, speech_path: Path) -> None:
    voice = add_voice(client)
    for name in ("../../etc/passwd", "https://example.org/x.wav", "\u202e.wav"):
        form = {"voice": voice, "response_format": "flac", "seed": 3}
        answer = client.post("/v1/audio/conversions", files={"file": (name, speech_path.read_bytes())}, data=form)
        assert answer.status_code == 200, answer.text
    expected = model.vc.convert(model.vc.voice_from_face(EXAMPLE_PHOTO), audio=speech_path, seed=3)
    assert_alike(decoded(answer.content), expected.samples)


def test_voices_in_a_folder_outlive_the_process(model: Model, tmp_path: Path) -> None:
    for known in ([], ["anna"]):
        with running(lambda: model, keep=tmp_path / "voices") as url, httpx.Client(base_url=url, timeout=60) as client:
            wait_for(url)
            assert [one["id"] for one in client.get("/v1/voices").json()["data"]] == known
            if not known:
                add_voice(client)
            assert client.post("/v1/audio/speech", json={"input": "Hi.", "voice": "anna"}).status_code == 200
    assert [path.name for path in (tmp_path / "voices").iterdir()] == ["anna.safetensors"]


# --- refusals ---


def picture(image: Image.Image, form: str = "PNG") -> bytes:
    held = io.BytesIO()
    image.save(held, form)
    return held.getvalue()


def test_hostile_photos(client: httpx.Client) -> None:
    def post(content: bytes, name: str = "me.png", **form: Any) -> httpx.Response:
        return client.post("/v1/voices", files={"image": (name, content)}, data=form)

    grey = picture(Image.new("RGB", (200, 200), "grey"))
    assert fault(post(grey), 400).startswith("me.png: no face found in 200x200 pixels; give a photo")
    assert "me.png: is not a picture" in fault(post(b"no picture at all"), 415)
    assert "is not a picture" in fault(post(picture(Image.new("RGB", (9, 9)), "EPS")), 415)  # a program for Ghostscript
    assert "at most 60 million" in fault(post(picture(Image.new("1", (9000, 9000)))), 413)
    assert "cannot be decoded" in fault(post(EXAMPLE_PHOTO.read_bytes()[:3000]), 400)
    bad = client.post("/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()}, data={"name": "../../escape"})
    assert "is no id" in fault(bad, 400)
    assert "k: " in fault(client.post("/v1/voices", files={"image": grey}, data={"k": 0}), 400)
    assert "image: Field required" in fault(client.post("/v1/voices", data={"k": 1}), 400)
    assert client.get("/v1/voices").json()["data"] == []


def test_hostile_recordings(client: httpx.Client, speech_path: Path, tmp_path: Path) -> None:
    voice = add_voice(client)

    def post(content: bytes, form: str = "wav") -> httpx.Response:
        data = {"voice": voice, "response_format": form}
        return client.post("/v1/audio/conversions", files={"file": ("x.wav", content)}, data=data)

    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.5,\n{speech_path}\n#EXT-X-ENDLIST\n"
    assert "is not a recording" in fault(post(playlist.encode()), 415)  # would read this machine's files
    assert "is not a recording" in fault(post(f"ffconcat version 1.0\nfile {speech_path}\n".encode()), 415)
    assert "is not a recording" in fault(post(b"some words"), 415)
    assert "is not a recording" in fault(post(b""), 415)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(RATE), RATE)
    assert fault(post(silent.read_bytes()), 400) == "x.wav: is silent (peak 0 of full scale)"
    assert "not as exe" in fault(post(speech_path.read_bytes(), "exe"), 400)


def test_wrong_requests(client: httpx.Client) -> None:
    assert fault(client.get("/v1/nothing"), 404)
    assert "no PUT /v1/voices" in fault(client.put("/v1/voices"), 404)
    assert fault(client.post("/v1/audio/speech", content=b"{"), 400)
    assert "voice: Field required" in fault(client.post("/v1/audio/speech", json={"input": "x"}), 400)
    assert "no voice" in fault(client.post("/v1/audio/speech", json={"input": "x", "voice": "../x"}), 404)
    foreign = client.get("/v1/voices", headers={"Origin": "https://example.org"})
    assert "other sites" in fault(foreign, 403)
    rebound = client.get("/v1/voices", headers={"Host": "example.org"})
    assert "names of this machine" in fault(rebound, 403)
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/audio/speech", "/v1/audio/conversions", "/v1/voices", "/v1/models", "/healthz"} <= set(paths)
    assert client.get("/docs").status_code == 200


def test_a_key_is_wanted_and_uploads_are_bounded(model: Model) -> None:
    limits = Limits(upload=50_000)
    with running(lambda: model, limits, key="sesame") as url, httpx.Client(base_url=url, timeout=60) as client:
        wait_for(url)
        for header in (None, b"Bearer wrong", b"Bearer s\xc3\xb6same", b"sesame"):
            headers = {} if header is None else {b"Authorization": header}
            for path in ("/v1/voices", "/v1/models", "/metrics"):
                assert "key" in fault(client.get(path, headers=headers), 401)
        client.headers["Authorization"] = "Bearer sesame"
        assert client.get("/v1/voices").status_code == 200
        assert openai.OpenAI(base_url=f"{url}/v1", api_key="sesame").models.list().data[0].id == "tiny"
        add_voice(client)
        large = {"image": b"\0" * 60_000}
        assert "--max-upload" in fault(client.post("/v1/voices", files=large), 413)

        def endless() -> Iterator[bytes]:  # of a length that no header tells
            yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            for _ in range(100):
                yield b"\0" * 1000

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert "--max-upload" in fault(client.post("/v1/voices", content=endless(), headers=headers), 413)


# --- load ---


class Slow:
    """A model whose loading and speaking last as long as the test wants."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.may_load, self.may_speak = threading.Event(), threading.Event()
        self.spoken = 0

    def load(self) -> Any:
        self.may_load.wait(60)
        return self

    def speech(self, *args: Any, **options: Any) -> Take:
        take = self._model.speech(*args, **options)
        return replace(take, pieces=self._slowly(take.pieces))

    def _slowly(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        self.may_speak.wait(60)
        for piece in pieces:
            self.spoken += 1
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def test_loading_a_full_queue_and_clients_that_hang_up(model: Model) -> None:
    slow = Slow(model)
    with running(slow.load, Limits(places=2)) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert "being loaded" in fault(client.get("/healthz"), 503)
        assert "being loaded" in fault(client.post("/v1/audio/speech", json={"input": "x", "voice": "y"}), 503)
        slow.may_load.set()
        wait_for(url)
        voice = add_voice(client)
        host, port = url.removeprefix("http://").split(":")
        body = f'{{"input": "{LONG}", "voice": "{voice}"}}'
        hangs = []
        for _ in range(2):
            line = socket.create_connection((host, int(port)))
            head = "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
            line.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            hangs.append(line)
        while gauge(client, "idfacevc_requests_inside") < 2:
            time.sleep(0.02)
        full = client.post("/v1/audio/speech", json={"input": "x", "voice": voice})
        assert "queue" in fault(full, 429) and full.headers["retry-after"]
        for line in hangs:
            line.close()
        wait_until_nobody_is_inside(client)  # although neither had got a single byte
        slow.may_speak.set()
        assert client.post("/v1/audio/speech", json={"input": SENTENCE, "voice": voice}).status_code == 200
        assert slow.spoken < 20  # of the hundreds of pieces that nobody waited for


def test_who_does_not_read_holds_a_place_only_for_a_while(model: Model) -> None:
    with running(lambda: model, Limits(places=1, seconds=8)) as url, httpx.Client(base_url=url, timeout=60) as client:
        wait_for(url)
        other = httpx.Client(base_url=url, timeout=60)
        voice = add_voice(client)
        json = {"input": LONG * 20, "voice": voice, "response_format": "wav"}
        with client.stream("POST", "/v1/audio/speech", json=json) as answer:
            assert answer.status_code == 200
            assert fault(other.post("/v1/audio/speech", json={"input": "x", "voice": voice}), 429)
            wait_until_nobody_is_inside(other)
            with pytest.raises(httpx.RemoteProtocolError):  # no one takes the part for the whole
                answer.read()
        other.close()


def test_sixteen_clients_at_once_get_what_one_gets(client: httpx.Client, address: str) -> None:
    voice = add_voice(client)
    json = {"input": SENTENCE, "voice": voice, "response_format": "wav"}
    alone = client.post("/v1/audio/speech", json=json).content
    answers: list[bytes] = []

    def ask() -> None:
        answers.append(httpx.post(f"{address}/v1/audio/speech", json=json, timeout=60).content)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # the header has the time of day
    assert [answer.partition(b"data")[2] for answer in answers] == [alone.partition(b"data")[2]] * 16


def test_nothing_is_kept_after_an_answer(
    client: httpx.Client, speech_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = add_voice(client)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other programs write to the usual folder
    files = {"file": speech_path.read_bytes()}
    assert client.post("/v1/audio/conversions", files=files, data={"voice": voice}).status_code == 200
    files = {"file": b"RIFF" + speech_path.read_bytes()[4:60]}
    assert client.post("/v1/audio/conversions", files=files, data={"voice": voice}).status_code in (400, 415)
    assert not list(tmp_path.iterdir())
