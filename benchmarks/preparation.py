"""Preparation here beside preparation as FVMVC's tools do it: the same videos, the same networks, one core each.

FVMVC writes the sound of a video to a file and reads it again, searches a face in every frame on its own, runs the face
network on every frame on its own, goes from clip to clip, and stores every feature of every clip as a file: mel,
log-F0, speech, and of the face all crops, all features and their mean. Here one pass reads sound and pictures, the
frames are a sample of at most 32, networks run in batches, and many clips share a file.

The networks have their real sizes and random weights, which take as long; their loading is not counted. Time is that of
the processor, so that other work on the machine counts for neither. The videos are written first; 9.5 s is the mean
length in the paper's selection of LRS3. Further cores run further such processes here; FVMVC's tools use one.

python -m benchmarks.preparation [--clips 4] [--seconds 9.5] [--features paper|fvmvc]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.backbones.registry import speech_backbone
from idfacevc.config.face import ClipSpec, FaceNetSpec, FaceSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.speech import ClapSafpqSpec, ResemblyzerProjectionSpec
from idfacevc.data.corpora.folder import read_folder
from idfacevc.data.engines.job import ShardJob, ShardMaker
from idfacevc.data.features import FeatureSpec
from idfacevc.data.reading import SPEECH_RATE, face_reader, speech_input
from tests.lrs3_corpus import write_clip as write_video
from tests.pretrained_models import write_clap, write_clip


def specification(features: str, folder: Path) -> FeatureSpec:
    """Weights of the real sizes, written to a folder, and what names them."""
    if features == "fvmvc":
        from facenet_pytorch import InceptionResnetV1

        torch.save(InceptionResnetV1().state_dict(), folder / "facenet.pt")
        face = FaceSpec(FaceNetSpec(name=str(folder / "facenet.pt")), token_dim=512)
        return FeatureSpec(FrontEndSpec(), ResemblyzerProjectionSpec(), face)
    write_clip(folder / "clip", hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
               image_size=224)  # fmt: skip
    write_clap(folder / "clap", patch_embeds_hidden_size=128, hidden_size=1024, depths=[2, 2, 12, 2],
               num_attention_heads=[4, 8, 16, 32])  # fmt: skip
    return FeatureSpec(
        FrontEndSpec(),
        ClapSafpqSpec(name=str(folder / "clap"), revision=None),
        FaceSpec(ClipSpec(name=str(folder / "clip"), revision=None)),
    )


class FvmvcTools:
    """A clip after the other, a frame after the other, a file a feature."""

    def __init__(self, spec: FeatureSpec) -> None:
        from facenet_pytorch import MTCNN

        assert spec.face is not None and spec.speech is not None
        self.front_end, self.log_mel = spec.front_end, LogMel(spec.front_end)
        self.speech = speech_backbone(spec.speech)
        self.backbone = face_reader(spec.face, "", "cpu").backbone
        self.find = MTCNN(image_size=128, margin=50, post_process=False)

    @torch.inference_mode()
    def __call__(self, clips: Iterable[str], out: Path) -> None:
        import av
        import librosa
        import soundfile

        for clip in clips:
            store = out / Path(clip).stem
            store.mkdir(parents=True)
            soundfile.write(store / "audio.wav", load_audio(clip, SPEECH_RATE), SPEECH_RATE)
            wav, _ = librosa.effects.trim(load_audio(store / "audio.wav", SPEECH_RATE), top_db=60)
            np.save(store / "mel.npy", self.log_mel(torch.from_numpy(wav)[None])[0].numpy())
            np.save(store / "lf0.npy", log_f0(wav, self.front_end))
            np.save(store / "speech.npy", self.speech.tokens([speech_input(self.speech, wav, SPEECH_RATE)])[0])
            crops, features = [], []
            with av.open(clip) as container:
                for frame in container.decode(video=0):
                    crop = self.find(frame.to_image())
                    if crop is None:
                        continue
                    crops.append(crop.permute(1, 2, 0).to(torch.uint8).numpy())
                    features.append(self.backbone.tokens([Image.fromarray(crops[-1])])[0].numpy())
            np.save(store / "crops.npy", np.stack(crops))
            np.save(store / "features.npy", np.stack(features))
            np.save(store / "mean.npy", np.mean(features, axis=0))


def report(name: str, seconds: float, clips: int, folder: Path) -> float:
    """Print one side; returns its clips a minute."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    rate = 60 * clips / seconds
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{name}: {rate:.1f} clips a minute of one core ({seconds:.1f} s), {len(files)} files, {size:.1f} MB")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=9.5)
    parser.add_argument("--features", choices=("paper", "fvmvc"), default="paper")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spec = specification(args.features, folder)
        for number in range(args.clips + 1):
            write_video(folder / f"videos/speaker/{number:05d}.mp4", number, 0, args.seconds)
        warm, *items = read_folder(folder / "videos")
        theirs, ours = FvmvcTools(spec), ShardMaker(spec, "cpu")
        theirs([warm.audio], folder / "warm")
        (folder / "shards").mkdir()
        ours(ShardJob(folder / "warm/shard.safetensors", (warm,), ""))

        print(f"{args.clips} videos of {args.seconds} s, {args.features} features")
        started = time.process_time()
        theirs([item.audio for item in items], folder / "files")
        before = report("as FVMVC's tools do it", time.process_time() - started, args.clips, folder / "files")
        started = time.process_time()
        ours(ShardJob(folder / "shards/shard-00000.safetensors", tuple(items), ""))
        after = report("idfacevc", time.process_time() - started, args.clips, folder / "shards")
        print(f"ratio {after / before:.1f}")


if __name__ == "__main__":
    main()
