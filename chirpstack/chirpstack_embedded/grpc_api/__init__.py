"""ChirpStack's gRPC API on the servicers of ``chirpstack-api``."""

from chirpstack_embedded.grpc_api.server import ApiServer
from chirpstack_embedded.grpc_api.tokens import key_token

__all__ = ["ApiServer", "key_token"]
