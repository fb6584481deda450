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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAYED = 12  # rows with audio: more would make a page of many megabytes
WORST = 10  # faces, and sources, whose outputs are shown as the worst

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #ccc; padding: .35rem .7rem; text-align: left; vertical-align: top; }
td.missing { color: #8a4b00; font-size: .85em; }
img { max-width: 100%; }
audio { height: 2rem; width: 14rem; }
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
    path.write_text(page, encoding="utf-8")


def html_table(own: Sequence[Measurement]) -> str:
    """The table of `measurement.table`; cells that are not available are marked."""
    headings, lines = table(own)
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = ""
    for name, *cells in lines:
        columns = "".join(
            f"<td{' class=missing' if cell.startswith('not available') else ''}>{escape(cell)}</td>" for cell in cells
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


def _maps(pairs: Sequence[Pair], rows: Sequence[Mapping[str, Any]], scores: Scores) -> dict[str, Figure | None]:
    """Distributions of the scores and the map of the voices; None where there is too little to show."""
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
    drawn = {"Distributions over the outputs": figures.distributions(columns)}
    if scores.embeddings:
        embeddings = np.stack([scores.embeddings[pair.output] for pair in pairs])
        faces = {pair.target: pair.face for pair in reversed(pairs)}
        drawn["Voices of the outputs (t-SNE of speaker embeddings)"] = figures.voices_map(
            embeddings, [pair.target for pair in pairs], faces
        )
    return drawn


def _pictures(drawn: Mapping[str, Figure | None]) -> str:
    return "".join(
        f"<h2>{escape(title)}</h2>"
        f'<img alt="{escape(title)}" src="{figures.data_address(figures.png(one), "image/png")}">'
        for title, one in drawn.items()
        if one is not None
    )


def _players(pairs: Sequence[Pair]) -> str:
    """Every so many rows with source, output and true speech of the target."""
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, min(PLAYED, len(pairs))).astype(int))]
    body = "".join(
        f'<tr><th scope="row">{escape(pair.source_speaker)} → {escape(pair.target)}</th>'
        + "".join(f"<td>{_player(clip)}</td>" for clip in (pair.source, pair.output, pair.reference))
        + f"<td>{escape(pair.transcript)}</td></tr>"
        for pair in chosen
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "source", "output", "target's true speech", "text"))
    return f"<h2>Listen</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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
        cells = (
            _picture(pair.face),
            _player(pair.source),
            _player(pair.output),
            escape(values),
            f"{escape(pair.transcript)}<br>heard: {escape(heard)}" if heard else escape(pair.transcript),
            str(len(own)),
        )
        name = escape(Path(pair.face).stem if kind == "faces" else pair.source_speaker)
        body += f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    titles = ("", "face", "source", "its worst output", "scores", "text", "outputs")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return f"<h2>Worst {kind}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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


def _picture(face: str) -> str:
    image = figures.thumbnail(face, 96)
    if image is None:
        return ""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG")
    return f'<img alt="face" src="{figures.data_address(buffer.getvalue(), "image/jpeg")}">'


def _player(clip: str) -> str:
    if not clip:
        return ""
    return f'<audio controls preload="none" src="{figures.data_address(mp3(clip), "audio/mpeg")}"></audio>'


def mp3(clip: str) -> bytes:
    """A clip as MP3, which every browser plays, with the clip's own comment: what says that it is synthetic stays."""
    buffer = io.BytesIO()
    tags = {"comment": comment} if (comment := comment_of(clip)) else {}
    for _ in formats.write(buffer, [load_audio(clip, SAMPLE_RATE)], SAMPLE_RATE, formats.FORMATS["mp3"], tags):
        pass
    return buffer.getvalue()
