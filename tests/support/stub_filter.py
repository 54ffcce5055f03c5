#!/usr/bin/python3 -IS
"""A stand-in filter for the harness's own tests: speaks the protocol of courierfilter(8) and always answers the same.

Started by courierfilter; the answer stands in /etc/courier/NAME.reply, read anew for each message, NAME being the name
it was installed under. Without that file it accepts. Must never be taken for an example of how to write a filter.
"""
import os
import select
import socket
import sys

NAME = os.path.basename(sys.argv[0])
SOCKETS = "/var/lib/courier/allfilters"


def listen() -> socket.socket:
    """The socket is ready before it gets its name, as Courier wants it."""
    temporary = f"{SOCKETS}/.{NAME}"
    if os.path.lexists(temporary):
        os.unlink(temporary)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(temporary)
    os.chmod(temporary, 0o660)
    listener.listen(64)
    os.rename(temporary, f"{SOCKETS}/{NAME}")
    return listener


def answer(client: socket.socket) -> None:
    request = b""
    while not request.endswith(b"\n\n"):
        piece = client.recv(8192)
        if not piece:
            return
        request += piece
    print(f"asked about {request.count(bytes([10])) - 2} control file(s)", flush=True)
    try:
        with open(f"/etc/courier/{NAME}.reply", "rb") as file:
            reply = file.read()
    except FileNotFoundError:
        reply = b"200 Ok\n"
    client.sendall(reply)


def main() -> None:
    listener = listen()
    os.close(3)
    print("stub is ready", flush=True)
    while True:
        ready, _, _ = select.select([0, listener], [], [])
        if 0 in ready:  # end of file: courierfilter wants us to stop
            return
        client, _ = listener.accept()
        with client:
            answer(client)


if __name__ == "__main__":
    main()
