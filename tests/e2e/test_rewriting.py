"""What filters change arrives in the Maildirs as they meant it, through a real Courier, and signatures survive it."""
from __future__ import annotations

import base64
from collections.abc import Iterator

import dkim
import nacl.signing
import pytest
from support.mta import Courier
from support.mta_server import BOB, EVE, STANDARD, STANDARD_CHAIN, install_server, told, wait_named

ALICE = "alice@mail.test"
XFILTER = """\
import courier.xfilter
xfilter = courier.xfilter.XFilter("told", body_path, control_paths)
message = xfilter.get_message()
"""
MULTIPART = (b"MIME-Version: 1.0\nContent-Type: multipart/mixed;  boundary=XX\n\npreamble\n--XX\n"
             b"Content-Type: text/plain\n\ntext  with  blanks  \n\n--XX\nContent-Type: application/zip\n"
             b"Content-Transfer-Encoding: base64\n\nUEsFBgAA\n--XX--\nepilogue\n\n")


@pytest.fixture
def mta(courier: Courier) -> Iterator[Courier]:
    courier.configure("bofh", "opt MIME=none\n")  # else Courier gives multiparts other boundaries
    install_server(courier, STANDARD, STANDARD_CHAIN)
    courier.start()
    yield courier
    courier.wait_queue_empty()


def order(name: str, source: str) -> bytes:
    """A header that makes the filter run `source`, and nothing behind it."""
    return told(source, name=name).partition(b"\n\n")[0] + b"\n"


def test_an_added_header_comes_behind_the_others(mta: Courier) -> None:
    header = order("added", XFILTER + "message['X-New'] = 'a value'\nreturn xfilter.submit()")
    assert mta.send(EVE, [BOB], header + MULTIPART).accepted
    assert wait_named(mta, "added").split(b"X-Do-told", 1)[1].endswith(
        b"\nX-New: a value\n" + MULTIPART[MULTIPART.index(b"\npreamble"):])


def test_a_replaced_body_arrives(mta: Courier) -> None:
    source = XFILTER + "message.set_payload('another body\\n')\nreturn xfilter.submit()"
    assert mta.send(EVE, [BOB], order("body", source) + b"\nthe body\n").accepted
    delivered = wait_named(mta, "body")
    assert delivered.endswith(b"\n\nanother body\n") and b"the body" not in delivered


def test_a_changed_part_arrives_and_the_other_is_what_it_was(mta: Courier) -> None:
    source = XFILTER + """\
part = message.get_payload(0)
part.set_payload(part.get_payload() + "\\n-- \\nfooter\\n")
return xfilter.submit()
"""
    assert mta.send(EVE, [BOB], order("part", source) + MULTIPART).accepted
    body = MULTIPART[MULTIPART.index(b"\npreamble"):]
    assert wait_named(mta, "part").endswith(body.replace(b"blanks  \n", b"blanks  \n\n-- \nfooter\n"))


def test_a_recipient_may_come_and_another_may_go(mta: Courier) -> None:
    source = f"""\
control.add_recipient(control_paths, '{ALICE}')
control.del_recipient(control_paths, '{BOB}')
return ''
"""
    assert mta.send(EVE, [BOB], told(source, name="moved")).accepted
    wait_named(mta, "moved", "alice")
    mta.wait_queue_empty()
    assert mta.messages("bob") == []


def test_an_added_recipient_gets_the_message_too(mta: Courier) -> None:
    source = f"control.add_recipient(control_paths, '{ALICE}')\nreturn ''"
    assert mta.send(EVE, [BOB], told(source, name="both")).accepted
    bodies = [wait_named(mta, "both", user).partition(b"Subject: ")[2] for user in ("bob", "alice")]
    assert bodies[0] == bodies[1]


def test_without_recipients_a_message_is_accepted_and_goes_nowhere(mta: Courier) -> None:
    source = """\
for name in control.get_recipients(control_paths):
    control.del_recipient(control_paths, name)
return ''
"""
    assert mta.send(EVE, [BOB, ALICE], told(source, name="gone")).accepted
    mta.wait_queue_empty()
    assert mta.messages("bob") == mta.messages("alice") == []


# Signatures -----------------------------------------------------------------------------------------------------------

KEY = nacl.signing.SigningKey.generate()
BODIES = {"plain": b"\nThe body,  with blanks  \n\n.\nand lines\n\n\n", "multipart": MULTIPART}


def signed(message: bytes, canonical: str) -> bytes:
    """The message with a signature on top, over its header and body."""
    method = canonical.encode()
    signature = dkim.sign(message, b"test", b"example.com", base64.b64encode(bytes(KEY)), canonicalize=(method, method),
                          signature_algorithm=b"ed25519-sha256", include_headers=[b"From", b"To", b"Subject", b"X-Odd"])
    return bytes(signature.replace(b"\r\n", b"\n") + message)


def verifies(message: bytes) -> bool:
    record = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(KEY.verify_key))
    return bool(dkim.verify(message, dnsfunc=lambda name, timeout=5: record))


@pytest.mark.parametrize("canonical", ["simple", "relaxed"])
@pytest.mark.parametrize("kind", BODIES)
def test_a_signature_survives_an_added_header(mta: Courier, canonical: str, kind: str) -> None:
    """The filter `mark` adds one to every message; one that changes the body breaks the signature."""
    header = order("signed", "return ''") + b"X-Odd:   folded \n\t twice\n"
    assert mta.send(EVE, [BOB], signed(header + BODIES[kind], canonical)).accepted
    delivered = wait_named(mta, "signed")
    assert b"\nX-Filter-Mark: " in delivered and b"\nDKIM-Signature: " in delivered
    assert verifies(delivered)
    assert not verifies(delivered.replace(b"\nTo: ", b"\nTo: x"))
    assert not verifies(delivered.replace(b"blanks", b"blunks"))
