//! A real SMTP server: the protocol is the library's, the socket ours.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};

/// A message that was received.
#[derive(Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// As it was sent, without the last line.
    pub text: String,
    /// User and password, if it logged in.
    pub login: Option<(String, String)>,
}

impl Mail {
    /// The value of a header of one line.
    pub fn header(&self, name: &str) -> &str {
        self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
    }
}

/// The server, as a test sees it.
pub struct Smtp {
    pub url: String,
    /// Messages, whatever they were answered with.
    pub got: Receiver<Mail>,
}

/// What the server answers to a message with so many before it.
type Answer = fn(usize, &Mail) -> Response;

/// Starts a server; with `login` it takes any password.
pub fn serve(login: bool, answer: Answer) -> Smtp {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, got) = channel();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mailbox =
                Mailbox { mail: Mail::default(), sender: sender.clone(), answer, count: count.clone() };
            let stream = stream.unwrap();
            // It ends with the connection.
            thread::spawn(move || drop(converse(&stream, mailbox, login)));
        }
    });
    Smtp { url, got }
}

fn converse(mut stream: &TcpStream, mailbox: Mailbox, login: bool) -> std::io::Result<()> {
    let mut builder = SessionBuilder::new("mail.example.org");
    if login {
        builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    }
    let mut session = builder.build(IpAddr::from([127, 0, 0, 1]), mailbox);
    session.greeting().write_to(&mut stream)?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let response = session.process(&line);
        // The library would take what comes after a message that it refused for more of the message.
        let refused = response.is_error && line == b".\r\n";
        line.clear();
        if response.action != Action::NoReply {
            response.write_to(&mut stream)?;
            stream.flush()?;
        }
        if refused || response.action == Action::Close {
            break;
        }
    }
    Ok(())
}

struct Mailbox {
    mail: Mail,
    sender: Sender<Mail>,
    answer: Answer,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Handler for Mailbox {
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.mail.login = Some((user.to_owned(), password.to_owned()));
        response::AUTH_OK
    }

    fn data_start(&mut self, _: &str, from: &str, _: bool, to: &[String]) -> Response {
        from.clone_into(&mut self.mail.from);
        self.mail.to = to.to_vec();
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.mail.text.push_str(std::str::from_utf8(line).unwrap());
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let nth = self.count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // The test may have ended.
        drop(self.sender.send(self.mail.clone()));
        (self.answer)(nth, &self.mail)
    }
}
