"""report.html: tables, figures and playable audio in one file that needs nothing beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation import figures
from idfacevc.evaluation.measurement import Measurement, table
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores
from idfacevc.face.image import load_image
from idfacevc.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAYED = 12  # rows with audio: more would make a page of many megabytes

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .35rem .7rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
.missing { color: #8a4b00; font-size: .85em; }
img { max-width: 100%; }
article { border-bottom: 1px solid #ccc; display: flex; flex-wrap: wrap; gap: .5rem 1rem; padding: .7rem 0; }
article > img { height: 6rem; width: 6rem; }
article > div { flex: 1; min-width: 14rem; }
figure { display: inline-block; margin: 0 .7rem .3rem 0; }
audio { display: block; height: 2rem; width: 14rem; }
@media (max-width: 45rem) {
  thead { display: none; }
  tr, th, td { display: block; border: 0; padding: .1rem 0; }
  tr { border-bottom: 1px solid #ccc; padding: .5rem 0; }
  td[data-of]::before { content: attr(data-of) ": "; color: #555; }
}
"""


def write_report(
    path: Path,
    sections: Mapping[str, Sequence[Measurement]],
    about: Mapping[str, Any],
    pairs: Sequence[Pair],
    rows: Sequence[Mapping[str, Any]],
    findings: Scores,
    drawings: Mapping[str, Figure],
) -> None:
    """Write the page. `rows` are those of scores.csv, in the order of `pairs`; `drawings` are more figures by title."""
    parts = ["<h1>Evaluation</h1>", _facts(about)]
    parts += [f"<h2>{escape(title)}</h2>{html_table(own)}" for title, own in sections.items()]
    parts.append(
        "<p>Values with 95 % bootstrap intervals over speakers. Arrows show the better direction. Speaker cosines "
        "have a high floor even for strangers: judge them by the rows beside them. The two controls convert nothing "
        "anew: for each row they take an output that the list has for another target's face (any, or of the same "
        "gender; of the same utterance where there is one) and score it against this row's target.</p>"
    )
    parts.append(_pictures({**_maps(pairs, rows, findings), **drawings}))
    parts.append(_players(pairs))
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Evaluation</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_whole(path, page)


def html_table(own: Sequence[Measurement]) -> str:
    """The table of `results.table`; cells that are not available are marked."""
    headings, lines = table(own)
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = ""
    for name, *cells in lines:
        columns = "".join(
            f'<td data-of="{escape(title)}"{" class=missing" if cell.startswith("not available") else ""}>'
            f"{escape(cell)}</td>"
            for title, cell in zip(headings[1:], cells, strict=True)
        )
        body += f'<tr><th scope="row">{escape(name)}</th>{columns}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _facts(about: Mapping[str, Any]) -> str:
    items = "".join(
        f"<tr><th scope=row>{escape(str(key))}</th><td>{escape(_plain(value))}</td></tr>"
        for key, value in about.items()
    )
    return f"<table>{items}</table>"


def _plain(value: Any) -> str:
    return "; ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, Mapping) else str(value)


def _maps(pairs: Sequence[Pair], rows: Sequence[Mapping[str, Any]], findings: Scores) -> dict[str, Figure | str]:
    """Distributions of the scores and the map of the voices, or why there is none."""
    scores = {
        title: [float(row[key]) for row in rows if row.get(key) not in (None, "")]
        for title, key in {
            "DNSMOS": "dnsmos",
            "UTMOS": "utmos",
            "WER": "wer",
            "WER (Whisper)": "whisper_wer",
            "SECS": "secs",
        }.items()
    }
    voices: Figure | str | None = "Not drawn: the offline tier, which embeds the voices, was not measured."
    if findings.embeddings:
        embeddings = np.stack([findings.embeddings[pair.output] for pair in pairs])
        faces = {pair.target: pair.face for pair in reversed(pairs)}
        voices = figures.voices_map(embeddings, [pair.target for pair in pairs], faces)
    return {
        "Distributions over the outputs": figures.distributions(scores) or "Not drawn: no output has a score.",
        "Voices of the outputs (t-SNE of speaker embeddings)": voices
        or f"Not drawn: a map needs at least {figures.FEWEST_MAPPED} outputs, and there are {len(pairs)}.",
    }


def _pictures(drawn: Mapping[str, Figure | str]) -> str:
    return "".join(f"<h2>{escape(title)}</h2>{_picture(title, one)}" for title, one in drawn.items())


def _picture(title: str, drawn: Figure | str) -> str:
    if isinstance(drawn, str):
        return f"<p class=missing>{escape(drawn)}</p>"
    return f'<img alt="{escape(title)}" src="{figures.data_address(figures.png(drawn), "image/png")}">'


def _players(pairs: Sequence[Pair]) -> str:
    """Every so many rows: the face, beside it source, output and true speech of the target."""
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, min(PLAYED, len(pairs))).astype(int))]
    body = "".join(
        f"<article>{_face(pair.face)}<div><h3>{escape(pair.source_speaker)} → {escape(pair.target)}</h3>"
        + _player("source", pair.source)
        + _player("output", pair.output)
        + _player("target's true speech", pair.reference)
        + f"<p>{escape(pair.transcript)}</p></div></article>"
        for pair in chosen
    )
    return f"<h2>Listen</h2>{body}"


def _face(path: str) -> str:
    """The picture of the target, where it is there and is one."""
    from PIL import ImageOps

    try:
        picture = ImageOps.fit(load_image(path), (192, 192))
    except InputError:
        return ""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return f'<img alt="the target\'s face" src="{figures.data_address(buffer.getvalue(), "image/jpeg")}">'


def _player(role: str, clip: str) -> str:
    if not clip:
        return ""
    audio = f'<audio controls preload="none" src="{figures.data_address(mp3(clip), "audio/mpeg")}"></audio>'
    return f"<figure><figcaption>{role}</figcaption>{audio}</figure>"


def mp3(clip: str) -> bytes:
    """A clip as MP3, which every browser plays."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, load_audio(clip, SAMPLE_RATE), SAMPLE_RATE, format="MP3")
    return buffer.getvalue()
