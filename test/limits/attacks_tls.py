# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Attackers who send too much of what TLS allows, or what nobody needs. limits_peer seals the records."""
import json

from attack import Connection, Outcome, on, until_ended
from frames import PING, PREFACE, SETTINGS, frame
from programs import AUTHORITY, PATIENCE

SERVERS = ("https_server", "http2_server", "tls_proxy", "echo_server")
CLIENT = "tls_proxy --mode client"


def at_server(*arguments, times=(2, 10), messages=(20_000, 100_000), unit="messages"):
    """limits_peer as a client of the program."""
    def run(scene):
        told = scene.peer(*arguments, *(("--alpn", "h2") if scene.target == "http2_server" else ()),
                          "--messages", scene.size(*messages), "--times", scene.size(*times))
        outcome = Outcome(told["sent"] if unit == "messages" else sum(told["ended"].values()), unit)
        for how, number in told["ended"].items():
            outcome.took(how, number)
        return outcome
    return run


def at_client(scene):
    """limits_peer is the program's backend, which floods who does not say that it is honest."""
    outcome = Outcome(0, "messages")
    for _ in range(scene.size(2, 10)):
        with scene.connect() as client:
            client.sendall(b"attack")
            connection = Connection(client)
            until_ended(Outcome(), [connection], PATIENCE)
        scene.backend_has_told += 1
        told = json.loads(scene.backend.out.wait_for("{", scene.backend_has_told))
        outcome.sent += told["sent"]
        outcome.took(*told["ended"])
    return outcome


UPDATES = "`stream_options::most_key_updates_in_a_row` (32), and 10 a second"
MESSAGES = "`stream_options::most_handshake_messages_in_a_row` (32)"
for name, flood, limit, ends, more in (
        ("KeyUpdate", "key_updates", UPDATES, "alert 10", ()),
        ("KeyUpdate that asks for one", "key_updates_with_requests", UPDATES, "alert 10", ()),
        ("empty records", "empty_records", "OpenSSL: 32 in a row", "alert 10", ()),
        ("warning alerts, TLS 1.3", "user_canceled", "OpenSSL: 4 in a row", "alert 10", ()),
        ("warning alerts, TLS 1.2", "user_canceled", "OpenSSL: 4 in a row", "alert 10", ("--tls", "1.2"))):
    for program in SERVERS:
        on(program, name, at_server("--flood", flood, *more), limit, ends)
    on(CLIENT, name, at_client, limit, ends, peer=("--flood", flood, *more))
for program in SERVERS:
    on(program, "tickets, which a client may not send", at_server("--flood", "tickets"),
       "OpenSSL: the first", "alert 10")
    on(program, "renegotiation, TLS 1.2", at_server("--flood", "renegotiations", "--tls", "1.2"),
       "`stream_options::most_renegotiation_attempts` (1)", "cut off")
on(CLIENT, "tickets", at_client, MESSAGES, "alert 10", peer=("--flood", "tickets"))
on(CLIENT, "renegotiation, TLS 1.2", at_client, "`stream_options::most_renegotiation_attempts` (1)", "cut off",
   peer=("--flood", "hello_requests", "--tls", "1.2"))


def one_byte_records(scene):
    content = {"https_server": b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n",
               "http2_server": PREFACE + frame(SETTINGS) + frame(PING, bytes(8)) * 20_000}.get(scene.target, b"x")
    return at_server("--flood", "one_byte_records", "--text", scene.text("one_byte_records", content), times=(1, 2),
                     messages=(200_000, 200_000) if scene.target == "http2_server" else (20_000, 100_000))(scene)


for program, limit, ends in (("https_server", "none: they are requests, and answered", "close_notify"),
                             ("http2_server", "as any flood of HTTP/2: 128 KiB", "close_notify"),
                             ("tls_proxy", "none: they are carried", "close_notify"),
                             ("echo_server", "none: they are echoed", "close_notify")):
    on(program, "records of one byte", one_byte_records, limit, ends)


def before_the_handshake(records):
    """The same again and again, from the first byte."""
    def run(scene):
        outcome = Outcome(0, "KiB")
        for _ in range(scene.size(3, 50)):
            connection = Connection(scene.connect())
            connection.rest = b""

            def more(one):
                one.rest = one.rest or records
                taken = one.send(one.rest)
                one.rest = one.rest[taken:]
                outcome.sent += taken / 1024

            until_ended(outcome, [connection], PATIENCE, more, 0.001)
        outcome.sent = round(outcome.sent)
        return outcome
    return run


HELLO = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(16_380)  # the first of 1 024 records
for name, records, limit, ends in (
        ("ClientHello of 16 MiB", HELLO, "OpenSSL: 128 KiB", "alert 47"),
        ("empty records before the ClientHello", b"\x16\x03\x01\0\0" * 1000, "OpenSSL: the first", "alert 10"),
        ("ChangeCipherSpec before the ClientHello", b"\x14\x03\x03\0\1\1" * 1000, "OpenSSL: the first", "alert 10"),
        ("warning alerts before the ClientHello", b"\x15\x03\x03\0\2\1\x5a" * 1000, "OpenSSL: 4 in a row", "alert 10")):
    for program in SERVERS:
        on(program, name, before_the_handshake(records), limit, ends)
for program in ("https_server", "tls_proxy"):
    on(program, "chain of 500 certificates", at_server("--chain", 500, unit="handshakes"), "OpenSSL: 100 KiB",
       "alert 47", ("--client-ca", AUTHORITY, "--client-certificate", "requested"))
for program in SERVERS:
    on(program, "key exchange by ffdhe8192", at_server("--groups", "ffdhe8192", times=(3, 20), unit="handshakes"),
       "`context`: no group of finite fields", "alert 40")
