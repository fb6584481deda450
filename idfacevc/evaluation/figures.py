"""The figures of the method, drawn with matplotlib, which is imported only here and only when one is drawn."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, SEED
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.pairs import Pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST_MAPPED = 8  # points; fewer have no neighbourhoods to show
_NAMED = 12  # owners of voices; the names of more would cover the map


def _figure(width: float, height: float) -> Figure:
    """A figure that no window system knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def data_address(content: bytes, kind: str) -> str:
    """Bytes as an address that needs no file beside the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def mel_panels(panels: Sequence[tuple[str, np.ndarray]], seconds_per_frame: float, columns: int = 3) -> Figure:
    """Log-mels (M, T) side by side on one scale of colour and time (Figs. 4 and 9)."""
    rows = -(-len(panels) // columns)
    figure = _figure(4 * min(columns, len(panels)), 2.6 * rows)
    axes = figure.subplots(rows, min(columns, len(panels)), squeeze=False, sharex=True, sharey=True)
    low = min(float(np.percentile(mel, 1)) for _, mel in panels)
    high = max(float(np.percentile(mel, 99.5)) for _, mel in panels)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, mel) in zip(axes.flat, panels, strict=False):
        extent = (0.0, mel.shape[1] * seconds_per_frame, 0, mel.shape[0])
        axis.imshow(mel, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high, cmap="magma")
        axis.set_title(title, fontsize=10)
    # A picture narrows the shared axis to its own width: the longest must still fit.
    axes[0, 0].set_xlim(0.0, max(mel.shape[1] for _, mel in panels) * seconds_per_frame)
    axes[-1, 0].set_xlabel("seconds")
    axes[0, 0].set_ylabel("mel band")
    return figure


def interpolation(weights: Sequence[float], pitches: Sequence[float | None], panels: Sequence[np.ndarray]) -> Figure:
    """Mean F0 in Hz (None for unvoiced speech) and log-mels (M, T) on the way from one face to another (Fig. 5)."""
    figure = _figure(2.6 * len(panels), 4.6)
    parts: Any = figure.subfigures(2, 1)
    top, bottom = parts
    axes = top.subplots(1, len(panels), sharey=True)
    for axis, weight, mel in zip(axes, weights, panels, strict=True):
        axis.imshow(mel, origin="lower", aspect="auto", cmap="magma")
        axis.set_title(f"{weight:g}", fontsize=10)
        axis.set_xticks([])
    axis = bottom.subplots()
    axis.plot(weights, [np.nan if pitch is None else pitch for pitch in pitches], marker="o")
    axis.set_xlabel("weight of the second face")
    axis.set_ylabel("mean F0 (Hz)")
    return figure


def voices_map(embeddings: np.ndarray, owners: Sequence[str], faces: Mapping[str, str]) -> Figure | None:
    """t-SNE of output voices, one colour an owner, the owner's picture beside the cluster (Fig. 6).

    Args:
        embeddings: Speaker embeddings (n, 256).
        owners: Target of each output.
        faces: Picture file by target; one that cannot be read is left out.
    Returns:
        None for fewer than eight outputs.
    """
    if len(embeddings) < FEWEST_MAPPED:
        return None
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from sklearn.manifold import TSNE

    perplexity = min(30.0, len(embeddings) / 4)
    places = TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(embeddings)
    figure = _figure(8, 6.5)
    axis = figure.subplots()
    names = np.array(owners)
    for owner in dict.fromkeys(owners):
        own = places[names == owner]
        points = axis.scatter(own[:, 0], own[:, 1], s=18, label=owner)
        if picture := thumbnail(faces.get(owner, "")):
            box = AnnotationBbox(OffsetImage(picture, zoom=1.0), own.mean(axis=0), (34, 34), boxcoords="offset points")
            box.patch.set_edgecolor(tuple(points.get_facecolor()[0]))  # type: ignore[arg-type]
            axis.add_artist(box)
    if len(set(owners)) <= _NAMED:
        axis.legend(fontsize=8, loc="best")
    axis.set_xticks([])
    axis.set_yticks([])
    return figure


def thumbnail(path: str, side: int = 48) -> Any:
    """The middle of a picture file as an RGB image of `side` pixels; None for a file that cannot be read."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (side, side))
    except (OSError, UnidentifiedImageError):
        return None


def distributions(scores: Mapping[str, Sequence[float]]) -> Figure | None:
    """A histogram of each score over the outputs; None where there is no score."""
    drawn = {name: values for name, values in scores.items() if len(values)}
    if not drawn:
        return None
    figure = _figure(3.2 * len(drawn), 2.6)
    axes = figure.subplots(1, len(drawn), squeeze=False)[0]
    axes[0].set_ylabel("outputs")
    for axis, (name, values) in zip(axes, drawn.items(), strict=True):
        axis.hist(np.round(values, 9), bins=20)  # values that differ by rounding only have no room for bins
        axis.axvline(float(np.mean(values)), color="black", linewidth=1)
        axis.set_title(name, fontsize=10)
    return figure


def figures_of_list(system: Any, pairs: Sequence[Pair]) -> dict[str, Figure]:
    """The method's figures for the first source of a list: up to three pictures of each of two targets."""
    faces: dict[str, dict[str, bool]] = {}
    for pair in pairs:
        faces.setdefault(pair.target, {})[pair.face] = pair.aligned == "yes"
    shown = [(face, aligned) for own in list(faces.values())[:2] for face, aligned in list(own.items())[:3]]
    voices = [(face, system.voice_from_face(face, aligned=aligned)) for face, aligned in shown]
    source = {"text": pairs[0].say} if pairs[0].say else {"audio": pairs[0].source}
    return _method_figures(system, voices, source)


def write_figures(
    checkpoint: str, faces: Sequence[str], out: Path, audio: str | None = None, text: str | None = None
) -> list[Path]:
    """`idfacevc evaluate figures`: the figures of `method_figures` as PNG files in `out`; returns their names."""
    from idfacevc.api import IDFaceVC
    from idfacevc.files import make_folder, write_whole

    system = IDFaceVC.from_pretrained(checkpoint)
    make_folder(out)
    written = []
    for title, figure in method_figures(system, faces, audio, text).items():
        written.append(out / f"{title.lower().replace(' ', '_')}.png")
        write_whole(written[-1], png(figure))
    return written


def method_figures(
    system: Any, faces: Sequence[str], audio: str | None = None, text: str | None = None
) -> dict[str, Figure]:
    """Figs. 4, 5 and 9 for a user's own faces and one source, by title.

    Args:
        system: An `idfacevc.IDFaceVC`.
        faces: Pictures. Each speaks the source; two or more give the way from the first to the last.
        audio, text: The source, one of both.
    """
    source = {"text": text} if audio is None else {"audio": audio}
    return _method_figures(system, [(face, system.voice_from_face(face)) for face in faces], source)


def _method_figures(system: Any, of_faces: Sequence[tuple[str, Any]], source: dict[str, Any]) -> dict[str, Figure]:
    voices = [voice for _, voice in of_faces]
    period = system.spec.model.front_end.frame_period
    styled = [
        (style, system.convert(voices[0], **source, style=style).mel) for style in ("calm", "whispering", "angry")
    ]
    paced = [(f"speed {speed}", system.convert(voices[0], **source, speed=speed).mel) for speed in (0.8, 1.0, 1.2)]
    drawn = {"Styles and speeds": mel_panels(styled + paced, period)}
    if len(voices) > 1:
        shown = [(Path(face).name, system.convert(voice, **source).mel) for face, voice in of_faces]
        drawn["Faces"] = mel_panels(shown, period)
        drawn["From face to face"] = _interpolated(system, voices[0], voices[-1], source)
    return drawn


def _interpolated(system: Any, first: Any, second: Any, source: dict[str, Any]) -> Figure:
    """Mixes the identities before the adapter, as the method's style manipulation does."""
    tracker, weights = PitchTracker(), (0.0, 0.25, 0.5, 0.75, 1.0)
    pitches: list[float | None] = []
    mels = []
    for weight in weights:
        identity = (1 - weight) * first.identity + weight * second.identity
        mixed = torch.from_numpy(identity).to(system.device)
        vector = system.net.inference_voice(mixed[None])[0].detach().cpu().numpy()
        speech = system.convert(replace(first, vector=vector, identity=identity), **source)
        try:
            mean = tracker(load_audio((speech.samples, speech.sample_rate), SAMPLE_RATE))["mean"]
        except InputError:  # silence, which has no pitch either
            mean = None
        pitches.append(None if mean is None else float(np.exp(mean)))
        mels.append(speech.mel)
    return interpolation(weights, pitches, mels)
