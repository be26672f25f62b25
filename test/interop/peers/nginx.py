# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
from peers.peer import first_line
from peers.proxy import Proxy
from peers.python import Python
from processes import listening_port, running

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
WEB = """daemon off;
master_process off;
error_log stderr warn;
pid {pid};
events {{}}
http {{
  access_log off;
  client_body_temp_path {temporary};
  proxy_temp_path {temporary};
  fastcgi_temp_path {temporary};
  uwsgi_temp_path {temporary};
  scgi_temp_path {temporary};
  server {{
    listen 127.0.0.1:{port} ssl;
    {more}
    return 204;
  }}
}}
"""
CLIENT = """proxy_ssl on;
    proxy_ssl_protocols TLSv{version};
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate {authority};"""


class Nginx(Proxy):
    """Its module stream, and http for what is resumed."""
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
        more = self.ssl_of_server(version, key) if role == "server" else \
            CLIENT.format(version=version, authority=self.ours.path("ca.pem"))
        return SETTINGS.format(pid=self.ours.path(f"nginx.{port}.pid"), module=MODULE, port=port, to=to,
                               ssl="ssl" if role == "server" else "", more=more)

    # A session id context of nginx's http has the certificates in it, so that ours can have the same: they resume each
    # other's.
    def exchange(self, version, key, *_):
        with self.ours.web_server(key, self.tickets) as ours, self.web(version, key) as theirs, \
                Python(self.ours).resuming_client(version, f"{listening_port(ours)},{theirs.port}") as client:
            self.ours.require_resumed(client)

    def web(self, version, key):
        return self.configured(lambda port: WEB.format(
            pid=self.ours.path(f"nginx.{port}.pid"), port=port, temporary=self.ours.path(f"nginx.{port}"),
            more=self.ssl_of_server(version, key)))

    def ssl_of_server(self, version, key):
        return SERVER.format(path=self.ours.path(key), tickets=self.ours.path("tickets"), version=version)

    def start(self, configuration):
        return running("nginx", "-e", "stderr", "-c", configuration)
