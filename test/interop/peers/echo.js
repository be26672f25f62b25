// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// echo server VERSION CERTIFICATE KEY: sends back what comes.
// echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
"use strict";
const fs = require("fs");
const tls = require("tls");

const [role, version, first, second] = process.argv.slice(2);
const settings = {minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`, allowHalfOpen: true};

if (role === "client") {
  const socket = tls.connect({
    ...settings, host: "127.0.0.1", port: Number(first), servername: "localhost", ca: fs.readFileSync(second),
  });
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
} else {
  const server = tls.createServer({...settings, cert: fs.readFileSync(first), key: fs.readFileSync(second)}, socket => {
    socket.on("error", error => console.error(error.message));
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
}
