"""RabbitMQ as the broker: what follows a commit follows, and a broker that is frozen or dead holds nobody up."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import kombu
import pytest

from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from bench.debian import UnavailableError
from bench.page import Page
from bench.recording import Write
from bench.system import Client, System, close_all, own_stack, wait_until
from tests.devserver.rabbitmq import RabbitMQ
from tests.faults.inspection import assert_converges, complaints, owed, query, readiness

WRITES = 6


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ of the test's own, if there is one to be had."""
    home = tmp_path / "rabbitmq"
    home.mkdir()
    try:
        made = RabbitMQ(home)
    except UnavailableError as error:
        pytest.skip(str(error))
    with made:
        yield made


def test_whatever_happens_to_rabbitmq_writes_are_acknowledged_pages_told_and_records_written(
    broker: RabbitMQ, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with own_stack(tmp_path_factory.mktemp("amqp"), CELERY_BROKER_URL=broker.url) as system:
        [part] = system.make_parts(1)
        clients = system.clients_of_every_process()
        try:
            with Page(system.url, [part]) as page:
                written = _write(clients, part)
                _whole(system, part, written, page)
                with kombu.Connection(broker.url) as connection:
                    for name in (LIVE_QUEUE, RECORDS_QUEUE):
                        # Raises if there is no such queue.
                        kombu.Queue(name, channel=connection.default_channel).queue_declare(passive=True)
                        # As a worker looks whether tasks wait; raises if that is not how it is declared.
                        connection.default_channel.queue_declare(name, durable=True, auto_delete=False)

                os.kill(broker.pid, signal.SIGSTOP)
                try:
                    written += _write(clients, part)
                    assert wait_until(lambda: page.shown()[part]["versions"]["stock"] == written[-1].version)
                    # What is published into a connection that nobody reads is not taken for sent.
                    assert wait_until(lambda: readiness(system)[1].get("broker") == "degraded")
                    written += _write(clients, part)
                    assert owed(system)
                finally:
                    os.kill(broker.pid, signal.SIGCONT)
                _whole(system, part, written, page)

                broker.kill()
                written += _write(clients, part)
                assert wait_until(lambda: page.shown()[part]["versions"]["stock"] == written[-1].version)
                assert wait_until(lambda: readiness(system)[1].get("broker") == "degraded")
                broker.start()
                _whole(system, part, written, page)
        finally:
            close_all(clients)


def _write(clients: list[Client], part: int) -> list[Write]:
    """Change the stock through every process, and a description."""
    done = []
    for number in range(WRITES):
        for client in clients:
            request = f"amqp-{os.urandom(8).hex()}"
            answer = client.call("POST", f"/admin/parts/{part}/stock/adjustments", {"delta": 1, "reason": "t"}, request)
            assert answer.status == 200, (number, answer)
            done.append(Write(request, part, "stock", answer.body["version"], answer.status, 1))
    return done


def _whole(system: System, part: int, written: list[Write], page: Page) -> None:
    def found() -> list[str]:
        if readiness(system)[1].get("status") != "ok" or owed(system):
            return [f"{readiness(system)}, owed {owed(system)}"]
        return complaints(system, [part], written, page)

    assert_converges(found, within=60)
    assert query(system, "SELECT count(*) AS n FROM outbox_deliveries WHERE state <> 'done'")[0]["n"] == 0
