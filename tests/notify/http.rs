//! A real HTTP server that answers as a test wants: what comes is read by a library, connections are kept open.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request that was received.
#[derive(Clone)]
pub struct Got {
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Got {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Seconds since 1970.
    pub fn timestamp(&self) -> i64 {
        self.headers["webhook-timestamp"].parse().unwrap()
    }
}

/// A request to be answered; dropped, it ends its connection.
pub struct Request {
    pub got: Got,
    stream: TcpStream,
    answered: Sender<()>,
}

impl Request {
    /// Answers with a status, a header if told, and no body.
    pub fn answer(mut self, status: u16, header: &str) {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{header}\r\n");
        // The sender may have gone.
        if self.stream.write_all(answer.as_bytes()).is_ok() {
            let _gone = self.answered.send(());
        }
    }

    /// Answers with a body without an end.
    pub fn answer_endlessly(mut self) {
        drop(self.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        while self.stream.write_all(&[b'x'; 4096]).is_ok() {}
    }
}

/// The server, as a test sees it.
pub struct Http {
    pub url: String,
    pub got: Receiver<Got>,
}

/// Starts a server. `answer` gets each request, and how often its id had come before; requests don't wait for each other.
pub fn serve(answer: impl Fn(usize, Request) + Send + Sync + 'static) -> Http {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, got) = channel();
    let answer = Arc::new(answer);
    let seen = Arc::new(Mutex::new(HashMap::new()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
            thread::spawn(move || {
                let mut read = Vec::new();
                while let Some(got) = receive(&stream, &mut read) {
                    let nth = {
                        let mut seen = seen.lock().unwrap();
                        let count = seen.entry(got.id().to_owned()).or_insert(0);
                        *count += 1;
                        *count - 1
                    };
                    // The test may have ended.
                    drop(sender.send(got.clone()));
                    let (answered, answers) = channel();
                    answer(nth, Request { got, stream: stream.try_clone().unwrap(), answered });
                    if answers.recv().is_err() {
                        drop(stream.shutdown(std::net::Shutdown::Both));
                        return;
                    }
                }
            });
        }
    });
    Http { url, got }
}

/// The next request of a connection; none at its end.
fn receive(mut stream: &TcpStream, read: &mut Vec<u8>) -> Option<Got> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(head) = request.parse(read).unwrap() {
            let header = |header: &httparse::Header| {
                (header.name.to_ascii_lowercase(), String::from_utf8(header.value.to_vec()).unwrap())
            };
            let headers: HashMap<_, _> = request.headers.iter().map(header).collect();
            let end = head + headers["content-length"].parse::<usize>().unwrap();
            if read.len() >= end {
                let body = String::from_utf8(read[head..end].to_vec()).unwrap();
                read.drain(..end);
                return Some(Got { headers, body });
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(size) if size > 0 => read.extend_from_slice(&buffer[..size]),
            _ => return None,
        }
    }
}

/// Answers with a status and no body.
pub fn status(request: Request, status: u16) {
    request.answer(status, "");
}

/// A server that takes connections, writes `first`, and then one byte after the other, or nothing more.
pub fn drip(first: &'static str, byte: Option<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                drop(stream.write_all(first.as_bytes()));
                let mut buffer = [0; 4096];
                match byte {
                    // Until the other side has gone.
                    None => while stream.read(&mut buffer).is_ok_and(|size| size > 0) {},
                    Some(byte) => {
                        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
                        while !matches!(stream.read(&mut buffer), Ok(0)) && stream.write_all(&[byte]).is_ok()
                        {
                        }
                    }
                }
            });
        }
    });
    address
}

/// An address where nobody listens.
pub fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
