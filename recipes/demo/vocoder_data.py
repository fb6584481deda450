"""The demo's speech, and espeak's, as material for a vocoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idfacevc.data.corpora.item import Item
from idfacevc.data.vocoder import VocoderDataModule
from recipes.demo.items import espeak_items, speech_items


class CorporaDataModule(VocoderDataModule):
    """Segments of the recordings of the corpora folder, beside those of a table.

    Args:
        corpora: folder of the demo's speech table and archives.
        espeak: folder where transcripts of the corpora are spoken by espeak-ng, as more material; empty for none.
        settings: as in `VocoderDataModule`.
    """

    def __init__(self, corpora: str, espeak: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self.corpora, self.espeak = Path(corpora), espeak

    def items(self) -> list[Item]:
        spoken = espeak_items(self.corpora, Path(self.espeak)) if self.espeak else []
        return super().items() + speech_items(self.corpora) + spoken
