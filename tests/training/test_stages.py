import copy

import pytest
import pytorch_lightning as pl
import torch

from idfacevc.config.content import VqcpcSpec
from idfacevc.config.decoder import LstmDecoderSpec, ModulatedDecoderSpec
from idfacevc.config.memory import FaceVoiceMemorySpec
from idfacevc.config.pitch import RegisterPitchSpec
from idfacevc.data.conversion import ConversionDataModule
from idfacevc.losses.identity import identity_loss
from idfacevc.training.module import PerturbSpec
from idfacevc.training.schedule import OptimSpec
from idfacevc.training.stage_a import LOSSES_A, StageA
from idfacevc.training.stage_b import LOSSES_B, StageB, StageBSpec, constant
from recipes.demo.memory_stage import MemoryStage
from tests.sizes import tiny_spec
from tests.training.material import write_features

MODULATED = ModulatedDecoderSpec(blocks=2, conv=16, postnet=16, postnet_layers=2)
FAST = OptimSpec(lr_init=2e-3, lr_max=5e-3, warmup_steps=1, schedule="cosine", epochs=400)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features"))


def data(features, faces=False, batch=12):
    return ConversionDataModule(str(features), with_faces=faces, crop_frames=32, batch_size=batch)


def trainer(folder, epochs, **options):
    return pl.Trainer(
        accelerator="cpu", max_epochs=epochs, default_root_dir=folder, logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stage_a(features, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a")
    pl.seed_everything(0, verbose=False)
    run = trainer(folder, 3, enable_checkpointing=False)
    run.fit(StageA(tiny_spec(), optim=FAST), data(features))
    run.save_checkpoint(folder / "a.ckpt")
    return folder / "a.ckpt"


def stage_b(features, stage_a, **options):
    """A stage-B module with its batch, built as a training would."""
    pl.seed_everything(1, verbose=False)
    module = StageB(tiny_spec(), stage=StageBSpec(init=str(stage_a)), optim=FAST, **options)
    source = data(features, faces=True)
    source.setup("fit")
    module.speakers = len(source.speakers)
    module.build(module.speakers)
    batch = next(iter(source.train_dataloader()))
    return module, {**batch, "mel": module.net.normalise_mel(batch["mel"])}


def test_one_batch_is_learnt_and_faces_find_their_voices(tmp_path):
    features = write_features(tmp_path / "features", frames=32)  # as long as a crop: every epoch is the same batch
    pl.seed_everything(0, verbose=False)
    content = VqcpcSpec(hidden=64, layers=2, dim=16, codes=24, decay=0.9, restart_threshold=0.5)
    module = StageB(
        tiny_spec(
            content=content,
            memory=FaceVoiceMemorySpec(slots=12, dim=32, scale=10.0),
            decoder=LstmDecoderSpec(
                pre_lstm=64, conv=64, convs=1, lstm=64, lstm_layers=1, postnet=32, postnet_layers=2
            ),
        ),
        {
            **LOSSES_B,
            "contrastive": {"weight": 1.0},
            "predictive_coding": {"weight": 0.1, "context": 24, "steps": 3, "negatives": 5},
            "memory_recall": {"detach_speech": False},
            "memory_address": {"detach_speech": False},
        },
        optim=OptimSpec(lr_init=1e-3, lr_max=8e-3, warmup_steps=5, schedule="cosine", epochs=300, content_lr=1.0),
    )
    source = data(features, faces=True)
    run = trainer(tmp_path, 300, enable_checkpointing=False, limit_val_batches=0)
    source.setup("fit")
    batch = next(iter(source.train_dataloader()))

    def state():
        with torch.no_grad():
            normal = {**batch, "mel": module.net.normalise_mel(batch["mel"])}
            step = module.make_step(normal, module.encode_content(normal["mel"]))
            module.total_loss(step)
            face = module.net.face_voice(batch["face"]).identity
            speech = module.net.speech_voice(batch["speech"]).identity
            cosine = torch.nn.functional.normalize(face, dim=1) @ torch.nn.functional.normalize(speech, dim=1).T
            found = batch["speaker"][cosine.argmax(1)] == batch["speaker"]
            return step.logs["reconstruction"].item(), found.float().mean().item()

    module.build(4)
    for name, value in source.statistics.items():
        getattr(module.net, name).copy_(value)
    module.eval()
    before, _ = state()
    run.fit(module, source)
    module.eval()
    after, found = state()
    assert after < 0.1 * before
    assert found == 1.0


@pytest.mark.parametrize("changed", [{}, {"pitch": RegisterPitchSpec(), "decoder": MODULATED}])
def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(features, tmp_path, changed):
    def run(epochs, folder, resume=None):
        pl.seed_everything(3, verbose=False)
        losses = {**LOSSES_A, "register": {}, "adversarial": {"weight": 0.1, "blocks": 2}} if changed else None
        module = StageA(tiny_spec(**changed), losses, optim=FAST, perturb=PerturbSpec(0.2, 0.5))
        logged = []
        module.log_dict = lambda values, **_: logged.append({k: v.item() for k, v in values.items()})
        one = trainer(folder, epochs, enable_checkpointing=False, limit_val_batches=0)
        one.fit(module, data(features), ckpt_path=resume, weights_only=True)
        one.save_checkpoint(folder / "last.ckpt")
        return logged, module

    whole, expected = run(4, tmp_path)
    run(2, tmp_path)
    torch.rand(17)  # another process would have another random state
    resumed, module = run(4, tmp_path, tmp_path / "last.ckpt")
    assert len(resumed) == 2
    for one, other in zip(resumed, whole[2:], strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-6)
    for (name, a), b in zip(module.state_dict().items(), expected.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, msg=name)


def test_the_main_step_moves_no_vclub_weight_and_the_inner_steps_move_nothing_else(features):
    pl.seed_everything(0, verbose=False)
    module = StageA(tiny_spec(), optim=FAST)
    seen = {}
    fit, total = module._fit_inner, module.total_loss

    def watched_fit(term, optimizer, step):
        before = copy.deepcopy(module.state_dict())
        fit(term, optimizer, step)
        after = module.state_dict()
        seen["moved"] = {name for name in after if not torch.equal(before[name], after[name])}
        seen["club"] = copy.deepcopy(term.club.state_dict())

    def watched_total(step):
        seen["frozen"] = not any(p.requires_grad for p in module.losses["mutual_information"].parameters())
        return total(step)

    module._fit_inner, module.total_loss = watched_fit, watched_total
    run = trainer(".", 1, enable_checkpointing=False, limit_val_batches=0, limit_train_batches=1)
    run.fit(module, data(features))
    assert seen["moved"] and all(name.startswith("losses.mutual_information.club") for name in seen["moved"])
    assert seen["frozen"]
    for name, value in module.losses["mutual_information"].club.state_dict().items():
        assert torch.equal(value, seen["club"][name]), name


def test_the_inter_speaker_pass_teaches_the_face_branch_alone(features, stage_a):
    module, batch = stage_b(features, stage_a)
    module.train()
    content = module.encode_content(batch["mel"])
    before = {name: value.clone() for name, value in module.named_buffers()}
    pre, post, target = module._inter_speaker(batch, content.z_q.detach(), batch["lf0"])
    assert not target.requires_grad
    ((pre - target).square().mean() + (post - target).square().mean()).backward()
    touched = {name for name, p in module.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched and all(name.startswith(("net.face_head", "net.face_adapter", "net.memory")) for name in touched)
    assert not any(p.requires_grad for p in module.teacher.parameters())
    for name, value in module.named_buffers():
        assert torch.equal(value, before[name]), name


def test_released_behaviour_has_no_gradient(features, stage_a):
    module, batch = stage_b(features, stage_a)
    module.stage = StageBSpec(init=str(stage_a), fvmvc_no_gradient=True)
    content = module.encode_content(batch["mel"])
    assert not any(mel.requires_grad for mel in module._inter_speaker(batch, content.z_q.detach(), batch["lf0"]))


def test_stage_b_starts_from_stage_a(features, stage_a):
    module, _ = stage_b(features, stage_a)
    state = torch.load(stage_a, weights_only=True)["state_dict"]
    for name, value in module.net.state_dict().items():
        if name.startswith(("decoder", "content")):
            assert torch.equal(value, state[f"net.{name}"]), name
    for a, b in zip(module.teacher.decoder.parameters(), module.net.decoder.parameters(), strict=True):
        assert torch.equal(a, b)


def test_frozen_content_stays_bit_identical(features, stage_a, tmp_path):
    pl.seed_everything(1, verbose=False)
    module = StageB(tiny_spec(), stage=StageBSpec(init=str(stage_a), freeze_content=True), optim=FAST)
    run = trainer(tmp_path, 2, enable_checkpointing=False, limit_val_batches=0)
    run.fit(module, data(features, faces=True))
    state = torch.load(stage_a, weights_only=True)["state_dict"]
    for name, value in module.net.content.state_dict().items():
        assert torch.equal(value, state[f"net.content.{name}"]), name


def test_the_total_is_eq_8(features, stage_a):
    module, batch = stage_b(features, stage_a)
    module.eval()
    with torch.no_grad():
        step = module.make_step(batch, module.encode_content(batch["mel"]))
        total, logs = module.total_loss(step), step.logs
    expected = (
        logs["reconstruction"] + 0.1 * logs["contrastive"] + 0.01 * logs["mutual_information"]
        + 0.1 * logs["identity_face"] + 0.1 * logs["identity_speech"]
        + (0.2 * logs["inter_speaker"] + 10 * logs["memory_address"] + 1 * logs["memory_recall"])
        + logs["vector_quantisation"] + logs["predictive_coding"]
    )  # fmt: skip
    # CPC draws its negatives anew, so it is compared within one evaluation
    torch.testing.assert_close(total, expected)


def test_identity_loss_leaves_unknown_speakers_out():
    logits = torch.randn(4, 3)
    speaker = torch.tensor([0, -1, 2, -1])
    torch.testing.assert_close(
        identity_loss(logits, speaker), torch.nn.functional.cross_entropy(logits[[0, 2]], speaker[[0, 2]])
    )
    assert identity_loss(logits, torch.full((4,), -1)) == 0


def test_constant_restores_what_it_changed():
    module = torch.nn.Sequential(torch.nn.Conv1d(2, 2, 1), torch.nn.BatchNorm1d(2)).train()
    with constant(module):
        assert not module[0].weight.requires_grad and not module[1].training and module.training
    assert module[0].weight.requires_grad and module[1].training


def test_memory_filled_with_speech_answers_with_training_voices(features, stage_a, tmp_path):
    pl.seed_everything(1, verbose=False)
    source = data(features, faces=True)
    module = StageB(tiny_spec(), stage=StageBSpec(init=str(stage_a), memory_init="speech"), optim=FAST)
    run = trainer(tmp_path, 1, enable_checkpointing=False, limit_val_batches=0, limit_train_batches=0)
    run.fit(module, source)
    module.eval()
    with torch.no_grad():  # all clips of a speaker have the same speech features here
        voices = module.net.speech_voice(
            torch.stack([source.store.read(index, "speech")[0] for index in source.training_clips()])
        ).voice
    distances = torch.cdist(module.net.memory.speech_values, voices)
    assert distances.min(dim=1).values.max() < 1e-4  # each slot is a speaker
    assert distances.min(dim=0).values.max() < 1e-4  # each speaker has a slot
    assert torch.equal(module.net.memory.face_keys, module.net.memory.speech_values)


def test_frozen_speech_and_detached_address(features, stage_a, tmp_path):
    pl.seed_everything(1, verbose=False)
    switches = StageBSpec(init=str(stage_a), freeze_speech=True)
    module = StageB(tiny_spec(), {"memory_address": {"detach_address": True}}, switches, FAST)
    source = data(features, faces=True)
    run = trainer(tmp_path, 2, enable_checkpointing=False, limit_val_batches=0)
    run.fit(module, source)
    state = torch.load(stage_a, weights_only=True)["state_dict"]
    for name, value in module.net.state_dict().items():
        if name.startswith("speech_"):
            assert torch.equal(value, state[f"net.{name}"]), name
    # nothing but the address loss is left to move the memory, and it may not move the values
    pl.seed_everything(1, verbose=False)
    values = StageB(tiny_spec(), stage=switches, optim=FAST).net.memory.speech_values
    assert torch.equal(module.net.memory.speech_values, values)


def test_faces_find_their_voices_without_decoding_and_stage_b_goes_on_from_there(features, stage_a, tmp_path):
    pl.seed_everything(1, verbose=False)
    source = data(features, faces=True)
    spec = tiny_spec(memory=FaceVoiceMemorySpec(slots=12, dim=32, scale=200.0))
    switches = {"memory_init": "speech", "freeze_content": True, "freeze_speech": True}
    losses = {"contrastive": {}, "identity_face": {}, "memory_address": {"weight": 1.0, "detach_address": True}}
    module = MemoryStage(spec, losses, StageBSpec(init=str(stage_a), **switches), FAST)
    run = trainer(tmp_path, 120, enable_checkpointing=False, limit_val_batches=0)
    run.fit(module, source)
    run.save_checkpoint(tmp_path / "face.ckpt")
    module.eval()
    batch = next(iter(source.train_dataloader()))
    with torch.no_grad():
        recalled = module.net.face_voice(batch["face"]).voice
        wanted = module.net.speech_voice(batch["speech"]).voice
    assert torch.equal(batch["speaker"][torch.cdist(recalled, wanted).argmin(1)], batch["speaker"])
    after_a = torch.load(stage_a, weights_only=True)["state_dict"]
    for name, value in module.net.state_dict().items():
        if name.startswith(("decoder", "content", "speech_head")):
            assert torch.equal(value, after_a[f"net.{name}"]), name

    later = StageB(spec, stage=StageBSpec(init=str(tmp_path / "face.ckpt"), memory_init="init"), optim=FAST)
    later.build(module.speakers)
    for name, value in later.net.state_dict().items():
        assert torch.equal(value, module.net.state_dict()[name]), name


def test_other_clips_are_said_in_the_voices_of_faces_and_the_codebook_does_not_learn_from_them(features, stage_a):
    module, batch = stage_b(features, stage_a)
    module.train()
    batch |= {"source_mel": module.net.denormalise_mel(batch["mel"].flip(0)), "source_lf0": batch["lf0"].flip(0)}
    before = copy.deepcopy(module.net.content.state_dict())
    z = module._source(batch["source_mel"])
    torch.testing.assert_close(z, module.encode_content(batch["mel"].flip(0)).z_q)
    module.net.content.load_state_dict(before)
    module.encode_content(batch["mel"])
    learnt = copy.deepcopy(module.net.content.state_dict())
    module.net.content.load_state_dict(before)
    content = module.encode_content(batch["mel"])
    module.make_step(batch, content)
    for name, value in module.net.content.state_dict().items():
        assert torch.equal(value, learnt[name]), name
