# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""rooms.py PROJECT: fails if a file of the library belongs to no room, if one includes what its room may not know, or
if a program or benchmark includes more than the library offers.

It reads the #include lines alone. What they reach beyond our own files is for core_knows_no_io.sh."""
import pathlib
import re
import sys

LIBRARY = "libtls_async/"
PUBLIC = LIBRARY + "include/"
TLS_ASYNC = PUBLIC + "tls_async/"
SOURCES = LIBRARY + "src/"

# The files of each room, and the rooms that it may include, from the bottom up.
ROOMS = {
    # What users and all rooms need: values, and what the library is built with.
    "values": (
        [TLS_ASYNC + name for name in
         ("requirements.hpp", "version.hpp", "error.hpp", "mode.hpp", "options.hpp", "stats.hpp", "time_limit.hpp")]
        + [SOURCES + "error.cpp"],
        []),
    "core": ([TLS_ASYNC + "core/", SOURCES + "core/"], ["values"]),
    "pem": ([SOURCES + "pem/"], ["values", "core"]),  # files and PEM, for those above
    # What is kept from one session to the next.
    "sessions": ([TLS_ASYNC + "sessions/", SOURCES + "sessions/"], ["values", "core", "pem"]),
    "context": ([TLS_ASYNC + "context.hpp", TLS_ASYNC + "identities.hpp", SOURCES + "context/"],
                ["values", "core", "pem", "sessions"]),
    "gates": ([TLS_ASYNC + "gates/", SOURCES + "gates/"], ["values", "core"]),
    "io": ([TLS_ASYNC + "io/", SOURCES + "io/"], ["values", "core", "gates"]),
    "beast": ([TLS_ASYNC + name for name in ("beast.hpp", "beast_write.hpp")], ["values", "io"]),
    # What only gathers other headers for the user.
    "doors": ([TLS_ASYNC + name for name in ("asio_ssl.hpp", "tls_async.hpp", "stream.hpp")],
              ["values", "context", "sessions", "gates", "io"]),
    "programs": (["apps/", "bench/"], ["values", "core", "context", "sessions", "gates", "io", "beast", "doors"]),
}

# One file more than the arrows allow, and why. It may be in a folder `detail` or private to the sources.
ALSO = {
    TLS_ASYNC + "options.hpp": [  # what the kernel is asked for; where sessions are kept
        TLS_ASYNC + "core/ktls.hpp", TLS_ASYNC + "core/session_keeper.hpp"],
    TLS_ASYNC + "io/stream.hpp": [TLS_ASYNC + "context.hpp"],  # a stream can be made from one of our contexts
    TLS_ASYNC + "beast_write.hpp": [  # a verb, whose plaintext is of another kind
        TLS_ASYNC + "io/detail/file_write.hpp", TLS_ASYNC + "io/detail/initiate.hpp"],
    SOURCES + "context/identity_set.cpp": [  # which names clients can ask for, and names in messages
        SOURCES + "core/certificate_text.hpp", SOURCES + "core/host.hpp"],
    SOURCES + "sessions/ticket_keys.cpp": [SOURCES + "core/error_queue.hpp"],
    SOURCES + "sessions/tickets.cpp": [
        SOURCES + "core/error_queue.hpp", SOURCES + "core/openssl_ptr.hpp",
        SOURCES + "core/verification_digest.hpp"],  # what a ticket was verified by
    SOURCES + "context/name_choice.cpp": [SOURCES + "core/client_hello.hpp"],  # the name that is asked for
    SOURCES + "context/identities.cpp": [SOURCES + "core/remote_key.hpp"],  # keys that are elsewhere
    SOURCES + "context/hooks.cpp": [SOURCES + "core/client_hello.hpp"],  # the same
    SOURCES + "context/state.hpp": [
        SOURCES + "core/error_queue.hpp", SOURCES + "core/openssl_ptr.hpp",
        SOURCES + "sessions/tickets.hpp"],  # lives in the SSL_CTX
    SOURCES + "context/trust.cpp": [SOURCES + "core/verification_digest.hpp"],  # what is trusted counts there
    SOURCES + "sessions/session_bytes.cpp": [SOURCES + "core/error_queue.hpp"],  # around a digest
    SOURCES + "sessions/tickets.hpp": [SOURCES + "core/openssl_ptr.hpp"],  # for ciphers that were fetched
    SOURCES + "pem/pem.hpp": [SOURCES + "core/openssl_ptr.hpp"],
    SOURCES + "pem/pem.cpp": [SOURCES + "core/certificate_text.hpp"],  # names of certificates in messages
}
USED = set()

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<(tls_async/[^>]*)>|"([^"]*)")', re.MULTILINE)


def room_of(file):
    return next((name for name, (places, _) in ROOMS.items()
                 if any(file == place or (place.endswith("/") and file.startswith(place)) for place in places)), None)


def is_private(file):
    return (file.startswith(SOURCES) and room_of(file) != "pem") or "/detail/" in file


def faults_of(project, file):
    room = room_of(file)
    if room is None:
        yield "belongs to no room of test/layers/rooms.py"
        return
    for public, beside in INCLUDE.findall((project / file).read_text()):
        if beside and file.startswith(PUBLIC):
            yield f'a public header includes by <>, and "{beside}" is by ""'
            continue
        try:
            other = PUBLIC + public if public else \
                (project / file).parent.joinpath(beside).resolve().relative_to(project).as_posix()
        except ValueError:
            continue  # made by the build
        if other in ALSO.get(file, []):
            USED.add((file, other))
            continue
        if not (project / other).is_file():
            continue  # the compiler tells
        theirs = room_of(other)
        if theirs == room:
            continue
        if theirs not in ROOMS[room][1]:
            yield f"{room} may not include {other}, which is {theirs}'s"
        elif is_private(other):
            yield f"{other} is private to {theirs}"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    files = sorted(path.relative_to(project).as_posix()
                   for folder in ("libtls_async/include", "libtls_async/src", "apps", "bench")
                   for path in (project / folder).rglob("*.[chi]pp"))
    faults = [f"{file}: {fault}" for file in files for fault in faults_of(project, file)]
    faults += [f"{file}: does not include {other}, as test/layers/rooms.py says"
               for file, more in ALSO.items() for other in more if (file, other) not in USED]
    faults += [f"{place}: nothing is there" for places, _ in ROOMS.values() for place in places
               if not (project / place).exists()]
    print("\n".join(faults) if faults else f"{len(files)} files, {len(ROOMS)} rooms")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
