"""
Turn plain functions into a servicer of ``chirpstack-api``.

A method is ``(call, request) -> response``.  Whatever a service declares and
no function serves answers UNIMPLEMENTED, naming the method: nothing is
emulated by accident.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
from google.protobuf import descriptor_pool

from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.grpc_api.call import Call, Services, identify
from chirpstack_embedded.grpc_api.refusal import Refused, internal, unauthenticated
from chirpstack_embedded.grpc_api.tokens import read_token

logger = logging.getLogger(__name__)

Method = Callable[[Call, Any], Any]
PublicMethod = Callable[[Services, Any], Any]
StreamMethod = Callable[[Call, Any], Callable[[Callable[[], bool]], Iterator[Any]]]

_BEARER = "Bearer "


def method_names(service: str) -> list[str]:
    """Return every method of a service of package ``api``."""
    descriptor = descriptor_pool.Default().FindServiceByName(f"api.{service}")
    return [method.name for method in descriptor.methods]


def make_servicer(
    service: str,
    base: type[Any],
    services: Services,
    *,
    methods: Mapping[str, Method],
    public: Mapping[str, PublicMethod] | None = None,
    streams: Mapping[str, StreamMethod] | None = None,
) -> Any:
    """Return an instance of a subclass of the servicer ``base``."""
    members: dict[str, Any] = {
        name: _unimplemented(service, name) for name in method_names(service)
    }
    members |= {
        name: _unary(name, function, services) for name, function in methods.items()
    }
    members |= {
        name: _public(name, function, services)
        for name, function in (public or {}).items()
    }
    members |= {
        name: _streaming(name, function, services)
        for name, function in (streams or {}).items()
    }
    return type(service, (base,), members)()


def unimplemented_sentence(service: str, method: str) -> str:
    """Return what a method that is not emulated answers."""
    return f"api.{service}/{method} is not emulated by Garonne's embedded server"


def _unimplemented(service: str, method: str) -> Any:
    def refuse(_self: Any, _request: Any, context: grpc.ServicerContext) -> Any:
        sentence = unimplemented_sentence(service, method)
        logger.warning("api.call.unimplemented method=api.%s/%s", service, method)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, sentence)

    return refuse


def _unary(name: str, function: Method, services: Services) -> Any:
    def serve(_self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            response = _in_transaction(function, services, request, context)
        except Refused as refusal:
            # Whoever reads before creating asks for what is not there: no news.
            expected = refusal.code is grpc.StatusCode.NOT_FOUND
            logger.log(
                logging.DEBUG if expected else logging.INFO,
                "api.call.refuse method=%s code=%s message=%r",
                name,
                refusal.code.name,
                refusal.message,
            )
            context.abort(refusal.code, refusal.message)
        except Exception as error:  # noqa: BLE001 - a fault of ours, said in one line
            context.abort(grpc.StatusCode.INTERNAL, _fault(name, error))
        services.changed()
        return response

    return serve


def _fault(name: str, error: Exception) -> str:
    """Log a fault of ours, and say whose it is; the traceback is for debug only."""
    logger.error("api.call.fail method=%s error=%r", name, error)
    logger.debug("api.call.fail method=%s", name, exc_info=error)
    return f"the embedded server failed at {name}: {error!r}"


def _in_transaction(
    function: Method, services: Services, request: Any, context: Any
) -> Any:
    kept: Refused | None = None
    response = None
    with services.store.transaction():
        call = _call(services, context)
        try:
            response = function(call, request)
        except NotStored as error:
            # Raised before anything was written: the method's own order sees to it.
            kept = internal(str(error))
        except Refused as refusal:
            # What was done before stays: Enqueue flushes, then fails (contract §5.4).
            kept = refusal
    if kept is not None:
        raise kept
    return response


def _public(name: str, function: PublicMethod, services: Services) -> Any:
    def serve(_self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            with services.store.transaction():
                return function(services, request)
        except Refused as refusal:
            context.abort(refusal.code, refusal.message)
        except Exception as error:  # noqa: BLE001 - a fault of ours, said in one line
            context.abort(grpc.StatusCode.INTERNAL, _fault(name, error))

    return serve


def _streaming(name: str, function: StreamMethod, services: Services) -> Any:
    def serve(_self: Any, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            with services.store.transaction():
                follow = function(_call(services, context), request)
        except Refused as refusal:
            context.abort(refusal.code, refusal.message)
        except Exception as error:  # noqa: BLE001 - a fault of ours, said in one line
            context.abort(grpc.StatusCode.INTERNAL, _fault(name, error))
        yield from follow(context.is_active)

    return serve


def _call(services: Services, context: grpc.ServicerContext) -> Call:
    claim = read_token(_bearer(context), services.configuration.api_secret)
    return Call(
        services=services, caller=identify(services, claim), now=services.clock()
    )


def _bearer(context: grpc.ServicerContext) -> str:
    metadata = dict(context.invocation_metadata())
    authorization = metadata.get("authorization")
    if authorization is None:
        raise unauthenticated("no authorization provided")
    if not isinstance(authorization, str) or not authorization.startswith(_BEARER):
        # The missing closing quote is ChirpStack's.
        raise unauthenticated(
            "authorization metadata must be in format 'Bearer <TOKEN>"
        )
    return authorization.removeprefix(_BEARER)
