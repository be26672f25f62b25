# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The servers that https.py measures, as processes: one thread each, the same certificate, no access log.
import os
import re
import shutil
import socket
import subprocess
import time

NGINX_SETTINGS = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; client_body_temp_path {folder}/t1;
proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
ssl_protocols TLSv1.3; root {folder}/root; }} }}
"""
H2O_SETTINGS = """{user}num-threads: 1
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
    raise RuntimeError(f"{process.args[0]} has ended")


def announced_port(process):
    line = process.stdout.readline()  # Our own servers say it at the end of their first line.
    if not line:
        raise RuntimeError(f"{process.args[0]} has ended")
    return int(re.search(rb"\d+$", line.strip())[0])


class Server:
    """A server process, ended when the block that it was made for is left."""

    def __init__(self, name, bin_folder, folder):
        cert, key, root = (os.path.join(folder, f) for f in ("cert.pem", "key.pem", "root"))
        self.port = None
        if name in ("nginx", "h2o"):
            self.port = free_port()
            settings, text = os.path.join(folder, f"{name}.conf"), NGINX_SETTINGS if name == "nginx" else H2O_SETTINGS
            user = "user: root\n" if os.geteuid() == 0 else ""  # h2o would take nobody, who can't read the folder.
            with open(settings, "w", encoding="utf-8") as file:
                file.write(text.format(folder=folder, port=self.port, user=user))
            command = [shutil.which(name), *(["-p", folder] if name == "nginx" else []), "-c", settings]
        elif name == "https_server":
            command = [os.path.join(bin_folder, "https_server"), "--listen", "127.0.0.1:0", "--threads", "1",
                       "--cert", cert, "--key", key, "--root", root, "--quiet"]
        else:
            command = [os.path.join(bin_folder, "https_beast"), name, cert, key, root]
        # It ends with us, whatever ends us.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.PIPE,
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

    def cpu(self):
        return time.clock_gettime(~self.process.pid << 3 | 2)  # The clock of its CPU time, as clock_getcpuclockid(3).
