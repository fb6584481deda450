"""The HTTP endpoints: OpenAI's audio convention where it has one, voices of faces where it has none."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from idfacevc import __version__
from idfacevc.audio.formats import LIVE, format_of
from idfacevc.audio.output import encode_stream
from idfacevc.errors import InputError
from idfacevc.serve.answers import JobResponse, add_error_handlers, unless_gone
from idfacevc.serve.engine import Engine
from idfacevc.serve.gate import Gate
from idfacevc.serve.metrics import Counted
from idfacevc.serve.model import FaceVoices, Model, Take
from idfacevc.serve.page import add_page
from idfacevc.serve.results import ResultFolder
from idfacevc.serve.service import Limits, Service
from idfacevc.serve.uploads import check_picture, check_recording, on_disk
from idfacevc.serve.voices import VoiceStore, as_file
from idfacevc.text.style import load_styles
from idfacevc.types import AnyVoice


class SpeechRequest(BaseModel):
    """The body of POST /v1/audio/speech. `model` to `stream_format` are OpenAI's, the others are ours."""

    input: str = Field(min_length=1, description="Words to say.")
    voice: str | dict[str, str] = Field(description='Id of a voice, or {"id": ...}.')
    model: str | None = None
    response_format: str = "mp3"
    speed: float = 1.0
    instructions: str | None = Field(None, description="A style is taken from it where it names one.")
    stream_format: str = "audio"
    style: str | None = None
    style_strength: float = 1.0
    pitch_range: float = 1.0
    seed: int = 0
    language: str = "en"


def build_app(
    load: Callable[[], Model], store: VoiceStore, limits: Limits, key: str | None = None, page: bool = True
) -> FastAPI:
    """The service as an ASGI application, which loads its model when it is started.

    Args:
        load: makes the model.
        store: of the voices.
        limits: of requests.
        key: see `Gate`.
        page: Whether the page is at /; what it holds of a visit is in one process, so that replicas have none.
    """
    service = Service(Engine(load, limits.places, limits.workers), store, limits)
    results = ResultFolder()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.engine.start()
        sweeping = asyncio.create_task(results.sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.to_thread(service.engine.stop)
            results.remove()

    app = FastAPI(title="idfacevc", version=__version__, summary="Speech in the voice of a face.", lifespan=lifespan)
    app.state.service = service
    app.add_middleware(Gate, key=key, largest=limits.upload)
    app.add_middleware(Counted, metrics=service.metrics)
    add_error_handlers(app)
    _add_state(app, service)
    _add_voices(app, service)
    _add_speech(app, service)

    @app.api_route("/v1/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def nothing(request: Request, rest: str) -> None:
        raise HTTPException(404, f"there is no {request.method} /v1/{rest[:80]}; /docs lists what there is")

    return add_page(app, service, results, key) if page else app


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Whether the service can work: 200, or 503 while the model is being loaded."""
        return {"status": "ok", "model": service.model.name}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    began = int(time.time())

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The one model."""
        return {"object": "list", "data": [_model_object(service.model.name, began)]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        """The model of that name."""
        _check_model(service, name)
        return _model_object(name, began)


def _add_voices(app: FastAPI, service: Service) -> None:
    @app.get("/v1/voices")
    async def voices() -> dict[str, Any]:
        """All voices, the oldest first."""
        return {"object": "list", "data": [_voice_object(*pair) for pair in service.store.ids().items()]}

    @app.post("/v1/voices", status_code=201)
    async def add_voices(
        request: Request,
        image: Annotated[UploadFile, File(description="A photo with one face.")],
        name: Annotated[str | None, Form(description="Id of the voice: letters, digits, - and _.")] = None,
        k: Annotated[int, Form(ge=1, le=16, description="How many candidates at most.")] = 1,
    ) -> JSONResponse:
        """A photo becomes a voice, or `k` candidates, the best first; one without Vclip, which is what has several."""
        model = service.model
        async with on_disk(image) as photo:
            check_picture(photo)

            def look() -> FaceVoices:
                with photo.as_its_sender_calls_it():
                    return model.voices(photo.path, photo.shown, k)

            with anyio.fail_after(service.limits.seconds):
                found = await unless_gone(request.receive, service.engine.run(look))
        kept = service.store.add(found.voices, name)
        data = [_voice_object(one.id, one.created) for one in kept]
        return JSONResponse({"object": "list", "data": data, "warnings": found.warnings}, 201)

    @app.get("/v1/voices/{voice}")
    async def voice(voice: str) -> dict[str, Any]:
        """One voice."""
        kept = service.store.get(voice)
        return _voice_object(kept.id, kept.created)

    @app.get("/v1/voices/{voice}/file")
    async def voice_file(voice: str) -> Response:
        """A voice as a safetensors file, which `idfacevc convert --voice` takes."""
        kept = service.store.get(voice)
        headers = {"Content-Disposition": f'attachment; filename="{kept.id}.safetensors"'}
        return Response(as_file(kept.voice), media_type="application/octet-stream", headers=headers)

    @app.delete("/v1/voices/{voice}")
    async def delete_voice(voice: str) -> dict[str, Any]:
        """Forget a voice."""
        service.store.delete(voice)
        return {"id": voice, "object": "voice", "deleted": True}


def _add_speech(app: FastAPI, service: Service) -> None:
    def answer(speak: Callable[[], Take], form: str, held: AsyncExitStack) -> JobResponse:
        kind = format_of(form, LIVE)

        def work() -> Iterator[bytes]:
            take = speak()
            return encode_stream(service.counted(take), take.rate, form, provenance=take.provenance)

        job = service.engine.submit(work)
        held.callback(job.close)
        return JobResponse(job, kind.mime, service.limits.seconds, service.metrics.stopwatch(), held.pop_all())

    @app.post("/v1/audio/speech")
    async def speech(request: Request, body: SpeechRequest) -> Response:
        """A text in a voice, streamed as it is made."""
        if body.stream_format != "audio":
            raise InputError(f"stream_format {body.stream_format!r} is not offered; there is: audio")
        model, voice = _asked(service, body.model, body.voice)
        options: dict[str, Any] = {
            "style": body.style or style_named_in(body.instructions or ""),
            "style_strength": body.style_strength,
            "speed": body.speed,
            "pitch_range": body.pitch_range,
            "seed": body.seed,
            "language": body.language,
        }
        speak = partial(model.speech, voice, text=body.input, **options)
        return answer(speak, body.response_format, AsyncExitStack())

    @app.post("/v1/audio/conversions")
    async def conversions(
        request: Request,
        file: Annotated[UploadFile, File(description="A recording of any format.")],
        voice: Annotated[str, Form(description="Id of a voice.")],
        model: Annotated[str | None, Form()] = None,
        response_format: Annotated[str, Form()] = "mp3",
        speed: Annotated[float, Form()] = 1.0,
        style: Annotated[str, Form()] = "neutral",
        style_strength: Annotated[float, Form()] = 1.0,
        pitch_range: Annotated[float, Form()] = 1.0,
        seed: Annotated[int, Form()] = 0,
    ) -> Response:
        """The words of a recording in a voice, streamed as they are made."""
        loaded, chosen = _asked(service, model, voice)
        options: dict[str, Any] = {
            "style": style,
            "style_strength": style_strength,
            "speed": speed,
            "pitch_range": pitch_range,
            "seed": seed,
        }
        async with AsyncExitStack() as stack:
            recording = await stack.enter_async_context(on_disk(file))
            check_recording(recording)

            def speak() -> Take:
                with recording.as_its_sender_calls_it():
                    return loaded.speech(chosen, audio=recording.path, **options)

            return answer(speak, response_format, stack)


def style_named_in(instructions: str) -> str:
    """The style that instructions such as "in a cheerful tone" or "whisper it" name first; else "neutral"."""
    stems = {name.removesuffix("ing"): name for name in load_styles() if name != "neutral"}
    for word in re.findall(r"[a-z]+", instructions.lower()):
        for stem, name in stems.items():
            if word.startswith(stem):
                return name
    return "neutral"


def _asked(service: Service, model: str | None, voice: str | dict[str, str]) -> tuple[Model, AnyVoice]:
    """The model and the voice that a request names."""
    if model is not None:
        _check_model(service, model)
    name = voice if isinstance(voice, str) else voice.get("id", "")
    return service.model, service.store.get(name).voice


def _check_model(service: Service, name: str) -> None:
    if name != service.model.name:
        raise HTTPException(404, f"there is no model {name[:80]!r}; there is: {service.model.name}")


def _model_object(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "idfacevc"}


def _voice_object(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "voice", "created": created}
