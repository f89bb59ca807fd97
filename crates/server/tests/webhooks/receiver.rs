//! A merchant's server: takes requests on a loopback port, keeps them, answers what the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    /// With this header and body.
    Full(u16, String, Vec<u8>),
    /// Hangs up without a word.
    HangUp,
    /// Says nothing for ever.
    Silence,
}

type Policy = Box<dyn Fn(&Received) -> Answer + Send + Sync>;

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    received: Mutex<Vec<Received>>,
    policy: Mutex<Policy>,
    connections: AtomicUsize,
    closed: AtomicBool,
}

impl Receiver {
    pub(crate) fn start(policy: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), policy)
    }

    pub(crate) fn start_at(address: SocketAddr, policy: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            policy: Mutex::new(Box::new(policy)),
            connections: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let of_thread = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.closed.load(Ordering::Relaxed) {
                    return;
                }
                of_thread.connections.fetch_add(1, Ordering::Relaxed);
                let shared = of_thread.clone();
                thread::spawn(move || drop(shared.serve(stream.unwrap())));
            }
        });
        Self { address, shared }
    }

    /// One that takes everything.
    pub(crate) fn well() -> Self {
        Self::start(|_| Answer::Status(200))
    }

    /// A port where nobody listens.
    pub(crate) fn nobody() -> SocketAddr {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(crate) fn answer(&self, policy: impl Fn(&Received) -> Answer + Send + Sync + 'static) {
        *self.shared.policy.lock().unwrap() = Box::new(policy);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn forget(&self) {
        self.shared.received.lock().unwrap().clear();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
        while let Some(request) = read(&mut reader)? {
            let answer = (self.policy.lock().unwrap())(&request);
            self.received.lock().unwrap().push(request);
            let (status, header, body) = match answer {
                Answer::Status(status) => (status, String::new(), b"thank you".to_vec()),
                Answer::Full(status, header, body) => (status, format!("{header}\r\n"), body),
                Answer::HangUp => return Ok(()),
                Answer::Silence => {
                    thread::sleep(Duration::from_secs(60));
                    return Ok(());
                }
            };
            let length = body.len();
            let mut reply = format!("HTTP/1.1 {status} X\r\n{header}content-length: {length}\r\n\r\n").into_bytes();
            reply.extend(body);
            writer.write_all(&reply)?;
        }
        Ok(())
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Received>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut received = Received { path, headers, body: Vec::new() };
    received.body = vec![0; received.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut received.body)?;
    Ok(Some(received))
}
