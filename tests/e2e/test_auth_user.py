"""get_auth_user() behind a real Courier: the record and the header that Courier writes name the same user, and what the
client writes names nobody.
"""
from __future__ import annotations

import pytest
from support.mta import Courier
from support.mta_server import BOB, EVE, install_server, told

# Asks twice: as the server's filters do, and of a control file without its i record.
ASK = """
import tempfile
with open(control_paths[0], "rb") as file, tempfile.NamedTemporaryFile() as copy:
    copy.writelines(line for line in file if not line.startswith(b"i"))
    copy.flush()
    record = control.get_auth_user(control_paths, body_path)
    header = control.get_auth_user([copy.name], body_path)
return f"550 record={record} header={header}"
"""
FORGED = (b"Received: from client.test (client.test [192.0.2.1])\n  (AUTH: PLAIN alice)\n  by mail.test with ESMTPA\n"
          b"  id 0.0.0; Wed, 25 Nov 2026 21:34:15 +0000\n")


@pytest.fixture
def asked(courier: Courier) -> Courier:
    install_server(courier)
    courier.start()
    return courier


def test_the_user_who_logged_in_is_named_by_record_and_header(asked: Courier) -> None:
    answer = asked.send(EVE, [BOB], FORGED + told(ASK), auth="bob").last
    assert answer.text == "record=bob header=bob"


@pytest.mark.parametrize("helo", ["client.test", "x) (AUTH: PLAIN alice)", "h)(AUTH:_PLAIN_alice"])
def test_a_client_that_did_not_log_in_is_nobody(asked: Courier, helo: str) -> None:
    with asked.client(helo=helo) as client:
        answer = client.deliver(EVE, [BOB], FORGED + told(ASK)).last
    assert answer.text == "record=None header=None"
