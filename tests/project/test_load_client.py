"""The load client tells apart what a server may do, in both of its shapes: else no figure of it would mean much."""
from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench.load import RIGHT, Result, run_load

CLIENTS = 3
REQUESTS = [b"/D%d\n/%d.mail\n\n" % (number, number) for number in range(CLIENTS)]


@contextmanager
def answering(path: Path, answers: list[bytes | None]) -> Iterator[None]:
    """A server with an answer for each of REQUESTS; None: it is silent."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(100)
        silent: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # shut down
                    return
                answer = answers[REQUESTS.index(client.recv(1000))]
                if answer is None:
                    silent.append(client)
                else:
                    client.sendall(answer)
                    client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in silent:
                client.close()


def load(path: Path, submits: bool, replies: list[str], timeout: float = 0.5) -> Result:
    return run_load(path, REQUESTS, clients=CLIENTS, seconds=0.2, timeout=timeout, replies=replies, submits=submits)


@pytest.mark.parametrize("submits", [True, False], ids=["submits", "one process"])
class TestLoad:
    def test_right_replies(self, tmp_path: Path, submits: bool) -> None:
        with answering(tmp_path / "socket", [b"200 Ok\n", b"550 no\n", b"450 later\n"]):
            result = load(tmp_path / "socket", submits, ["200 Ok", "550 no", "450 later"])
        assert result.messages >= CLIENTS
        assert result.replies == {RIGHT: result.messages}
        assert not result.wrong and not result.unanswered
        assert 0 < result.p50_us <= result.p99_us <= result.max_us
        assert result.messages_per_second == pytest.approx(result.messages / result.seconds, rel=0.01)

    def test_all_that_may_go_wrong(self, tmp_path: Path, submits: bool) -> None:
        with answering(tmp_path / "socket", [b"200 Ok\n", b"", b"nonsense\n"]):
            result = load(tmp_path / "socket", submits, ["250 other", "", ""])
        assert result.wrong == {"200 Ok instead of 250 other": result.messages}
        assert result.replies == {"200 Ok": result.messages}
        assert result.eof > 0
        assert list(result.malformed) == ["nonsense\n"]

    def test_a_reply_of_several_lines_is_one(self, tmp_path: Path, submits: bool) -> None:
        with answering(tmp_path / "socket", [b"550-no\n550 never\n"] * CLIENTS):
            result = load(tmp_path / "socket", submits, [])
        assert result.replies == {"550-no\n550 never": result.messages}
        assert result.unanswered == 0

    def test_silence(self, tmp_path: Path, submits: bool) -> None:
        with answering(tmp_path / "socket", [b"200 Ok\n", None, b"450 later\n"]):
            result = load(tmp_path / "socket", submits, [])
        assert result.timeouts == 1
        assert set(result.replies) == {"200 Ok", "450 later"}

    def test_one_that_waits_does_not_make_the_others_slower(self, tmp_path: Path, submits: bool) -> None:
        with answering(tmp_path / "socket", [b"200 Ok\n", None, b"450 later\n"]):
            result = load(tmp_path / "socket", submits, [], timeout=3.0)
        assert 3.0 / CLIENTS <= result.seconds < 2.0  # two have asked for 0.2 s, one has waited for 3 or a little more

    def test_nobody_there(self, tmp_path: Path, submits: bool) -> None:
        result = load(tmp_path / "socket", submits, [])
        assert result.refused > 0
        assert result.messages == 0
