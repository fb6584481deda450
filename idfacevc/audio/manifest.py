"""C2PA manifests: a signed statement inside a file that it is synthetic speech, for those who hold a certificate."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from idfacevc.errors import InputError, optional

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".m4a"})  # what c2pa-python signs of ours

# IPTC's word for what a trained model made
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Credentials:
    """Who signs. Made by `load`.

    Attributes:
        certificate: PEM of the chain, the signer's first.
        key: PEM of its private key.
        algorithm: Algorithm of the signature, as C2PA names it.
    """

    certificate: bytes
    key: bytes
    algorithm: str

    @classmethod
    def load(cls, certificate: str | os.PathLike[str], key: str | os.PathLike[str]) -> Credentials:
        """Read both PEM files; `InputError` where one cannot be used, or c2pa-python is not installed."""
        with optional("c2pa", "C2PA manifests need c2pa-python: pip install 'idfacevc[c2pa]'"):
            import c2pa  # noqa: F401
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            chain, secret = Path(certificate).read_bytes(), Path(key).read_bytes()
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
        try:
            x509.load_pem_x509_certificates(chain)
        except ValueError as error:
            raise InputError(f"{certificate}: holds no certificate in PEM") from error
        try:
            private = load_pem_private_key(secret, password=None)
        except (ValueError, TypeError) as error:
            raise InputError(f"{key}: holds no private key in PEM without a password") from error
        if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
            return cls(chain, secret, _CURVES[private.curve.name])
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return cls(chain, secret, "ed25519")
        if isinstance(private, rsa.RSAPrivateKey):
            return cls(chain, secret, "ps256")
        raise InputError(f"{key}: C2PA knows no signature with such a key")

    def sign(self, file: Path, comment: str) -> None:
        """Put a manifest into a file, with the comment as its title; `InputError` where the certificate is refused."""
        from c2pa import Builder, C2paError, C2paSignerInfo, Signer

        created = {"action": "c2pa.created", "digitalSourceType": _SOURCE}
        manifest = {
            "title": comment,
            "claim_generator_info": [{"name": "idfacevc"}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
        }
        signed = file.with_name(f"{file.stem}-signed{file.suffix}")
        info = C2paSignerInfo(self.algorithm, self.certificate, self.key, None)
        try:
            with Signer.from_info(info) as signer, Builder(json.dumps(manifest)) as builder:
                builder.sign_file(str(file), str(signed), signer)
            os.replace(signed, file)
        except C2paError as error:
            raise InputError(f"the C2PA manifest cannot be signed with this certificate and key ({error})") from error
        finally:
            signed.unlink(missing_ok=True)
