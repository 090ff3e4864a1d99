"""The three uses LoRaWAN makes of AES-128: blocks, their inverse, and CMAC."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC

MIC_SIZE = 4


def _ecb(key: bytes) -> Cipher[ECB]:
    return Cipher(AES(key), ECB())  # noqa: S305 -- LoRaWAN §4.3.3: single blocks


def aes_encrypt(key: bytes, blocks: bytes) -> bytes:
    """Encrypt whole 16-octet blocks, each on its own."""
    return _ecb(key).encryptor().update(blocks)


def aes_decrypt(key: bytes, blocks: bytes) -> bytes:
    """Decrypt whole blocks; a join server *encrypts* an accept with this."""
    return _ecb(key).decryptor().update(blocks)


def cmac4(key: bytes, message: bytes) -> bytes:
    """First four octets of the AES-CMAC (RFC 4493): a message integrity code."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()[:MIC_SIZE]
