//! A small HTTP/1.1 client: one connection for each request, or one that stays open for an event stream.
//!
//! Every reply is held against the API's own description: its status and code must be documented, its body must be of
//! the documented shape.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::description;

/// A request to send.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) token: Option<&'a str>,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), token: None, headers: Vec::new(), body: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let json = ("Content-Type", "application/json".to_owned());
        Self { method: "POST", path: path.into(), token: None, headers: vec![json], body: Some(body.into()) }
    }

    pub(crate) fn token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(crate) fn header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without_content_type(mut self) -> Self {
        self.headers.retain(|(name, _)| *name != "Content-Type");
        self
    }

    fn bytes(&self, connection: &str) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n", self.method, self.path);
        if let Some(token) = self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }

    /// Sends it and reads the reply, which must be as the API's description says.
    pub(crate) fn send(&self, address: SocketAddr) -> Reply {
        let reply = exchange(address, &self.bytes("close"));
        description::check(self.method, &self.path, &reply);
        reply
    }
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("bodies are UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem's code; empty if it is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The id of the object that was answered with.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// The same, if it is what was expected.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// That it is this problem.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str, field: Option<&str>) -> Self {
        let problem = self.json();
        let found = (self.status, problem["code"].as_str(), problem["field"].as_str());
        assert_eq!(found, (status, Some(code), field), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        self
    }
}

/// Sends bytes as they are and reads one reply.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = connect(address);
    // A server that refuses a large body early may close before all of it is sent.
    let _ = stream.write_all(request);
    let mut reader = BufReader::new(stream);
    let (status, headers) = read_head(&mut reader);
    let mut body = Vec::new();
    let _ = reader.read_to_end(&mut body);
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        body = whole(&body).expect("the body came to its end");
    }
    Reply { status, headers, body }
}

/// A body that came in chunks; none if its end did not come.
fn whole(chunked: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut body) = (chunked, Vec::new());
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        let chunk = rest.get(end + 2..end + 2 + length)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + length + 2..)?;
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn read_head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a reply");
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).expect("headers");
        let Some((name, value)) = line.trim_end().split_once(':') else { return (status, headers) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// One server-sent event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An event stream.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
}

impl Events {
    pub(crate) fn open(address: SocketAddr, token: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get("/v1/events").token(token).header("Accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let mut stream = connect(address);
        stream.write_all(&request.bytes("keep-alive")).unwrap();
        let mut events = Self { reader: BufReader::new(stream) };
        let (status, headers) = read_head(&mut events.reader);
        assert_eq!(status, 200);
        let header = |name| headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        assert_eq!(header("content-type"), Some("text/event-stream"));
        assert_eq!((header("cache-control"), header("x-accel-buffering")), (Some("no-store"), Some("no")));
        assert_eq!(events.chunk().as_deref(), Some("retry: 1000\n\n"));
        events
    }

    /// The next chunk; `None` at the end. The server writes an event in one chunk.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let mut length = String::new();
        self.reader.read_line(&mut length).expect("a chunk");
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).expect("a whole chunk");
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// The next event, skipping comments; it must come soon.
    pub(crate) fn next(&mut self) -> Event {
        let asked = Instant::now();
        loop {
            assert!(asked.elapsed() < Duration::from_secs(10), "no event came");
            let chunk = self.chunk().expect("the stream goes on");
            let field = |name: &str| chunk.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let Some(data) = field("data") else { continue };
            let data: Value = serde_json::from_str(data).unwrap();
            let (id, name): (u64, _) = (field("id").unwrap().parse().unwrap(), field("event").unwrap().to_owned());
            assert_eq!(data["type"].as_str(), field("event"));
            // The position is in the id too.
            let told: ids::EventId = data["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(told.as_u128() & ((1 << 62) - 1), u128::from(id));
            description::check_event(&data);
            return Event { id, name, data: data["data"].clone() };
        }
    }
}
