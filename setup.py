"""Everything is in pyproject.toml but one step: the trained checkpoints go into the package that is built."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCheckpoints(build_py):
    """Copies `checkpoints/` to `idfacevc/weights/`; an editable install reads it where it stands."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree("checkpoints", Path(self.build_lib) / "idfacevc" / "weights", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithCheckpoints})
