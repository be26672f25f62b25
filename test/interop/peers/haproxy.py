# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
from peers.peer import first_line
from peers.proxy import Proxy
from processes import running

SETTINGS = """defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen all
  bind 127.0.0.1:{port} {ssl_in}
  server to 127.0.0.1:{to} {ssl_out}
"""


class HAProxy(Proxy):
    """Mode tcp."""
    name = "haproxy"
    programs = ("haproxy",)

    def describe(self):
        return "HAProxy " + first_line("haproxy", "-v").split()[2]

    def prepare(self):
        self.tickets = "haproxy:" + self.ours.path("tickets.lines")
        for key in ("rsa", "ecdsa"):  # it wants both in one file
            self.ours.write(f"{key}.both.pem", self.ours.content(f"{key}.pem") + self.ours.content(f"{key}.key"))

    def settings(self, role, version, key, port, to):
        only = f"ssl-min-ver TLSv{version} ssl-max-ver TLSv{version}"
        tickets = self.ours.path("tickets.lines")
        ssl_in = f"ssl crt {self.ours.path(key)}.both.pem tls-ticket-keys {tickets} {only}"
        ssl_out = f"ssl verify required verifyhost localhost sni str(localhost) ca-file {self.ours.path('ca.pem')} {only}"
        return SETTINGS.format(port=port, to=to, ssl_in=ssl_in if role == "server" else "",
                               ssl_out=ssl_out if role == "client" else "")

    def start(self, configuration):
        return running("haproxy", "-db", "-f", configuration)
