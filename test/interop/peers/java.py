# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
from peers.peer import HERE, Program, first_line
from processes import Failed, output_of, running

# Less than two sockets hold. With more, Java may stop for ever: its reader, which has to send a KeyUpdate, waits for its
# writer, which waits for us, who wait for its reader.
HELD_BY_SOCKETS = 1_000_000


class Java(Program):
    """Echo.java."""
    name = "java"
    programs = ("java", "javac")

    def describe(self):
        return first_line("javac", "-version").replace("javac", "Java")

    def prepare(self):
        output_of("javac", "-d", self.ours.directory, f"{HERE}/Echo.java")
        self.command = ("java", "-XX:TieredStopAtLevel=1", "-cp", self.ours.directory, "Echo")
        self.ours.write("limits", b"jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^16\n")
        self.ours.write(HELD_BY_SOCKETS, self.ours.letters(HELD_BY_SOCKETS))

    def grid(self, few):
        return () if few else super().grid(few)  # Java takes its time

    def more_cells(self):
        yield from self.resumptions("server")
        yield "client", "1.3", "ecdsa", HELD_BY_SOCKETS, "keys", self.client_updates_keys

    # Java asks for new keys every 64 KiB, and again with each record until it has them: beyond our default limit.
    def client_updates_keys(self, version, key, size, _):
        def start(version, port):
            java, *rest = self.command
            return running(java, "-Djava.security.properties=" + self.ours.path("limits"),
                           "-Djdk.tls.client.cipherSuites=TLS_AES_128_GCM_SHA256", *rest,
                           "client", version, str(port), self.ours.path("ca.pem"))

        def enough(ours):
            if int(ours.await_line(b"key updates ").split()[2]) < size // (1 << 17):
                raise Failed(ours.text())
        self.ours.talk_to_client(start, version, key, size, "half-close", also=enough)
