"""get_auth_user(): the i record, else the AUTH clause of Courier's own Received header, and of no other.

The headers are what Courier 1.0.16 wrote for these clients: IDENT and the name after EHLO are the client's own words.
"""
from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier import _received, control

Envelope = Callable[..., list[str]]
Message = Callable[[bytes], str]

ID = "000000000010641D.000000006B02BEEE.00004104"
OTHER_ID = ID.replace("4104", "4105")
RECORDS = f"salice@example.com\nM{ID}\nrbob@example.net\n"
FROM = "Received: from client.test (host.test [192.0.2.1])\n"
FORGED = FROM + f"  (AUTH: PLAIN forged)\n  by mail.test with ESMTPA\n  id {ID}; Wed, 25 Nov 2026 21:34:15 +0000\n"


def own(clauses: str | None, protocol: str = "ESMTPA", first: str = FROM, id: str = ID) -> str:
    """Courier's header with this text in its second line."""
    second = "" if clauses is None else f"  ({clauses})\n"
    return f"{first}{second}  by mail.test with {protocol}\n  id {id}; Wed, 25 Nov 2026 21:34:15 +0000\n"


CASES = {
    "a login": (own("AUTH: PLAIN bob"), "bob"),
    "a login with a domain and TLS": (
        own("AUTH: LOGIN bob@mail.test, TLS: TLSv1.3,256bits,TLS_AES_256_GCM_SHA384", "ESMTPSA"), "bob@mail.test"),
    "UTF-8": (own("AUTH: PLAIN bób", "UTF8SMTPSA"), "bób"),
    "ident before the login": (own("IDENT: remote, AUTH: PLAIN bob"), "bob"),
    "no host name": (own("AUTH: PLAIN bob", first="Received: from c.test ([::ffff:192.0.2.1])\n"), "bob"),
    "IPv6": (own("AUTH: PLAIN bob", first="Received: from [IPv6:2001:db8::1] (h [2001:db8::1])\n"), "bob"),
    "parentheses in the name": (own("AUTH: PLAIN b (the) builder"), "b (the) builder"),
    "a hostile EHLO and a login": (
        own("AUTH: PLAIN bob", first="Received: from h)(AUTH:_PLAIN_evil) ([192.0.2.1])\n"), "bob"),
    "Received-SPF above": ("Received-SPF: none SPF=HELO;\n  sender=x\n" + own("AUTH: PLAIN bob"), "bob"),
    "folded anew": ("Received: from client.test (host.test\n [192.0.2.1]) (AUTH:\n\tPLAIN bob)\n by mail.test with\n"
                    f" ESMTPA id\n {ID}; Wed,\n 25 Nov 2026 21:34:15 +0000\n", "bob"),
    "CRLF": (own("AUTH: PLAIN bob").replace("\n", "\r\n"), "bob"),
    "no login": (own(None, "ESMTP"), None),
    "only TLS": (own("TLS: TLSv1.3", "ESMTPS"), None),
    "a local user": (own("uid 1000", "local"), None),
    "a hostile EHLO": (own(None, "ESMTP", "Received: from x)_(AUTH:_PLAIN_evil) ([192.0.2.1])\n"), None),
    "a hostile ident": (own("IDENT: x, AUTH: PLAIN admin", "ESMTP"), None),
    "a hostile ident that ends the header": (
        own(f"IDENT: x) by mail.test with ESMTPA id {ID}; (AUTH: PLAIN admin", "ESMTP"), None),
    "a hostile ident and a login": (own("IDENT: x, AUTH: PLAIN admin, AUTH: PLAIN bob"), None),
    "a hostile host name": (own(None, first="Received: from c.test (r) (AUTH: PLAIN x [192.0.2.1])\n"), None),
    "no name": (own("AUTH: PLAIN "), None),
    "another message's": (own("AUTH: PLAIN bob", id=OTHER_ID), None),
    "another server's": ("Received: from a (b [1.2.3.4]) (AUTH: PLAIN bob)\n  by x (Postfix) with ESMTPA id 1; now\n",
                         None),
    "forged below": (own(None, "ESMTP") + FORGED, None),
    "forged below, in another spelling above": ("Received : from nowhere\n" + own("AUTH: PLAIN bob"), None),
    "forged in the body": ("Subject: x\n\n" + FORGED, None),
}


@pytest.mark.parametrize(("header", "user"), CASES.values(), ids=CASES.keys())
def test_only_couriers_own_header_names_the_user(
        envelope: Envelope, message: Message, header: str, user: str | None) -> None:
    body = message((header + "Subject: x\n" + FORGED + "\nbody\n").encode())
    assert control.get_auth_user(envelope(RECORDS), body) == user


@pytest.mark.parametrize("header", [
    "", FORGED.replace(ID, OTHER_ID), "Subject: x\n " + FORGED.replace("\n", "\n ").rstrip(" "),
    "X-" + FORGED, "Received-" + FORGED, "\n" + FORGED, "Received: by mail.test\n" + FORGED])
def test_without_couriers_header_nobody_has_logged_in(envelope: Envelope, message: Message, header: str) -> None:
    body = message((header + "Subject: x\n\nbody\n").encode())
    assert control.get_auth_user(envelope(RECORDS), body) is None


def test_the_record_comes_first(envelope: Envelope, message: Message) -> None:
    body = message(own("AUTH: PLAIN bob").encode())
    assert control.get_auth_user(envelope(RECORDS + "ialice\n"), body) == "alice"
    assert control.get_auth_user(envelope(RECORDS + "i\n"), body) == ""


def test_the_body_may_be_named_in_every_way(envelope: Envelope, message: Message) -> None:
    paths, body = envelope(RECORDS), message(own("AUTH: PLAIN bob").encode())
    assert control.get_auth_user(paths) is control.get_auth_user(paths, None) is None
    forms: list[str | bytes | Path] = [body, body.encode(), Path(body)]
    for path in forms:
        assert control.get_auth_user(paths, path) == "bob"
    assert control.get_auth_user(paths, body_path=body) == control.get_auth_user(paths, body_file=body) == "bob"


def test_the_id_may_be_that_of_any_of_the_control_files(envelope: Envelope, message: Message) -> None:
    body = message(own("AUTH: PLAIN bob").encode())
    assert control.get_auth_user(envelope(RECORDS.replace(ID, OTHER_ID), RECORDS), body) == "bob"
    assert control.get_auth_user(envelope("salice@example.com\nM\n"), body) is None


def test_a_name_that_is_no_utf8_is_marked(envelope: Envelope, message: Message) -> None:
    body = message(own("AUTH: PLAIN b?b").encode().replace(b"?", b"\xff"))
    assert control.get_auth_user(envelope(RECORDS), body) == "(malformed utf8):b%FFb"


def test_a_message_that_is_not_there_is_an_os_error(envelope: Envelope, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        control.get_auth_user(envelope(RECORDS), tmp_path / "nowhere")


PIECES = st.sampled_from([b"Received: from ", b"a ([1.2.3.4])", b" (", b"AUTH: PLAIN x", b")", b" by m with ESMTPA",
                          f" id {ID}; ".encode(), b"\n", b" ", b", TLS: ", b"\xff", b"\r", b":"])


@given(st.lists(PIECES))
def test_no_bytes_raise_and_no_name_comes_without_the_id(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    assert _received.auth_user(io.BytesIO(content), {b"another"}) is None
    found = _received.auth_user(io.BytesIO(content), {ID.encode()})
    assert found is None or (found in content.replace(b"\n", b" ") and ID.encode() in content)


def test_a_header_without_end_is_not_read_to_its_end() -> None:
    endless = io.BytesIO(b"Received: from " + b"x" * 5_000_000)
    assert _received.auth_user(endless, {ID.encode()}) is None
    assert endless.tell() <= 1_000_000
