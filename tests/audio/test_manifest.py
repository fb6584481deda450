"""C2PA manifests, signed with a certificate made here and read by the package."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from idfacevc.audio.manifest import SUFFIXES, Credentials
from idfacevc.audio.output import save_audio
from idfacevc.audio.provenance import MARK
from idfacevc.cli.main import main
from idfacevc.errors import InputError

c2pa = pytest.importorskip("c2pa")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A chain of a root and a signer, and the signer's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "signer")}
    now = dt.datetime.now(dt.timezone.utc)

    def name(of: str) -> x509.Name:
        parts = {NameOID.ORGANIZATION_NAME: "Test", NameOID.COMMON_NAME: of}
        return x509.Name([x509.NameAttribute(*part) for part in parts.items()])

    def certificate(of: str) -> bytes:
        ca = of == "root"
        public, root = keys[of].public_key(), keys["root"].public_key()
        builder = x509.CertificateBuilder(name("root"), name(of), public, x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=9))
        for extension, critical in [
            (x509.BasicConstraints(ca, None), True),
            (x509.SubjectKeyIdentifier.from_public_key(public), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(root), False),
            (x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        ]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(keys["root"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    folder = tmp_path_factory.mktemp("certificate")
    (folder / "chain.pem").write_bytes(certificate("signer") + certificate("root"))
    (folder / "key.pem").write_bytes(
        keys["signer"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "chain.pem", folder / "key.pem"


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_file_says_that_a_model_made_it(files: tuple[Path, Path], suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    tone = np.sin(np.arange(8000) / 9).astype(np.float32) / 4
    save_audio(path, tone, 16000, watermark=False, credentials=Credentials.load(*files))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with c2pa.Reader(str(path)) as reader:
        told = json.loads(reader.json())
    manifest = told["manifests"][told["active_manifest"]]
    assert told["validation_state"] == "Valid"
    assert manifest["title"].startswith(MARK)
    assert "trainedAlgorithmicMedia" in json.dumps(manifest["assertions"])


def test_what_cannot_sign_is_one_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    chain, key = files
    (tmp_path / "text.pem").write_text("no key")
    for pair, words in [
        ((tmp_path / "absent.pem", key), "cannot be read"),
        ((tmp_path / "text.pem", key), "no certificate"),
        ((chain, tmp_path / "text.pem"), "no private key"),
    ]:
        with pytest.raises(InputError, match=words):
            Credentials.load(*pair)
    with pytest.raises(InputError, match="C2PA manifest goes into"):
        save_audio(tmp_path / "a.opus", np.zeros(9), 16000, credentials=Credentials.load(chain, key))
    arguments = ["convert", "--face", "absent.jpg", "--text", "Hello.", "-o", str(tmp_path / "a.wav")]
    assert main([*arguments, "--c2pa-key", str(key)]) == 2
    assert main([*arguments, "--c2pa-key", str(key), "--c2pa-certificate", str(tmp_path / "text.pem")]) == 2
