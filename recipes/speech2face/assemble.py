"""The bundle out of the two trainings.

python -m recipes.speech2face.assemble --voice CKPT --decoder CKPT --out BUNDLE [--face-side demo] [--name NAME]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.bundles.speech2face import Speech2FaceBundle, Speech2FaceSpec, save_speech2face
from idfacevc.bundles.vclip import fingerprint
from idfacevc.training.speech2face import read_decoder, read_voice
from recipes.vclip.features import tower_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", type=Path, required=True, metavar="CKPT")
    parser.add_argument("--decoder", type=Path, required=True, metavar="CKPT")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE")
    parser.add_argument("--face-side", default="demo", metavar="BUNDLE")
    parser.add_argument("--name", default="speech2face")
    args = parser.parse_args()
    voice, decoder = read_voice(args.voice), read_decoder(args.decoder)
    spec = Speech2FaceSpec(args.name, fingerprint(tower_of(args.face_side)), voice.spec, decoder.spec)
    save_speech2face(args.out, Speech2FaceBundle(spec, voice, decoder))
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
