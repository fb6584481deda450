"""`import idfacevc` is light, and no layer reaches above itself."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import idfacevc

PACKAGE = Path(idfacevc.__file__).parent
DEMO = PACKAGE.parent / "checkpoints/demo"

# what each room of the package may import of it, beside itself; rooms further down stand on those above them
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "cluster": {"errors"},
    "config": {"errors", "files"},
    "files": {"errors"},
    "threads": set(),
    "signals": set(),
    "audio": {"errors", "config", "files"},
    "nn": {"errors", "config"},
    "losses": {"errors", "config", "nn"},
    "types": {"errors", "files", "audio"},
}
_BASE = set(LAYERS)
LAYERS |= {
    "backbones": _BASE,
    "face": _BASE | {"backbones"},
    "models": _BASE | {"backbones"},
    "vocoders": _BASE,
    "text": _BASE,
}
_NETWORKS = set(LAYERS)
LAYERS |= {
    "pipeline": _NETWORKS | {"bundles"},
    "bundles": _NETWORKS,
    "data": _NETWORKS,
}
LAYERS["vclip"] = set(LAYERS) - {"data"}
LAYERS["speech2face"] = LAYERS["vclip"]
LAYERS["api"] = set(LAYERS) - {"data"}
LAYERS["converter_space"] = set(LAYERS) - {"data"}
_LIBRARY = set(LAYERS)
LAYERS |= {
    "training": _LIBRARY - {"api"},
    "evaluation": _LIBRARY,
    "__init__": {"errors", "api", "speech2face", "vclip"},
    "dub": {"errors", "files", "audio"},
    "serve": {"errors", "cluster", "audio", "types", "face", "text", "pipeline", "api", "vclip"},
    "casting": {"errors", "files", "audio", "types", "vclip"},
    "batch": {"errors", "cluster", "files", "audio", "types", "bundles", "api"},
    "convert_file": {"errors", "files", "audio", "types", "face", "pipeline", "bundles", "vclip", "api"},
    "cli": _LIBRARY | {"training", "evaluation", "serve", "dub", "batch", "casting", "convert_file"},
}


def parts() -> list[str]:
    return sorted({path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")})


def imported(path: Path) -> Iterator[str]:
    """What a file imports of the package, as its top-level rooms, and of `recipes`, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("idfacevc."))
        yield from ("recipes" for name in names if name.split(".")[0] == "recipes")


@pytest.mark.parametrize("part", parts())
def test_layers(part: str) -> None:
    assert part in LAYERS, f"say in LAYERS what {part} may import"
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else (PACKAGE / part).rglob("*.py")
    for path in files:
        above = set(imported(path)) - LAYERS[part] - {part, "__version__"}
        assert not above, f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(above))}"


def _modules_after(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after `code`, and their packages."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


HEAVY = {"pytorch_lightning", "lightning", "gradio", "laion_clap", "whisper", "matplotlib", "transformers"}


def test_import_is_light() -> None:
    modules = _modules_after("import idfacevc")
    assert not modules & (HEAVY | {"torch", "numpy", "scipy"})


def test_the_api_brings_nothing_that_it_does_not_need() -> None:
    modules = _modules_after("import idfacevc.api")
    assert not modules & (HEAVY | {"facenet_pytorch", "huggingface_hub", "skimage", "sklearn"})


def test_help_imports_no_tensors() -> None:
    modules = _modules_after(
        "import contextlib, io\n"
        "from idfacevc.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])"
    )
    assert not modules & (HEAVY | {"torch", "scipy"})


@pytest.mark.skipif(not (DEMO / "config.json").exists(), reason="checkpoints/demo is not in this checkout")
def test_a_conversion_leaves_pytorchs_compiler_alone() -> None:
    """Its import takes more than a second; drawing initial values on the meta device is what asks for it."""
    modules = _modules_after(
        "import numpy as np\n"
        "from PIL import Image\n"
        "from idfacevc import IDFaceVC\n"
        f"vc = IDFaceVC.from_pretrained({str(DEMO)!r})\n"
        "face = Image.effect_noise((128, 128), 60).convert('RGB')\n"
        "vc.convert(vc.voice_from_face(face, aligned=True), audio=(np.sin(np.arange(8000) / 20), 16000))"
    )
    assert not {name for name in modules if name.startswith(("torch._dynamo", "torch._inductor"))}
