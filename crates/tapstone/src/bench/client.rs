//! A lean HTTP/1.1 client over one keep-alive connection: the load generator shares the machine with the server that
//! it measures, so it does no more than it must.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

/// A response, until the next request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a str,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::with_capacity(1024), response: Vec::with_capacity(4096) })
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        token: &str,
        idempotency_key: Option<&str>,
        body: &str,
    ) -> io::Result<Response<'_>> {
        self.request.clear();
        let length = body.len();
        let head = format_args!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n"
        );
        io::Write::write_fmt(&mut self.request, head)?;
        if let Some(key) = idempotency_key {
            io::Write::write_fmt(&mut self.request, format_args!("Idempotency-Key: {key}\r\n"))?;
        }
        io::Write::write_fmt(&mut self.request, format_args!("\r\n{body}"))?;
        self.exchange().await
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Response<'_>> {
        self.request.clear();
        io::Write::write_fmt(&mut self.request, format_args!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"))?;
        self.exchange().await
    }

    async fn exchange(&mut self) -> io::Result<Response<'_>> {
        self.stream.write_all(&self.request).await?;
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::parse(&self.response)?
                && self.response.len() >= head.length + head.content_length
            {
                let body = &self.response[head.length..head.length + head.content_length];
                let body = std::str::from_utf8(body).map_err(io::Error::other)?;
                return Ok(Response { status: head.status, body });
            }
        }
    }
}

struct Head {
    status: u16,
    length: usize,
    content_length: usize,
}

impl Head {
    /// The head of a response, once all of it is there.
    fn parse(response: &[u8]) -> io::Result<Option<Self>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = response.windows(END.len()).position(|window| window == END) else {
            return Ok(None);
        };
        let malformed = || io::Error::other("not an HTTP response");
        let head = std::str::from_utf8(&response[..end]).map_err(io::Error::other)?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
        let length_of = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        };
        let content_length = head.lines().find_map(length_of).ok_or_else(malformed)?;
        Ok(Some(Self { status, length: end + END.len(), content_length }))
    }
}

/// The text of a string field in a small JSON object: the first one of this name. The load generator reads its own
/// server's answers, so it need not be stricter.
pub(crate) fn text_field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let start = body.find(&format!("\"{name}\":\""))? + name.len() + 4;
    let length = body.get(start..)?.find('"')?;
    body.get(start..start + length)
}
