"""Keys that tokens are signed with."""

from __future__ import annotations

import functools
import json
from typing import Any, Self

import attrs
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

__all__ = ["Key"]


@attrs.frozen
class Key:
    """An RSA key of 2048 bits, as GitHub gives to Apps."""

    private: RSAPrivateKey = attrs.field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Make a new one, which takes a tenth of a second."""
        return cls(generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    @functools.cache
    def shared(cls) -> Self:
        """Give one that is made once."""
        return cls.make()

    @property
    def public(self) -> Any:
        return self.private.public_key()

    @property
    def pem(self) -> bytes:
        """The private key as GitHub has it downloaded."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a provider publishes it."""
        told: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self.public))
        return {**told, "kid": "1", "alg": "RS256", "use": "sig"}
