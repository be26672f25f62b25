# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The proxies that https.py measures, which end TLS in front of a backend, as servers.py has the servers (stunnel
# has one thread for each connection), TCP and no HTTP. Only the proxy is measured.
import contextlib
import os
import shutil

from servers import ADMIT_ALL, MOST_CONNECTIONS, NGINX_HEAD, NGINX_SETTINGS, Process, configured, nginx

STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
NGINX_STREAM_SETTINGS = f"load_module {STREAM_MODULE};\n" + NGINX_HEAD + """
stream {{ server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3;
ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; proxy_pass 127.0.0.1:{to}; }} }}
"""
HAPROXY_SETTINGS = """global
  nbthread {threads}
  maxconn {most}
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen all
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem ssl-min-ver TLSv1.3
  server to 127.0.0.1:{to}
"""
HITCH_SETTINGS = """frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{to}"
pem-file = "{folder}/both.pem"
tls-protos = TLSv1.3
ocsp-dir = ""
workers = {threads}
{user}"""
STUNNEL_SETTINGS = """foreground = yes
pid =
syslog = no
debug = 0
[all]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{to}
cert = {folder}/cert.pem
key = {folder}/key.pem
sslVersion = TLSv1.3
"""


def front(name, threads, to, bin_folder, folder):
    if name == "nginx":
        return nginx("nginx", NGINX_STREAM_SETTINGS, folder, threads, to=to)
    if name == "haproxy":
        return configured(name, [shutil.which(name), "-db", "-f"], HAPROXY_SETTINGS, folder, to=to,
                          threads=threads, most=MOST_CONNECTIONS)
    if name == "hitch":
        user = 'user = "nobody"\n' if os.geteuid() == 0 else ""  # It refuses to serve as root.
        return configured(name, [shutil.which(name), "--config"], HITCH_SETTINGS, folder, has_children=True,
                          to=to, user=user, threads=threads)
    if name == "stunnel":
        return configured(name, [shutil.which(name)], STUNNEL_SETTINGS, folder, to=to)
    return Process([os.path.join(bin_folder, "tls_proxy"), "--listen", "127.0.0.1:0", "--threads", str(threads),
                    "--cert", os.path.join(folder, "cert.pem"), "--key", os.path.join(folder, "key.pem"),
                    "--connect", f"127.0.0.1:{to}", "--max-connections", str(MOST_CONNECTIONS), *ADMIT_ALL,
                    "--quiet"])


@contextlib.contextmanager
def proxy(name, threads, backend, bin_folder, folder):
    """In front of a backend of its own: http (nginx), or a sink or an echo of bench_peer."""
    with (nginx("backend", NGINX_SETTINGS, folder, 1, kind="") if backend == "http" else
          Process([os.path.join(bin_folder, "bench_peer"), backend])) as behind, \
            front(name, threads, behind.port, bin_folder, folder) as measured:
        yield measured
