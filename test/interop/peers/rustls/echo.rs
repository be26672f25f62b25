// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// echo server VERSION CERTIFICATE KEY: sends back what comes.
// echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
mod settings; // of the version of rustls that there is

use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::error::Error;
use std::io::{stdin, stdout, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

type Outcome<T> = Result<T, Box<dyn Error>>;

// The socket is written by a thread of its own, so that nobody waits for it with the session in hand.
struct Session(Mutex<(Connection, Sender<Vec<u8>>)>);

impl Session {
    fn begin(socket: &mut TcpStream, mut connection: Connection) -> Outcome<(Session, thread::JoinHandle<()>)> {
        while connection.is_handshaking() {
            connection.complete_io(socket)?;
        }
        let (sealed, queue) = channel::<Vec<u8>>();
        let mut place = socket.try_clone()?;
        let sender = thread::spawn(move || {
            for each in queue {
                if place.write_all(&each).is_err() {
                    break;
                }
            }
            let _ = place.shutdown(Shutdown::Write);
        });
        let session = Session(Mutex::new((connection, sealed)));
        session.change(|_| ());
        Ok((session, sender))
    }

    // Does something to the connection, and sends what it has to say then.
    fn change<Result>(&self, action: impl FnOnce(&mut Connection) -> Result) -> Result {
        let mut guard = self.0.lock().unwrap();
        let (connection, sealed) = &mut *guard;
        let result = action(connection);
        let mut bytes = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut bytes).unwrap();
        }
        let _ = sealed.send(bytes);
        result
    }

    fn write(&self, plaintext: &[u8]) {
        for piece in plaintext.chunks(16384) {
            self.change(|connection| connection.writer().write_all(piece).unwrap());
        }
    }

    fn close_write(&self) {
        self.change(|connection| connection.send_close_notify());
    }

    // Reads up to close_notify. An end without it is an error.
    fn read(&self, socket: &mut TcpStream, mut taken: impl FnMut(&[u8]) -> std::io::Result<()>) -> Outcome<()> {
        let mut ciphertext = vec![0; 65536];
        let mut rest: &[u8] = &[];
        loop {
            self.change(|connection| connection.process_new_packets())?;
            let mut plaintext = Vec::new();
            let ended = self.change(|connection| connection.reader().read_to_end(&mut plaintext));
            taken(&plaintext)?;
            match ended {
                Ok(_) => return Ok(()),
                Err(why) if why.kind() == ErrorKind::WouldBlock => (),
                Err(why) => return Err(why.into()),
            }
            if rest.is_empty() {
                rest = match socket.read(&mut ciphertext)? {
                    0 => return Err("truncated".into()),
                    n => &ciphertext[..n],
                };
            }
            self.change(|connection| connection.read_tls(&mut rest))?;
        }
    }
}

fn serve(mut socket: TcpStream, settings: Arc<ServerConfig>) -> Outcome<()> {
    let (session, sender) = Session::begin(&mut socket, Connection::Server(ServerConnection::new(settings)?))?;
    let outcome = session.read(&mut socket, |plaintext| {
        session.write(plaintext);
        Ok(())
    });
    if outcome.is_ok() {
        session.close_write();
    }
    drop(session);
    let _ = sender.join();
    outcome
}

fn talk(port: u16, settings: Arc<ClientConfig>) -> Outcome<()> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    let connection = ClientConnection::new(settings, "localhost".try_into()?)?;
    let (session, sender) = Session::begin(&mut socket, Connection::Client(connection))?;
    let session = Arc::new(session);
    let writer = Arc::clone(&session);
    thread::spawn(move || {
        let mut place = vec![0; 65536];
        while let Ok(n) = stdin().read(&mut place) {
            if n == 0 {
                break;
            }
            writer.write(&place[..n]);
        }
        writer.close_write();
    });
    session.read(&mut socket, |plaintext| {
        stdout().write_all(plaintext)?;
        stdout().flush()
    })?;
    drop(sender); // ends with the process
    Ok(())
}

fn main() -> Outcome<()> {
    let given: Vec<String> = std::env::args().collect();
    if given[1] == "client" {
        return talk(given[3].parse()?, settings::client(&given[2], &given[4])?);
    }
    let settings = settings::server(&given[2], &given[3], &given[4])?;
    for socket in TcpListener::bind("127.0.0.1:0")?.incoming() {
        let (socket, settings) = (socket?, Arc::clone(&settings));
        thread::spawn(move || {
            if let Err(why) = serve(socket, settings) {
                eprintln!("{why}");
            }
        });
    }
    Ok(())
}
