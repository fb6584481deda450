"""Pieces of the recipe of the third edition, on features and files that are made up."""

import dataclasses
import random
import struct

import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import resample_poly

from idfacevc.audio.level import SPEECH_RMS
from idfacevc.backbones.whisper import WhisperEncoder
from idfacevc.config.content import WhisperSpec
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.text.speakers.kokoro import available
from recipes.demo import joint, unpaired
from recipes.demo.clips import ClipFeatures, groups_of, mean_vectors
from recipes.demo.converter import FRAMES, PairCrops, losses, read_sizes
from recipes.demo.corpora import kept_out
from recipes.demo.parallel_speech import Reader, group_rows, sentences_of
from recipes.demo.source_filter import Panel, new_generator
from recipes.demo.speech_features import FRONT_END, degraded, stretched, transposed
from recipes.demo.whisper_weights import encoder_weights, read_ctranslate2


def clip(name: str, corpus: str, speaker: str, group: str = "", frames: int = 301) -> ClipFeatures:
    """Features whose mel and words hold their own frame's number, so that alignment can be seen."""
    mel = np.repeat(np.arange(frames, dtype=np.float16)[:, None], 80, axis=1)
    words = np.repeat(np.arange(0, frames + 1, 2, dtype=np.float16)[: (frames + 1) // 2, None], 384, axis=1)
    rng = np.random.default_rng(len(name))
    vector = rng.random(256).astype(np.float32)
    lf0 = np.full(frames, 5.0, np.float32)
    return ClipFeatures(
        name, corpus, speaker, group, mel, lf0, lf0 - 5, np.array([5.0, 0.1], np.float32), vector,
        np.zeros(frames * 160, np.int16), np.stack([words] * 3),
    )  # fmt: skip


CLIPS = [clip(f"k{i}", "kokoro", f"kk{i}", "g0") for i in range(3)] + [
    clip("l", "librispeech", "ls"), clip("s", "speechocean762", "so", frames=90), clip("p", "picovoice", ""),
]  # fmt: skip


def test_source_and_target_of_a_crop_are_aligned():
    draws = PairCrops(CLIPS, seed=0)
    for _ in range(30):
        words, mel, _, speaker, _, mask = draws.crop()
        assert words.shape == (FRAMES // 2, 384) and mel.shape == (FRAMES, 80) and speaker.shape == (256,)
        seen = mask.astype(bool)
        np.testing.assert_array_equal(mel[seen, 0][::2], words[: (seen.sum() + 1) // 2, 0])
        assert not mel[~seen].any()


def test_parallel_speech_goes_from_one_timbre_to_another():
    draws = PairCrops(CLIPS, seed=0)
    names = [draws.pair()[1].id for _ in range(200)]
    assert 60 < sum(name.startswith("k") for name in names) < 140
    assert {"k0", "k1", "k2"} <= set(names)
    assert len(groups_of(CLIPS)) == 1
    assert set(mean_vectors(CLIPS)) == {"kk0", "kk1", "kk2", "so"}


def test_features_without_parallel_speech_are_refused():
    with pytest.raises(InputError, match="parallel speech"):
        PairCrops(CLIPS[3:])


def test_losses_vanish_for_what_they_should_and_reach_the_decoder():
    torch.manual_seed(0)
    net = IDFaceVCNet(read_sizes()).train()
    terms, mel = losses(net, PairCrops(CLIPS, seed=0).batch())
    assert mel.shape[1:] == (80, FRAMES)
    assert all(torch.isfinite(value) for value in terms.values())
    terms["rec"].backward()
    assert net.decoder.enter.weight.grad.abs().sum() > 0
    assert net.speech_adapter.layers[0].weight.grad.abs().sum() > 0
    assert net.content.encoder.conv1.weight.grad is None


def test_degraded_speech_keeps_its_length_and_level():
    wave = np.sin(np.arange(16000) * 0.3)
    for seed in range(5):
        made = degraded(wave, np.random.default_rng(seed))
        assert made.shape == wave.shape and np.isfinite(made).all()
        assert np.sqrt(np.mean(made**2)) == pytest.approx(SPEECH_RMS, rel=0.2)


def test_resampling_moves_a_tone_and_stretching_undoes_its_length():
    rate, tone = 16000, np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    slower = transposed(tone, 1.2)
    peak = np.abs(np.fft.rfft(slower)).argmax() * rate / len(slower)
    assert peak == pytest.approx(1000 / 1.2, rel=0.01)
    ramp = np.arange(11, dtype=np.float32)[:, None]
    np.testing.assert_allclose(stretched(ramp, 21)[:, 0], np.arange(0, 10.5, 0.5), atol=1e-5)


def test_whispers_weights_come_out_of_a_ctranslate2_file(tmp_path):
    torch.manual_seed(0)
    spec = WhisperSpec(n_mels=8, dim=12, layers=1, heads=2, positions=20)
    wanted = WhisperEncoder(spec).state_dict()
    layer = "layers.0"
    arrays = {
        "position_encodings/encodings": wanted["embed_positions.weight"],
        "layer_norm/gamma": wanted["layer_norm.weight"], "layer_norm/beta": wanted["layer_norm.bias"],
        "layer_0/self_attention/linear_0/weight": torch.cat(
            [wanted[f"{layer}.self_attn.{name}_proj.weight"] for name in "qkv"]
        ),
        "layer_0/self_attention/linear_0/bias": torch.cat(
            [wanted[f"{layer}.self_attn.q_proj.bias"], torch.zeros(12), wanted[f"{layer}.self_attn.v_proj.bias"]]
        ),
    }  # fmt: skip
    for conv in ("conv1", "conv2"):
        arrays |= {f"{conv}/{part}": wanted[f"{conv}.{part}"] for part in ("weight", "bias")}
    for ours, theirs in (
        ("self_attn.out_proj", "self_attention/linear_1"),
        ("fc1", "ffn/linear_0"),
        ("fc2", "ffn/linear_1"),
    ):
        arrays |= {f"layer_0/{theirs}/{part}": wanted[f"{layer}.{ours}.{part}"] for part in ("weight", "bias")}
    for ours, theirs in (("self_attn_layer_norm", "self_attention"), ("final_layer_norm", "ffn")):
        arrays[f"layer_0/{theirs}/layer_norm/gamma"] = wanted[f"{layer}.{ours}.weight"]
        arrays[f"layer_0/{theirs}/layer_norm/beta"] = wanted[f"{layer}.{ours}.bias"]

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(arrays))
    for name, tensor in arrays.items():
        values = tensor.numpy().astype(np.float16)
        data += text(f"encoder/{name}") + struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        data += struct.pack("<BI", 4, values.nbytes) + values.tobytes()
    (tmp_path / "model.bin").write_bytes(data)
    read = encoder_weights(read_ctranslate2(tmp_path / "model.bin"), spec)
    assert set(read) == set(wanted)
    for name, tensor in read.items():
        torch.testing.assert_close(tensor, wanted[name].half(), msg=name)
    (tmp_path / "short.bin").write_bytes(data[: len(data) // 2])
    for wrong in (data[: len(data) // 2], b"\x09\0\0\0", b""):
        (tmp_path / "wrong.bin").write_bytes(wrong)
        with pytest.raises(InputError):
            encoder_weights(read_ctranslate2(tmp_path / "wrong.bin"), spec)


def test_a_vocoder_draw_joins_mel_and_samples_at_one_level():
    from recipes.demo.source_filter import VocoderCrops

    mel, pitch, pulses, wave = VocoderCrops(CLIPS, random.Random(0)).crop()
    assert mel.shape == (80, 80) and pitch.shape == (80,) and pulses.shape == wave.shape == (80 * 160,)
    assert pitch[0] == pytest.approx(np.exp(5.0), rel=1e-5)


def test_trainings_see_no_held_out_speaker_of_librispeech():
    rows = [{"corpus": "librispeech", "speaker": f"ls-{number}"} for number in range(1000)]
    share = sum(kept_out(**row) for row in rows) / len(rows)
    assert 0.15 < share < 0.25
    assert not kept_out("picovoice", "ls-0")


def test_sentences_to_read_are_plain_and_come_in_an_order_that_stays(tmp_path):
    texts = ["Too short.", "A plain sentence of a length that suits the reader.", "One with the number 12 is left out."]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(f"LJ0|{text}" for text in texts) + "\nWithout a name this sentence is taken as well.\n")
    found = sentences_of(file)
    assert sorted(found) == [texts[1], "Without a name this sentence is taken as well."]
    assert found == sentences_of(file)
    file.write_text("12")
    with pytest.raises(InputError, match="no sentence"):
        sentences_of(file)


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason="the weights of Kokoro are not installed")
def test_parallel_speech_is_aligned_to_the_sample_and_moves_only_the_register(tmp_path):
    from idfacevc.audio.pitch import log_f0

    read = Reader()
    register = {"af_heart": 180.0, "bf_emma": 180.0, "am_adam": 120.0}
    rows = group_rows(read, register, 0, "The boats lay on the sand at noon.", tmp_path)
    assert [row["f0_scale"] for row in rows] == ["1.000", "1.000", "0.667"]
    waves = [soundfile.read(tmp_path / row["path"], dtype="float32") for row in rows]
    assert len({len(wave) for wave, _ in waves}) == 1 and all(rate == 24000 for _, rate in waves)
    pitch = [log_f0(resample_poly(wave, 2, 3), FRONT_END) for wave, _ in waves]
    both = (pitch[0] != 0) & (pitch[2] != 0)
    assert both.sum() > 50
    assert np.median(pitch[2][both] - pitch[0][both]) == pytest.approx(np.log(120 / 180), abs=0.05)


def test_the_vocoder_speaks_the_converters_mels_and_recordings_by_turns():
    net = IDFaceVCNet(read_sizes())
    made = torch.full((8, 80, 112), 0.5, requires_grad=True)
    recorded, levels = torch.full((8, 112, 80), -3.0), torch.full((8, 1, 1), -0.5)
    mel = joint.spoken_mel(net, made, recorded, levels)
    assert mel.shape == (8, 80, 80)
    own = [0, 1, 3, 4, 5, 7]
    torch.testing.assert_close(mel[[2, 6]], torch.full((2, 80, 80), -3.5))
    torch.testing.assert_close(mel[own], net.denormalise_mel(made)[own, :, :80] - 0.5)
    mel.sum().backward()
    assert not made.grad[[2, 6]].any() and made.grad[own, :, 16:96].all() and not made.grad[..., :16].any()


def test_crops_of_the_joint_training_have_the_wave_in_their_middle():
    clips = [
        dataclasses.replace(one, samples=np.arange(301 * 160, dtype=np.int32).astype(np.float32))
        for one in [*CLIPS[:4], clip("s", "speechocean762", "so")]
    ]
    for _ in range(5):
        (_, mel, *_), (pitch, pulses, wave, level) = joint.WaveCrops(clips, seed=1).crop()
        assert pitch.shape == (80,) and pulses.shape == wave.shape == (80 * 160,)
        first = float(wave[0]) * 32767 / 10**level
        assert first / 160 == pytest.approx(float(mel[16, 0]), abs=0.02)


def test_a_panel_tells_noise_from_tones_and_teaches():
    torch.manual_seed(0)
    panel = Panel(2e-3)
    tone = torch.sin(torch.arange(4096) * 0.2).repeat(4, 1)
    scale = torch.ones((), requires_grad=True)
    hinges = [panel.step(scale * 0.1 * torch.randn(4, 4096), tone)[0] for _ in range(12)]
    assert scale.grad is None and hinges[-1] < hinges[0]
    noise = 0.1 * torch.randn(4, 4096)
    for made, alone in ((scale * noise, None), (noise, scale * noise)):
        scale.grad = None
        panel.step(made, tone, alone)[1].backward()
        assert scale.grad is not None and scale.grad != 0


def test_unpaired_sources_are_real_and_their_voices_somebody_elses():
    drawn = unpaired.UnpairedCrops(CLIPS, seed=0).batch()
    assert drawn.words.shape == (unpaired.BATCH, unpaired.FRAMES // 2, 384)
    assert drawn.wave.shape == (unpaired.BATCH, unpaired.FRAMES * 160)
    means = np.stack(list(mean_vectors(CLIPS).values()))
    assert np.isclose(drawn.speaker.numpy() @ means.T, 1, atol=1e-5).any(axis=1).all()


def test_listeners_hear_what_resemblyzer_hears_and_their_verdict_reaches_the_decoder():
    from resemblyzer import VoiceEncoder

    torch.manual_seed(0)
    net, generator = IDFaceVCNet(read_sizes()).train(), new_generator()
    listeners = unpaired.Listeners(net.content.encoder)
    wave = 10 ** (-30 / 20) * torch.randn(1, 160 * 159)
    oracle = VoiceEncoder("cpu", verbose=False).embed_utterance(wave[0].numpy())
    assert float(listeners.voice(wave)[0].detach() @ torch.from_numpy(oracle)) > 0.98  # windows end elsewhere
    torch.testing.assert_close(listeners.voice(wave), listeners.voice(0.2 * wave), atol=0.01, rtol=0.05)
    drawn = unpaired.UnpairedCrops(CLIPS, seed=0).batch()
    made = unpaired.convert_unpaired(net, generator, (torch.zeros(80, 1), torch.ones(80, 1)), drawn)
    sum(unpaired.listener_losses(listeners, net, made, drawn)).backward()
    assert net.decoder.enter.weight.grad.abs().sum() > 0
    assert all(one.grad is None for one in listeners.parameters())
