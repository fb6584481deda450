"""The numbers of a tiny model, so that a refactoring cannot change them unseen.

`python -m tests.models.idfacevc.test_golden` writes the file anew; do that only where a change of numbers is meant.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from idfacevc.models.idfacevc.network import IDFaceVCNet
from tests.sizes import tiny_spec

GOLDEN = Path(__file__).with_name("golden.safetensors")


def compute() -> dict[str, torch.Tensor]:
    """Every output of the network for weights and inputs that depend on no random generator."""
    net = IDFaceVCNet(tiny_spec()).eval()
    with torch.no_grad():
        for number, tensor in enumerate([*net.parameters(), *net.buffers()]):
            if tensor.is_floating_point():
                wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 0.37 + number)
                tensor.copy_((wave * 0.4 + (1.0 if number > 0 and tensor.dim() == 1 else 0.0)).view(tensor.shape))
        for name, buffer in net.named_buffers():
            if name.endswith(("running_var", "mel_std")):
                buffer.copy_(buffer.abs() + 0.5)

        def wave(*shape: int) -> torch.Tensor:
            return torch.sin(torch.arange(torch.Size(shape).numel(), dtype=torch.float64) * 0.11).float().view(shape)

        mel, lf0, tokens, speech = wave(2, 80, 24), wave(2, 24), wave(2, 9, 16), wave(2, 256)
        content, face, voice = net.content(mel), net.face_voice(tokens), net.speech_voice(speech)
        pre, post = net.decode(content.z_q, lf0, face.voice)
        return {
            "z_q": content.z_q, "identity": face.identity, "address": face.log_address.exp(), "voice": face.voice,
            "speech_identity": voice.identity, "speech_voice": voice.voice, "pre": pre, "post": post,
        }  # fmt: skip


def test_numbers_are_unchanged():
    """Within rounding: processors sum in different orders, so what counts is the error beside the tensor's scale."""
    computed = compute()
    for name, expected in load_file(GOLDEN).items():
        error, scale = (computed[name] - expected).abs().max(), expected.abs().max()
        assert error <= 1e-4 * scale, f"{name}: {error:.1e} beside {scale:.1e}"


if __name__ == "__main__":
    save_file({name: tensor.contiguous() for name, tensor in compute().items()}, GOLDEN)
