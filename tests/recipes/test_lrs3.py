"""The configurations of recipes/lrs3, each trained for two steps a stage at tiny sizes and used; and the scripts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from idfacevc.bundles.model import load_bundle
from idfacevc.cli.main import main
from idfacevc.config.training_files import read_model
from idfacevc.data.shards import FeatureStore
from idfacevc.evaluation.reproduce import PUBLISHED
from idfacevc.losses.registry import build_losses
from idfacevc.pipeline.source import analyse
from idfacevc.training.export import export_bundle
from idfacevc.training.stage_a import LOSSES_A
from idfacevc.training.stage_b import LOSSES_B
from tests.conftest import vowels
from tests.training.material import write_features

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes/lrs3"
CONF = RECIPE / "conf"
STAGES = {"sp-facevc": ["stage_b"], "facevc": ["stage_b", "stage_a", "face_stage"],
          "face2speech": ["stage_a", "face_stage"]}  # fmt: skip
NAMES = [
    "id-facevc",
    *sorted(path.stem for path in CONF.glob("*-*.yaml") if "." not in path.stem),
    "fvmvc",
    "facevc",
    "face2speech",
]
EXTRA = {
    "data": {"init_args": {"crop_frames": 32, "batch_size": 6, "workers": 0}},
    "trainer": {
        "max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False,
        "logger": False,
    },
}  # fmt: skip
SIZES = {  # by part and kind
    "face_head": {"safpq": {"prompts": 4, "ffn_dim": 48}, "mlp": {"ffn_dim": 48}, "attention_repara": {"latent": 24}},
    "content": {
        "vqcpc": {"hidden": 24, "layers": 2, "dim": 16, "codes": 24},
        "autovc_bottleneck": {"hidden": 24, "dim": 16, "every": 8},
    },
    "memory": {"fv_memory": {"slots": 12}},
    "decoder": {"lstm": {"pre_lstm": 24, "conv": 24, "convs": 2, "lstm": 24, "postnet": 16, "postnet_layers": 3}},
}


def files(name: str, stage: str = "") -> list[Path]:
    """What the scripts hand on for a configuration, a stage of which is trained, or which is prepared."""
    script = 'source "$0"; configs "$@"'
    command = ["bash", "-c", script, str(RECIPE / "common.sh"), name, *([stage] if stage else [])]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [Path(line) for line in lines if line != "--config"]


def small_model(name: str) -> dict[str, dict]:
    """Sizes for trainings of seconds, of the kinds that a configuration has."""
    spec = read_model([str(path) for path in files(name)])
    sizes = {part: kinds.get(getattr(spec, part).kind, {}) for part, kinds in SIZES.items()}
    return {"front_end": {"floor": 1e-5}, "face": {}, **sizes}


def test_every_row_of_the_papers_tables_has_a_configuration():
    published = yaml.safe_load(PUBLISHED.read_text())
    rows = {row["bundle"] for name in ("table2", "table3") for row in published[name]}
    assert rows - {"facetts"} <= set(NAMES)  # a system of another kind: measured by its outputs


@pytest.mark.parametrize(("stage", "losses"), [("stage_a", LOSSES_A), ("stage_b", LOSSES_B)])
def test_the_equation_in_a_stages_file_is_the_default_of_its_class(stage, losses):
    def options(terms):
        return {
            name: {key: value for key, value in vars(term).items() if key[0] != "_"} for name, term in terms.items()
        }

    stated = yaml.safe_load((CONF / f"{stage}.yaml").read_text())["model"]["init_args"]["losses"]
    assert options(build_losses(stated)) == options(build_losses(losses))


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_trains_and_speaks(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_features(tmp_path / "features")
    model = small_model(name) | {"face": {"token_dim": 16}, "speech": {"token_dim": 256}}
    (tmp_path / "extra.yaml").write_text(yaml.safe_dump({**EXTRA, "model": {"init_args": {"model": model}}}))
    smaller = ["--model.init_args.losses.adversarial.blocks", "1"] if name == "sp-facevc" else []
    for stage in STAGES.get(name, ["stage_a", "stage_b"]):
        used = [*files(name, stage), "extra.yaml"]
        options = [part for path in used for part in ("--config", str(path))]
        assert main(["train", *options, *smaller]) == 0
    export_bundle(Path(stage, "last.ckpt"), None, Path("bundle"), name)
    net = load_bundle("bundle").net
    # what `read_model` reads for the preparation is what was trained
    assert read_model([str(path) for path in [*files(name), "extra.yaml"]]) == net.spec

    source = analyse(vowels(1.0), net)
    faces = torch.stack([FeatureStore("features").read(index, "face", 0, 1)[0] for index in (0, 3)])
    voices = net.inference_voice(net.face_head(faces))
    index = torch.arange(100)
    first, second = (torch.cat(list(net.stream_mel(source.codes, source.lf0, voice, index, 64)), 1) for voice in voices)
    assert first.shape == (80, 100) and torch.isfinite(first).all()
    assert not torch.equal(first, second)


def run(script: str, *options: object, check: bool = True) -> subprocess.CompletedProcess:
    command = [str(RECIPE / script), *map(str, options)]
    return subprocess.run(
        command, check=check, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )


def test_scripts_say_what_is_wrong():
    for options, message in (
        (["prepare.sh"], "--lrs3 DIR or --videos FOLDER is needed"),
        (["prepare.sh", "--videos", ROOT, "--name", "nobody"], "unknown configuration nobody"),
        (["train.sh", "--stages", "1"], "unknown option --stages"),
        (["evaluate.sh"], "--lrs3 DIR is needed"),
    ):
        done = run(*options, check=False)
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_smoke_from_videos_to_a_table(tmp_path):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([ROOT / "tests/smoke.sh", tmp_path], check=True, env=env)
    assert "| ID-FaceVC | audio | 3.286 |" in (tmp_path / "run/table2/table2.md").read_text()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A folder with a corpus of videos as LRS3 lays them out, and with small backbones of random weights."""
    from facenet_pytorch import InceptionResnetV1

    folder = tmp_path_factory.mktemp("lrs3")
    for command in (
        ["tests.lrs3_corpus", folder / "lrs3", "--seconds", "1.5"],
        ["tests.pretrained_models", folder / "weights"],
    ):
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True, cwd=ROOT)
    torch.save(InceptionResnetV1().state_dict(), folder / "facenet.pt")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES[1:])
def test_a_configuration_goes_through_the_scripts(name, run_folder):
    spec = read_model([str(path) for path in files(name)])
    small = small_model(name) | {"face": {"max_frames": 4}}
    if spec.face.backbone.kind == "clip":
        backbone = {"name": str(run_folder / "weights/clip"), "revision": None}
        small["face"] |= {"backbone": backbone, "token_dim": 32}
    if spec.speech.kind == "clap_safpq":
        small["speech"] = {"name": str(run_folder / "weights/clap"), "revision": None, "token_dim": 128}
    settings = {
        "model": {"init_args": {"model": small}},
        "data": {"init_args": {"crop_frames": 64, "batch_size": 3, "workers": 0}},
        "trainer": {"accelerator": "cpu", "max_epochs": 1, "enable_progress_bar": False},
    }
    if name == "sp-facevc":
        settings["model"]["init_args"]["losses"] = {"adversarial": {"blocks": 1}}
    (run_folder / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    common = ["--name", name, "--out", run_folder, "--config", run_folder / f"{name}.yaml"]
    run("prepare.sh", "--lrs3", run_folder / "lrs3", *common, "--", "--workers", "1")
    run("train.sh", *common)
    state = load_bundle(str(run_folder / "checkpoints" / name)).net.state_dict()
    assert all(value.isfinite().all() for value in state.values())
