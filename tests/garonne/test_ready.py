"""The health check of a container says in a sentence what it found."""

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from tests.servers import HOST, free_port

from garonne.ready import verdict


def test_a_program_is_ready_when_its_own_gauge_says_so() -> None:
    registry = CollectorRegistry()
    ready = Gauge("garonne_ready", "1 while it serves", registry=registry)
    port = free_port()
    server, thread = start_http_server(port, HOST, registry)

    assert f"garonne_ready is not 1 on {HOST}:{port}: it is not ready yet" == (
        verdict({"GARONNE_METRICS": f"{HOST}:{port}"})
    )
    ready.set(1)
    assert "" == verdict({"GARONNE_METRICS": f"0.0.0.0:{port}"})
    server.shutdown()
    server.server_close()
    thread.join()


def test_nobody_there_is_a_sentence() -> None:
    port = free_port()

    assert verdict({"GARONNE_METRICS": f"{HOST}:{port}"}).startswith(
        f"no metrics on {HOST}:{port}: "
    )
    assert "GARONNE_METRICS is not set: nobody can ask this program" == verdict({})
