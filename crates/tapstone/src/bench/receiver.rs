//! A merchant's server in this process: it takes webhooks on loopback, answers each at once, and remembers what it was
//! told. It stands for machines elsewhere, so it stands back where processors are short.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ids::PaymentId;

/// How much it stands back.
const NICENESS: i32 = 10;

/// The longest body that is taken: no event is nearly as long.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What came, of all connections together.
#[derive(Debug, Default)]
struct Told {
    deliveries: AtomicUsize,
    /// The paths that were told of a payment, which stand for the endpoints, and the payments.
    payments: Mutex<HashSet<(String, PaymentId)>>,
}

/// A receiver that runs until the process ends.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    told: Arc<Told>,
}

impl Receiver {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let told = Arc::new(Told::default());
        let shared = told.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = shared.clone();
                // A connection that breaks is the server's, which was killed: it will try again.
                thread::spawn(move || drop(take(stream, &told)));
            }
        });
        Ok(Self { address, told })
    }

    /// How many deliveries have come, repeated ones included.
    pub(crate) fn deliveries(&self) -> usize {
        self.told.deliveries.load(Ordering::Relaxed)
    }

    /// How many of these payments each of these paths was told of, all together.
    pub(crate) fn told_of(&self, paths: &[String], payments: impl Iterator<Item = PaymentId>) -> usize {
        let told = self.told.payments.lock().unwrap_or_else(PoisonError::into_inner);
        let told_of = |id: PaymentId| paths.iter().filter(|path| told.contains(&((*path).clone(), id))).count();
        payments.map(told_of).sum()
    }
}

/// Reads requests off one connection and answers them.
fn take(stream: TcpStream, told: &Told) -> io::Result<()> {
    let _as_it_was = rustix::process::nice(NICENESS);
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    let (mut line, mut path, mut body) = (String::new(), String::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("POST ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(length) = line.strip_prefix("content-length: ") {
            let length = length.trim().parse().ok().filter(|length| *length <= MAX_BODY_BYTES);
            body.resize(length.ok_or_else(|| io::Error::other("a length that no event has"))?, 0);
        } else if line == "\r\n" {
            reader.read_exact(&mut body)?;
            told.deliveries.fetch_add(1, Ordering::Relaxed);
            if let Some(payment) = succeeded_payment(&body) {
                told.payments.lock().unwrap_or_else(PoisonError::into_inner).insert((path.clone(), payment));
            }
            writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
    }
}

/// The payment that a delivery says has succeeded.
fn succeeded_payment(body: &[u8]) -> Option<PaymentId> {
    let body = std::str::from_utf8(body).ok().filter(|body| body.contains(r#""type":"payment.succeeded""#))?;
    let start = body.find(r#""id":"pay_"#)? + r#""id":""#.len();
    let id = body.get(start..)?;
    id.get(..id.find('"')?)?.parse().ok()
}
