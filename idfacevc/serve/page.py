"""The page at /: a photo speaks, or several play a dialogue."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from secrets import compare_digest
from typing import Any

import anyio
import numpy as np
from fastapi import FastAPI
from PIL import Image
from starlette.exceptions import HTTPException

from idfacevc.audio.io import load_audio
from idfacevc.audio.output import save_audio
from idfacevc.errors import InputError
from idfacevc.pipeline.plot import speech_figure
from idfacevc.serve.dialogue import joined, lines_of
from idfacevc.serve.engine import Busy, Loading
from idfacevc.serve.model import EXAMPLE_PHOTO, FaceVoices, Take
from idfacevc.serve.results import KEPT, ResultFolder
from idfacevc.serve.service import Service
from idfacevc.serve.uploads import Upload, check_picture
from idfacevc.serve.voices import as_file
from idfacevc.text.style import load_styles
from idfacevc.types import AnyVoice

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before its import: nothing is reported to anyone

import gradio as gr
import matplotlib.pyplot  # noqa: F401  Gradio imports it at its first answer, while everybody waits

_CANDIDATES = 4
_SAMPLE = "Hello. This is how I sound."
_CSS = ".gradio-container {max-width: 60rem !important; margin: auto} .fault p {color: #b00020; font-weight: 600}"
_PLAIN = gr.WaveformOptions(show_recording_waveform=False)  # the browser's own player, which keys operate
_NOTE = (
    "The voice fits the face's apparent gender and age; it is not that person's voice. Do not use it to pass as "
    "anyone. What is made here is marked as synthetic speech."
)


def add_page(app: FastAPI, service: Service, results: ResultFolder, key: str | None) -> FastAPI:
    """Mount the page at /; with a key, it asks for it as the password of a login."""
    os.environ["GRADIO_TEMP_DIR"] = str(results.path)
    page = Page(service, results)
    return gr.mount_gradio_app(
        app,
        page.build(),
        path="/",
        css=_CSS,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size=service.limits.upload,
        auth=None if key is None else _login(key),
        auth_message="Any name, and the API key as the password.",
    )


def _login(key: str) -> Callable[[str, str], bool]:
    return lambda name, password: compare_digest(password.encode(), key.encode())


def _told(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The handler, whose refusals the page shows in one line."""

    @functools.wraps(handler)
    async def told(*args: Any) -> Any:
        try:
            return await handler(*args)
        except InputError as error:
            message = str(error)
        except HTTPException as error:
            message = error.detail
        except Busy:
            message = "Many are waiting; try again in a moment."
        except Loading:
            message = "The model is being loaded; try again in a moment."
        except TimeoutError:
            message = "That took longer than it may; try less at a time."
        raise gr.Error(message, duration=None, print_exception=False)

    return told


class Page:
    """What the page's buttons do.

    Args:
        service: that does the work, in the same queue as everything else.
        results: where browsers fetch them.
    """

    def __init__(self, service: Service, results: ResultFolder) -> None:
        self._service = service
        self._results = results

    async def look(self, photo: str | None) -> tuple[Any, ...]:
        """The crop and the voices of a photo, or what is wrong with it."""
        unheard = [gr.update(visible=False, value=None)] * _CANDIDATES
        if photo is None:
            return (None, "", [], gr.update(visible=False), *unheard)
        try:
            found = await self._voices_of(Path(photo), "the photo")
        except (InputError, HTTPException) as error:
            fault = getattr(error, "detail", None) or str(error)
            return (None, f"**No voice.** {fault}", [], gr.update(visible=False), *unheard)
        names = [f"Voice {number}" for number in range(1, len(found.voices) + 1)]
        told = "**Look at the photo:** " + "; ".join(found.warnings) if found.warnings else ""
        return (found.crop, told, found.voices, gr.update(choices=names, value=names[0], visible=True), *unheard)

    async def hear(self, voices: list[AnyVoice]) -> list[Any]:
        """A sample of every candidate."""
        self._need(voices)
        shown = []
        for number, voice in enumerate(voices, start=1):
            take = await self._speech(voice, text=_SAMPLE)
            shown.append(gr.update(visible=True, value=await self._file(take, f"voice-{number}")))
        return shown + [gr.update(visible=False)] * (_CANDIDATES - len(shown))

    async def keep(self, voices: list[AnyVoice], chosen: str) -> str:
        """The chosen voice as a file."""
        path = self._results.new() / "voice.safetensors"
        path.write_bytes(as_file(self._chosen(voices, chosen)))
        return str(path)

    async def speak(
        self,
        voices: list[AnyVoice],
        chosen: str,
        source: str,
        text: str,
        recording: str | None,
        style: str,
        strength: float,
        speed: float,
    ) -> tuple[str, Image.Image]:
        """A text or a recording in the chosen voice, and its figure."""
        voice = self._chosen(voices, chosen)
        options: dict[str, Any] = {"style": style, "style_strength": strength, "speed": speed}
        if source == "Text":
            if not text.strip():
                raise InputError("there is no text; write what to say")
            take = await self._speech(voice, text=text, **options)
        else:
            if recording is None:
                raise InputError("there is no recording; upload one or speak into the microphone")
            take = await self._speech(voice, Upload(Path(recording), "the recording"), **options)
        path = await self._file(take, "speech")
        return path, await asyncio.to_thread(self._figure, take)

    async def cast(self, portraits: list[str] | None) -> tuple[dict[str, AnyVoice], list[tuple[Image.Image, str]]]:
        """The voice of each portrait, called as its file is."""
        files = [Path(portrait) for portrait in portraits or []]
        found = [await self._voices_of(file, file.name) for file in files]
        voices = await self._service.engine.run(lambda: self._service.model.cast(found))
        names = [file.stem for file in files]
        crops = [(one.crop, name) for one, name in zip(found, names, strict=True)]
        return dict(zip(names, voices, strict=True)), crops

    async def play(self, cast: dict[str, AnyVoice], script: str) -> tuple[str, list[str]]:
        """One track of a dialogue, and each line's own file."""
        lines = lines_of(script, cast)
        takes = [await self._speech(cast[line.name], text=line.words) for line in lines]
        folder = self._results.new()
        files = []
        for number, (line, take) in enumerate(zip(lines, takes, strict=True), start=1):
            name = re.sub(r"[^\w-]", "_", line.name)
            files.append(await self._file(take, f"{number:02d}-{name}", folder))
        return await self._file(joined(takes), "dialogue", folder), files

    async def _voices_of(self, photo: Path, name: str) -> FaceVoices:
        model, upload = self._service.model, Upload(photo, name)
        check_picture(upload)

        def look() -> FaceVoices:
            with upload.as_its_sender_calls_it():
                return model.voices(photo, name, _CANDIDATES)

        with anyio.fail_after(self._service.limits.seconds):
            return await self._service.engine.run(look)

    async def _speech(
        self, voice: AnyVoice, recording: Upload | None = None, text: str | None = None, **options: Any
    ) -> Take:
        """Speech that is made to its end: of one piece."""
        model, begun = self._service.model, []

        def pieces() -> Iterator[np.ndarray]:
            with recording.as_its_sender_calls_it() if recording else nullcontext():
                begun.append(model.speech(voice, text, None if recording is None else recording.path, **options))
            yield from self._service.counted(begun[0])

        job = self._service.engine.submit(pieces)
        try:
            with anyio.fail_after(self._service.limits.seconds):
                samples = np.concatenate([piece async for piece in job])
        finally:
            job.close()
        return replace(begun[0], pieces=[samples])

    def _chosen(self, voices: list[AnyVoice], chosen: str) -> AnyVoice:
        self._need(voices)
        return voices[int(chosen.split()[-1]) - 1]

    def _need(self, voices: list[AnyVoice]) -> None:
        self._service.model  # noqa: B018  raises while loading
        if not voices:
            raise InputError("there is no voice yet; give a photo with one face")

    def _figure(self, take: Take) -> Image.Image:
        held, front_end = io.BytesIO(), self._service.model.vc.spec.model.front_end
        wave = load_audio((np.concatenate([*take.pieces]), take.rate), front_end.sample_rate)
        speech_figure(wave, front_end).savefig(held, format="png", dpi=110)
        return Image.open(held)

    async def _file(self, take: Take, name: str, folder: Path | None = None) -> str:
        path = (folder or self._results.new()) / f"{name}.wav"
        await asyncio.to_thread(save_audio, path, take.pieces, take.rate, provenance=take.provenance)
        return str(path)

    def build(self) -> gr.Blocks:
        """The page itself."""
        with gr.Blocks(title="idfacevc", analytics_enabled=False, delete_cache=(60, KEPT)) as page:
            gr.Markdown(f"# A photo speaks\n{_NOTE}")
            with gr.Tab("One voice"):
                self._build_voice()
            with gr.Tab("Dialogue"):
                self._build_dialogue()
        return page.queue(default_concurrency_limit=None, api_open=False)

    def _build_voice(self) -> None:
        voices = gr.State([], time_to_live=3600)
        with gr.Row():
            with gr.Column(min_width=280):
                photo = gr.Image(
                    label="Photo of one face",
                    sources=["upload", "webcam"],
                    type="filepath",
                    height=280,
                    elem_id="photo",
                    buttons=[],
                )
                example = gr.Button("Take the example photo", size="sm", elem_id="example")
            with gr.Column(min_width=280):
                fault = gr.Markdown("", elem_id="fault", elem_classes="fault")
                crop = gr.Image(
                    label="The face that is used",
                    interactive=False,
                    height=180,
                    elem_id="crop",
                    buttons=[],
                    alt_text="The part of the photo that the voice was made from",
                )
                chosen = gr.Radio(label="Voices that fit this face", visible=False, elem_id="chosen")
                with gr.Row():
                    hear = gr.Button("Hear the voices", elem_id="hear")
                    keep = gr.DownloadButton("Keep this voice", elem_id="keep")
        with gr.Row():
            samples = [
                gr.Audio(
                    label=f"Voice {number}",
                    visible=False,
                    interactive=False,
                    min_width=300,  # a browser's player that is narrower has no room for its button
                    elem_id=f"sample-{number}",
                    buttons=["download"],
                    waveform_options=_PLAIN,
                )
                for number in range(1, _CANDIDATES + 1)
            ]
        source = gr.Radio(["Text", "Recording"], value="Text", label="What is said", elem_id="source")
        text = gr.Textbox(label="Text", lines=3, value="Hello. You have never heard this voice before.", elem_id="text")
        recording = gr.Audio(
            label="Recording, whose words are kept", type="filepath", visible=False, elem_id="recording"
        )
        source.change(
            lambda kind: (gr.update(visible=kind == "Text"), gr.update(visible=kind == "Recording")),
            source,
            [text, recording],
            api_visibility="private",
        )
        with gr.Row():
            style = gr.Dropdown(list(load_styles()), value="neutral", label="Style", elem_id="style", min_width=120)
            strength = gr.Slider(0, 2, 1, step=0.1, label="Strength of the style", min_width=160)
            speed = gr.Slider(0.5, 2, 1, step=0.05, label="Speed", elem_id="speed", min_width=160)
        speak = gr.Button("Speak", variant="primary", elem_id="speak")
        result = gr.Audio(
            label="Speech",
            interactive=False,
            type="filepath",
            elem_id="result",
            buttons=["download"],
            waveform_options=_PLAIN,
        )
        figure = gr.Image(
            label="Spectrogram and pitch",
            interactive=False,
            elem_id="figure",
            buttons=[],
            alt_text="Mel spectrogram of the speech over time, and its pitch in Hz below",
        )
        photo.change(_told(self.look), photo, [crop, fault, voices, chosen, *samples], api_visibility="private")
        example.click(lambda: Image.open(EXAMPLE_PHOTO), None, photo, api_visibility="private")
        hear.click(_told(self.hear), voices, samples, api_visibility="private")
        keep.click(_told(self.keep), [voices, chosen], keep, api_visibility="private")
        asked = [voices, chosen, source, text, recording, style, strength, speed]
        speak.click(_told(self.speak), asked, [result, figure], api_visibility="private")

    def _build_dialogue(self) -> None:
        cast = gr.State({}, time_to_live=3600)
        gr.Markdown('Give portraits whose file names are the speakers\' names: "anna.jpg" speaks the lines of ANNA.')
        portraits = gr.File(label="Portraits", file_count="multiple", file_types=["image"], elem_id="portraits")
        crops = gr.Gallery(label="Cast", columns=4, height="auto", interactive=False, elem_id="cast", buttons=[])
        script = gr.Textbox(
            label='Script, one "NAME: words" a line',
            lines=6,
            placeholder="ANNA: Hello.\nBEN: Good morning.",
            elem_id="script",
        )
        play = gr.Button("Play the dialogue", variant="primary", elem_id="play")
        track = gr.Audio(
            label="The dialogue", interactive=False, elem_id="track", buttons=["download"], waveform_options=_PLAIN
        )
        files = gr.File(label="Single lines", interactive=False, file_count="multiple", elem_id="lines")
        portraits.change(_told(self.cast), portraits, [cast, crops], api_visibility="private")
        play.click(_told(self.play), [cast, script], [track, files], api_visibility="private")
