# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The servers that https.py measures, as processes: with as many threads each as it says (nginx has processes), the
# same certificate, no access log. What is more about proxies is in proxies.py.
import os
import re
import shutil
import socket
import subprocess
import time

MOST_CONNECTIONS = 2048  # A proxy has two descriptors for each.
# All come from one address, and nothing but the processor is to slow them.
ADMIT_ALL = ["--connections-per-address", str(MOST_CONNECTIONS), "--max-handshakes", str(MOST_CONNECTIONS),
             "--handshake-rate", "1000000"]
NGINX_HEAD = """daemon off; {processes} pid {folder}/{name}.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
"""
NGINX_SETTINGS = NGINX_HEAD + """
http {{ access_log off; keepalive_requests 100000000; sendfile on; client_body_temp_path {folder}/t1;
proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
server {{ listen 127.0.0.1:{port} {kind}; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
ssl_protocols TLSv1.3; root {folder}/root; }} }}
"""
H2O_SETTINGS = """{user}num-threads: {threads}
max-connections: 512
pid-file: {folder}/h2o.pid
error-log: /dev/null
listen: {{host: 127.0.0.1, port: {port}, ssl: {{certificate-file: {folder}/cert.pem, key-file: {folder}/key.pem,
  minimum-version: TLSv1.3, ocsp-update-interval: 0}}}}
hosts: {{default: {{paths: {{/: {{file.dir: {folder}/root}}}}}}}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    while process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[3]} has ended")


def announced_port(process):
    line = process.stdout.readline()  # Our own servers say it at the end of their first line.
    if not line:
        raise RuntimeError(f"{process.args[3]} has ended")
    return int(re.search(rb"\d+$", line.strip())[0])


class Process:
    """A server process, ended when the block that it was made for is left. Without a port it says its own."""

    def __init__(self, command, port=None, has_children=False):
        self.port = port
        # It ends with us, whatever ends us. One that is killed could not end its children.
        ended_by = "TERM" if has_children else "KILL"
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", ended_by, *command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            if self.port:
                wait_for(self.port, self.process)
            else:
                self.port = announced_port(self.process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def all_pids(self):
        """It and its children: some have processes that serve and one that watches."""
        pids = [self.process.pid]
        for pid in pids:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
                pids += map(int, file.read().split())
        return pids

    def cpu(self):
        # The clocks of their CPU time, as clock_getcpuclockid(3).
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.all_pids())

    def resident(self):
        """Bytes that are in memory now."""
        total = 0
        for pid in self.all_pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                total += 1024 * int(re.search(r"^Rss: *(\d+) kB$", file.read(), re.MULTILINE)[1])
        return total


def configured(name, command, settings, folder, has_children=False, **values):
    """A server that is told a port of ours in its settings, which stand in a file at the end of the command."""
    port, path = free_port(), os.path.join(folder, f"{name}.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(settings.format(name=name, folder=folder, port=port, **values))
    return Process([*command, path], port, has_children)


def nginx(name, settings, folder, threads, **values):
    processes = "master_process off;"
    if threads > 1:
        user = "user root;" if os.geteuid() == 0 else ""  # Its workers would be nobody, who can't read the folder.
        processes = f"worker_processes {threads}; {user}"
    return configured(name, [shutil.which("nginx"), "-p", folder, "-c"], settings, folder,
                      has_children=threads > 1, processes=processes, **values)


def server(name, threads, bin_folder, folder):
    cert, key, root = (os.path.join(folder, f) for f in ("cert.pem", "key.pem", "root"))
    if name == "nginx":
        return nginx(name, NGINX_SETTINGS, folder, threads, kind="ssl http2")
    if name == "h2o":
        user = "user: root\n" if os.geteuid() == 0 else ""  # h2o would take nobody, who can't read the folder.
        return configured(name, [shutil.which("h2o"), "-c"], H2O_SETTINGS, folder, user=user,
                          threads=threads)
    if name == "https_server":
        return Process([os.path.join(bin_folder, "https_server"), "--listen", "127.0.0.1:0", "--threads",
                        str(threads), "--cert", cert, "--key", key, "--root", root, "--max-connections",
                        str(MOST_CONNECTIONS), *ADMIT_ALL, "--quiet"])
    return Process([os.path.join(bin_folder, "https_beast"), name, cert, key, root])
