"""Messages that wait for a worker: how many, for how long, and for whom.

Workers are kept busy by a gate (support/gate.py), so that nothing depends on the speed of the machine. Must never take
the place of the tests of clients that do not behave.
"""
from __future__ import annotations

import time
from contextlib import ExitStack

from support.gate import GATE, Gate, wait_until_read
from support.server import Server
from support.wait import wait_until

BUSY = b"451 4.3.2 "
TOOK_TOO_LONG = b"451 4.3.0 Mail filters took too long, please try again later\n"
ONE_WORKER = "pools: {default: {workers: 1}}\n"
QUICK = 5.0  # seconds: "at once", on a machine that has other work


def test_one_message_more_than_the_limit_is_deferred_at_once_and_the_others_are_served() -> None:
    workers, limit = 2, 3
    config = f"pools: {{default: {{workers: {workers}}}}}\nserver: {{queue: {{limit: {limit}}}}}\n"
    with Server(filters={"gate": GATE}, config=config) as server, ExitStack() as stack:
        gate = Gate(server)
        clients = [stack.enter_context(server.send(gate.message(f"550 {number}"))) for number in range(workers + limit)]
        wait_until_read(server)
        for _ in range(3):
            begin = time.monotonic()
            assert server.ask(timeout=QUICK).startswith(BUSY)
            assert time.monotonic() - begin < QUICK
        assert gate.held() <= workers
        server.wait_for_log('WARN: message .* verdict=defer reason="queue full"')
        gate.open()
        replies = [client.read_reply() for client in clients]
        assert replies == [b"550 %d\n" % number for number in range(workers + limit)]
        assert server.ask() == b"200 Ok\n"


def test_the_limit_counts_all_pools() -> None:
    config = """
        pools: {default: {workers: 1}, other: {workers: 1}}
        server: {queue: {limit: 2}}
        filters: [{filter: gate}, {filter: second, pool: other}]
        """
    with Server(filters={"gate": GATE, "second": GATE.replace("Gate: ", "Second: ")}, config=config) as server:
        first, second = Gate(server, "first"), Gate(server, "second")
        behind = [server.spool.message(first_to_second(second)) for _ in range(2)]
        with ExitStack() as stack:
            clients = [stack.enter_context(server.send(message)) for message in behind]
            second.wait_for_held(1)  # the other message waits for the second pool, or will at once
            clients += [stack.enter_context(server.send(first.message())) for _ in range(2)]
            first.wait_for_held(1)
            wait_until_read(server)
            assert server.ask(timeout=QUICK).startswith(BUSY)
            second.open()
            first.open()
            assert [client.read_reply() for client in clients] == [b"200 Ok\n"] * 4


def first_to_second(second: Gate) -> bytes:
    """The body of a message that only the second filter holds."""
    return second.message().body.replace(b"Gate: ", b"Second: ")


def test_messages_are_served_in_the_order_they_came() -> None:
    order = GATE.replace("    if gate:", "    print('order', verdict, flush=True)\n    if gate:")
    with Server(filters={"gate": order}, config=ONE_WORKER) as server, ExitStack() as stack:
        gate = Gate(server)
        clients = []
        for number in range(20):
            clients.append(stack.enter_context(server.send(gate.message(f"550 {number}"))))
            wait_until_read(server)
        gate.open()
        assert [client.read_reply() for client in clients] == [b"550 %d\n" % number for number in range(20)]
        server.wait_for_log("order 550 19$")
        seen = [int(line.rpartition(" ")[2]) for line in server.log_lines() if "order 550" in line]
        assert seen == list(range(20))


def test_pitfall_12_the_time_of_a_message_counts_while_it_waits() -> None:
    config = ONE_WORKER + "server: {message_timeout: 1500ms}\n"
    with Server(filters={"gate": GATE}, config=config) as server:
        gate = Gate(server)
        begin = time.monotonic()
        with ExitStack() as stack:
            clients = [stack.enter_context(server.send(gate.message())) for _ in range(10)]
            assert [client.read_reply() for client in clients] == [TOOK_TOO_LONG] * 10
            assert 1.4 < time.monotonic() - begin < 1.5 + QUICK
        assert gate.held() < 10, "most of them never came to a filter"
        gate.open()
        wait_until("mail to be filtered", lambda: server.ask(b"Verdict: 550 again\n\n") == b"550 again\n")


def test_pitfall_14_a_client_that_hangs_up_while_it_waits_is_dropped_without_running_a_filter() -> None:
    with Server(filters={"gate": GATE}, config=ONE_WORKER) as server:
        gate, later = Gate(server), Gate(server, "later")
        with server.send(gate.message()) as running:
            gate.wait_for_held(1)
            leavers = [server.send(later.message()) for _ in range(5)]
            wait_until_read(server)
            stays = server.send(server.spool.message(b"Verdict: 550 stays\n\n"))
            for leaver in leavers:
                leaver.close()
            gate.open()
            assert running.read_reply() == b"200 Ok\n"
        with stays:
            assert stays.read_reply() == b"550 stays\n"
        server.wait_for_log("the client hung up while the message waited")
        assert later.held() == 0


def test_a_client_that_hung_up_makes_room_in_the_queue() -> None:
    config = ONE_WORKER + "server: {queue: {limit: 1}}\n"
    with Server(filters={"gate": GATE}, config=config) as server:
        gate = Gate(server)
        with server.send(gate.message()) as running:
            gate.wait_for_held(1)
            leaver = server.send(gate.message())
            wait_until_read(server)
            leaver.close()
            wait_until("room in the queue", lambda: not full(server, gate))
            gate.open()
            assert running.read_reply() == b"200 Ok\n"


def full(server: Server, gate: Gate) -> bool:
    """Whether a message is refused because others wait. One that is not leaves again."""
    with server.send(gate.message()) as client:
        try:
            return client.read_reply(0.1).startswith(BUSY)
        except TimeoutError:
            return False
