"""report.html: tables, figures and playable audio in one file that needs nothing beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from idfacevc.audio import formats
from idfacevc.audio.io import comment_of, load_audio
from idfacevc.evaluation import figures
from idfacevc.evaluation.measurement import Measurement, table
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores
from idfacevc.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAYED = 12  # rows with audio: more would make a page of many megabytes
WORST = 10  # faces, and sources, whose outputs are shown as the worst

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
    scores: Scores,
    drawings: Mapping[str, Figure],
) -> None:
    """Write the page.

    Args:
        sections: Tables by title.
        about: What was measured.
        pairs: Measured rows.
        rows: Rows of scores.csv, in the order of `pairs`.
        scores: Scores of the clips; the embeddings make the map of voices.
        drawings: Further figures by title.
    """
    parts = ["<h1>Evaluation</h1>", _facts(about)]
    parts += [f"<h2>{escape(title)}</h2>{html_table(own)}" for title, own in sections.items()]
    parts.append(
        "<p>Values with 95 % bootstrap intervals over speakers. Arrows show the better direction. Speaker cosines "
        "have a high floor even for strangers: judge them by the rows beside them. The two controls convert nothing "
        "anew: for each row they take an output that the list has for another target's face (any, or of the same "
        "gender; of the same utterance where there is one) and score it against this row's target.</p>"
    )
    parts.append(_pictures({**_maps(pairs, rows, scores), **drawings}))
    parts.append(_players(pairs))
    parts += [worst(kind, pairs, rows) for kind in ("faces", "sources")]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Evaluation</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_whole(path, page)


def html_table(own: Sequence[Measurement]) -> str:
    """The table of `measurement.table`; cells that are not available are marked."""
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


def _maps(pairs: Sequence[Pair], rows: Sequence[Mapping[str, Any]], scores: Scores) -> dict[str, Figure | str]:
    """Distributions of the scores and the map of the voices, or why there is none."""
    columns = {
        title: [float(row[key]) for row in rows if row.get(key) not in (None, "")]
        for title, key in {
            "DNSMOS P.808": "p808",
            "DNSMOS": "dnsmos",
            "UTMOS": "utmos",
            "WER": "wer",
            "WER (Whisper)": "whisper_wer",
            "SECS": "secs",
        }.items()
    }
    voices: Figure | str | None = "Not drawn: the offline tier, which embeds the voices, was not measured."
    if scores.embeddings:
        embeddings = np.stack([scores.embeddings[pair.output] for pair in pairs])
        faces = {pair.target: pair.face for pair in reversed(pairs)}
        voices = figures.voices_map(embeddings, [pair.target for pair in pairs], faces)
    return {
        "Distributions over the outputs": figures.distributions(columns) or "Not drawn: no output has a score.",
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
        _heard(
            pair.face,
            f"{pair.source_speaker} → {pair.target}",
            {"source": pair.source, "output": pair.output, "target's true speech": pair.reference},
            escape(pair.transcript),
        )
        for pair in chosen
    )
    return f"<h2>Listen</h2>{body}"


def worst(kind: str, pairs: Sequence[Pair], rows: Sequence[Mapping[str, Any]]) -> str:
    """The ten faces, or sources, with the worst outputs: picture, the worst output, its source, and its scores.

    The order is the mean of two ranks over all outputs: naturalness (P.808, or UTMOS), and words that are wrong where a
    recogniser ran. A face or source counts by the mean over its outputs.
    """
    order = _badness(rows)
    if order is None:
        return ""
    groups: dict[str, list[int]] = {}
    for index, pair in enumerate(pairs):
        groups.setdefault(pair.face if kind == "faces" else pair.utterance, []).append(index)
    worst = sorted(groups.values(), key=lambda own: float(np.mean(order[own])), reverse=True)[:WORST]
    body = ""
    for own in worst:
        index = max(own, key=lambda one: float(order[one]))
        pair, row = pairs[index], rows[index]
        values = "; ".join(f"{key} {float(row[key]):.2f}" for key in _JUDGED if row.get(key) not in (None, ""))
        heard = "; ".join(str(row[key]) for key in ("faster_whisper_heard", "whisper_heard", "heard") if row.get(key))
        name = Path(pair.face).stem if kind == "faces" else pair.source_speaker
        text = f"{escape(pair.transcript)}<br>heard: {escape(heard)}" if heard else escape(pair.transcript)
        clips = {"source": pair.source, "its worst output": pair.output}
        body += _heard(pair.face, f"{name}, {len(own)} outputs", clips, f"{escape(values)}<br>{text}")
    return f"<h2>Worst {kind}</h2>{body}"


_JUDGED = ("p808", "dnsmos", "utmos", "faster_whisper_wer", "words_changed", "whisper_wer", "wer", "secs")


def _badness(rows: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
    """Mean rank of each output by naturalness and by wrong words, (n,), high is bad; None without any score."""
    ranks = []
    for keys, sign in ((("p808", "utmos"), -1.0), (("words_changed", "faster_whisper_wer", "whisper_wer", "wer"), 1.0)):
        for key in keys:
            if all(row.get(key) not in (None, "") for row in rows):
                values = sign * np.array([float(row[key]) for row in rows])
                ranks.append((values[:, None] > values).mean(axis=1))  # equal values have equal ranks
                break
    return np.mean(ranks, axis=0) if ranks else None


def _heard(face: str, title: str, clips: Mapping[str, str], about: str) -> str:
    """A face, where there is a picture of it, with clips by what they are beside it, and words (HTML) below."""
    players = "".join(
        f"<figure><figcaption>{role}</figcaption>{_player(clip)}</figure>" for role, clip in clips.items() if clip
    )
    return f"<article>{_face(face)}<div><h3>{escape(title)}</h3>{players}<p>{about}</p></div></article>"


def _face(path: str) -> str:
    image = figures.thumbnail(path, 192)
    if image is None:
        return ""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG")
    return f'<img alt="face" src="{figures.data_address(buffer.getvalue(), "image/jpeg")}">'


def _player(clip: str) -> str:
    return f'<audio controls preload="none" src="{figures.data_address(mp3(clip), "audio/mpeg")}"></audio>'


def mp3(clip: str) -> bytes:
    """A clip as MP3, which every browser plays, with the clip's own comment: what says that it is synthetic stays."""
    buffer = io.BytesIO()
    tags = {"comment": comment} if (comment := comment_of(clip)) else {}
    for _ in formats.write(buffer, [load_audio(clip, SAMPLE_RATE)], SAMPLE_RATE, formats.FORMATS["mp3"], tags):
        pass
    return buffer.getvalue()
