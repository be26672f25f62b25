// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// echo server VERSION CERTIFICATE KEY: sends back what comes.
// echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
// echo resume VERSION PORT AUTHORITY ROUNDS: that many connections, and prints how many resumed a session.
"use strict";
const fs = require("fs");
const tls = require("tls");

const [role, version, first, second, rounds] = process.argv.slice(2);
const settings = {minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`, allowHalfOpen: true};

const connect = session => tls.connect({
  ...settings, host: "127.0.0.1", port: Number(first), servername: "localhost", ca: fs.readFileSync(second), session,
});

function resume(left, resumed, session) {
  if (left === 0) {
    console.log(`resumed ${resumed} of ${rounds}`);
    return;
  }
  const socket = connect(session);
  let latest = session;
  let again = 0;
  socket.on("session", made => { latest = made; });
  socket.write("a");
  socket.once("data", () => socket.end());
  socket.on("close", () => resume(left - 1, resumed + again, latest));
  socket.on("secureConnect", () => { again = Number(socket.isSessionReused()); });
}

if (role === "resume") {
  resume(Number(rounds), 0);
} else if (role === "client") {
  const socket = connect();
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
} else {
  const server = tls.createServer({...settings, cert: fs.readFileSync(first), key: fs.readFileSync(second)}, socket => {
    socket.on("error", error => console.error(error.message));
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
}
