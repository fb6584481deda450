"""Front ends that published models use."""

from idfacevc.config.front_end import FrontEndSpec

PROFILES: dict[str, FrontEndSpec] = {
    "vqmivc16k": FrontEndSpec(),
    "pwg24k": FrontEndSpec(24000, 2048, 300, 1200),
    "pwg22k": FrontEndSpec(22050, 1024, 256, 1024),
    "sp22k": FrontEndSpec(22050, 1024, 256, 1024, fmin=0.0, fmax=8000.0, log="ln", floor=1e-5),
    "facetts16k": FrontEndSpec(16000, 1024, 160, 1024, 128, 0.0, 8000.0, "ln", 1e-5),
}
