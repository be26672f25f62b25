# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
from peers.peer import first_line
from peers.proxy import Proxy
from processes import running

MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
SETTINGS = """daemon off;
master_process off;
error_log stderr warn;
pid {pid};
load_module {module};
events {{}}
stream {{
  server {{
    listen 127.0.0.1:{port} {ssl};
    proxy_pass 127.0.0.1:{to};
    proxy_half_close on;
    {more}
  }}
}}
"""
SERVER = """ssl_certificate {path}.pem;
    ssl_certificate_key {path}.key;
    ssl_session_ticket_key {tickets};
    ssl_protocols TLSv{version};"""
CLIENT = """proxy_ssl on;
    proxy_ssl_protocols TLSv{version};
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate {authority};"""


class Nginx(Proxy):
    """Its module stream."""
    name = "nginx"
    programs = ("nginx", MODULE)
    note = "a stream proxy of nginx closes the TCP connection without close_notify"
    answers = closes = False

    def prepare(self):
        self.tickets = "nginx:" + self.ours.path("tickets")

    def describe(self):
        return first_line("nginx", "-v").rpartition(": ")[2].replace("/", " ")

    def why_not(self, role, version, key, size, end):
        if (role, end) == ("client", "half-close"):
            return "a stream proxy of nginx does not half-close"
        return ""

    def settings(self, role, version, key, port, to):
        more = (SERVER if role == "server" else CLIENT).format(
            path=self.ours.path(key), tickets=self.ours.path("tickets"), version=version,
            authority=self.ours.path("ca.pem"))
        return SETTINGS.format(pid=self.ours.path(f"nginx.{port}.pid"), module=MODULE, port=port, to=to,
                               ssl="ssl" if role == "server" else "", more=more)

    def start(self, configuration):
        return running("nginx", "-e", "stderr", "-c", configuration)
