# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# What https.py measures, on which servers, by which clients, and what has to be installed for each.
import argparse
from typing import Callable, NamedTuple

import clients
import peer
from proxies import STREAM_MODULE

H1_STACKS = ("asio_ssl", "tls_async", "tls_write", "https_server", "nginx")
H2_STACKS = ("nginx", "https_server", "h2o")
FILE_STACKS = ("nginx", "https_server")
PROXY_STACKS = ("nginx", "tls_proxy", "haproxy", "hitch", "stunnel")
STACKS = list(dict.fromkeys((*H1_STACKS, "h2o", *PROXY_STACKS)))
OF_ONE_THREAD = tuple(stack for stack in H1_STACKS if stack not in FILE_STACKS)  # https_beast has no more.


class Client(NamedTuple):
    unit: str
    what: str
    check: Callable  # Compares what arrives, and returns what else is to be told.
    drive: Callable  # Returns what is measured.
    to_check: tuple = ()  # The programs that it needs for that.
    to_drive: tuple = ()


def of_peer(load):
    return {"check": lambda at, name, scenario, *where: load(at, name, scenario, 0, *where)[0],
            "drive": lambda *of: load(*of)[1]}


CLIENTS = {
    "wrk": Client("request", "GET of {size} bytes on {connections} connections that are kept alive",
                  clients.check, clients.drive_wrk, (), ("wrk",)),
    "h2load": Client("request", "GET of {size} bytes on {connections} connections of HTTP/2, {streams} at once on each",
                     clients.check_http2, clients.drive_h2load, ("curl",), ("curl", "h2load")),
    "short": Client("connection", "New connection, {handshake} handshake, GET of {size} bytes, end by the {closer}; "
                    "{connections} at once", **of_peer(peer.short)),
    "idle": Client("connection", "{connections} connections that wait after a GET of {size} bytes",
                   **of_peer(peer.idle)),
    "kept": Client("request", "GET of {size} bytes on {connections} connections that are kept alive",
                   **of_peer(peer.kept)),
    "upload": Client("MiB", "{connections} connections that send, and are told of each MiB",
                     **of_peer(peer.pieces)),
    "both_ways": Client("MiB each way", "{connections} connections that send and get it back, 64 KiB under way",
                        **of_peer(peer.pieces)),
}


class Scenario(NamedTuple):
    size: int  # of the file
    connections: int  # at once
    client: str = "wrk"
    stacks: tuple = H1_STACKS  # The first is what the others are compared with.
    backend: str = ""  # of a proxy
    streams: int = 0  # of each connection, at once
    requests: int = 0  # for each second of a run; h2load -D hung once, when a server had dropped connections
    handshake: str = "full"
    closer: str = "server"
    is_quick: bool = True


def short(stacks, backend, handshake, closer="server"):
    return Scenario(1024, 16, "short", stacks, backend, handshake=handshake, closer=closer,
                    is_quick=(handshake, closer) == ("resumed", "server"))


SCENARIOS = {
    "https_1KiB": Scenario(1024, 32), "https_1MiB": Scenario(1 << 20, 8),
    "https_100MiB": Scenario(100 << 20, 2, is_quick=False),
    "https_h2_1KiB": Scenario(1024, 32, "h2load", H2_STACKS, streams=8, requests=20000),
    "https_h2_1MiB": Scenario(1 << 20, 4, "h2load", H2_STACKS, streams=4, requests=500),
    "https_short_full": short(FILE_STACKS, "", "full"),
    "https_short_resumed": short(FILE_STACKS, "", "resumed"),
    "https_short_full_client_ends": short(FILE_STACKS, "", "full", "client"),
    "https_short_resumed_client_ends": short(FILE_STACKS, "", "resumed", "client"),
    "https_idle_1000": Scenario(1024, 1000, "idle", FILE_STACKS),
    "proxy_short_full": short(PROXY_STACKS, "http", "full"),
    "proxy_short_resumed": short(PROXY_STACKS, "http", "resumed"),
    "proxy_short_full_client_ends": short(PROXY_STACKS, "http", "full", "client"),
    "proxy_short_resumed_client_ends": short(PROXY_STACKS, "http", "resumed", "client"),
    "proxy_1KiB": Scenario(1024, 32, "kept", PROXY_STACKS, "http"),
    "proxy_1MiB": Scenario(1 << 20, 8, "kept", PROXY_STACKS, "http", is_quick=False),
    "proxy_upload": Scenario(1 << 20, 8, "upload", PROXY_STACKS, "sink", is_quick=False),
    "proxy_both_ways": Scenario(1 << 20, 8, "both_ways", PROXY_STACKS, "echo", is_quick=False),
    "proxy_idle_1000": Scenario(1024, 1000, "idle", PROXY_STACKS, "http")}


def is_of_programs(name):
    """Whether this scenario is ours, not one of tls_bench, whether there is such a one or not."""
    return name.startswith(("https_", "proxy_"))


def number_of_threads(word):
    """Of an option."""
    if not word.isdecimal() or not 1 <= int(word) <= 1024:
        raise argparse.ArgumentTypeError(f'must be a number between 1 and 1024, not "{word}"')
    return int(word)


def have_threads(number, stacks):
    return [stack for stack in stacks if number == 1 or stack not in OF_ONE_THREAD]


def needed_by_stack(scenario, stack):
    if stack == "nginx" and SCENARIOS[scenario].backend:
        return ("nginx", STREAM_MODULE)
    return (stack,) if stack in ("nginx", "h2o", "haproxy", "hitch", "stunnel") else ()


def needed_by_all(scenario, is_smoke):
    its = SCENARIOS[scenario]
    client = CLIENTS[its.client]
    return (*(client.to_check if is_smoke else client.to_drive), *(["nginx"] if its.backend == "http" else []))
