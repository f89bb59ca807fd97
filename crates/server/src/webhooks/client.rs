//! The HTTP client of deliveries: connections that are kept, addresses that are checked, answers that are bounded.

use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::webhooks::{ID_HEADER, Network, Outcome, RESPONSE_KEPT_BYTES, SIGNATURE_HEADER, Sending, TIMESTAMP_HEADER, sign};
use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use super::service::Settings;

/// Connections of one receiver that are kept while nothing is sent, and for how long. One receiver may serve very many
/// merchants, each with endpoints of its own.
const IDLE_CONNECTIONS: usize = 512;
const IDLE_TIME: Duration = Duration::from_secs(30);

/// The most of an answer's body that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Names that are resolved at once.
const LOOKUPS: usize = 16;

/// The longest reason that is kept of a failure, in characters.
const MAX_REASON_CHARACTERS: usize = 200;

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Sends deliveries. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: legacy::Client<HttpsConnector<Guard>, Full<Bytes>>,
    timeout: Duration,
}

impl Client {
    /// A client that trusts the certificate authorities that browsers trust, and those that this machine does.
    pub(crate) fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // Without any there are still the browsers'.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with_roots(settings, roots)
    }

    fn with_roots(settings: &Settings, roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let resolver = Resolver { network: settings.network, lookups: Arc::new(Semaphore::new(LOOKUPS)) };
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        let guard = Guard { tcp, network: settings.network };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector.wrap_connector(guard));
        Ok(Self { http, timeout: settings.timeout })
    }

    /// Makes one attempt. `unix_seconds` is the time to sign.
    pub(crate) async fn deliver(&self, sending: &Sending, unix_seconds: u64) -> Outcome {
        let id = sending.event.to_string();
        let signatures = sign(sending.secrets.iter(), &id, unix_seconds, &sending.body);
        match request(sending.url.uri(), &id, unix_seconds, &signatures, sending.body.clone()) {
            Ok(request) => self.exchange(request).await,
            Err(error) => Outcome::Failed(reason(&error)),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Outcome {
        let deadline = Instant::now() + self.timeout;
        match timeout_at(deadline, self.http.request(request)).await {
            Err(_) => Outcome::Failed(format!("no answer within {} s", self.timeout.as_secs()).into()),
            Ok(Err(error)) => Outcome::Failed(reason(&error)),
            Ok(Ok(answer)) => {
                let status = answer.status().as_u16();
                // The status says it all; of the body there may be as much as arrives in time.
                let mut response = Vec::new();
                drop(timeout_at(deadline, read(answer.into_body(), &mut response)).await);
                Outcome::Answered { status, response }
            }
        }
    }
}

fn request(
    uri: &Uri,
    id: &str,
    unix_seconds: u64,
    signatures: &str,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, axum::http::Error> {
    const AGENT: &str = concat!("Tapstone/", env!("CARGO_PKG_VERSION"));
    Request::builder()
        .method(Method::POST)
        .uri(uri.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static(AGENT))
        .header(ID_HEADER, id)
        .header(TIMESTAMP_HEADER, unix_seconds)
        .header(SIGNATURE_HEADER, signatures)
        .body(Full::new(body))
}

/// Reads an answer to its end, so that its connection can be used again, unless it is too long; keeps how it begins.
async fn read(mut body: Incoming, kept: &mut Vec<u8>) {
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        kept.extend(data.iter().take(RESPONSE_KEPT_BYTES - kept.len()));
        length += data.len();
        if length > MAX_ANSWER_BYTES {
            return;
        }
    }
}

/// What went wrong, as its first cause says.
fn reason(error: &(dyn Error + 'static)) -> Cow<'static, str> {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Cow::Owned(cause.to_string().chars().take(MAX_REASON_CHARACTERS).collect())
}

fn refused() -> BoxError {
    io::Error::new(io::ErrorKind::PermissionDenied, "the host's address is not on the public Internet").into()
}

/// Lets connections out: over TLS only, unless private networks may be reached, and to addresses that are admitted only.
/// Names go through the [`Resolver`]; addresses, which nobody resolves, are looked at here.
#[derive(Debug, Clone)]
struct Guard {
    tcp: HttpConnector<Resolver>,
    network: Network,
}

impl Service<Uri> for Guard {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let host = uri.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let is_admitted = address.is_none_or(|address| self.network.admits(address));
        let is_secure = uri.scheme_str() == Some("https") || self.network == Network::Private;
        if !is_admitted || !is_secure {
            return Box::pin(async { Err(refused()) });
        }
        let connecting = self.tcp.call(uri);
        Box::pin(async { connecting.await.map_err(Into::into) })
    }
}

/// Resolves names by the operating system, and gives only addresses that are admitted: what is connected to is what was
/// looked at, whatever the name says a moment later.
#[derive(Debug, Clone)]
struct Resolver {
    network: Network,
    lookups: Arc<Semaphore>,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { network, lookups } = self.clone();
        Box::pin(async move {
            let permit = lookups.acquire_owned().await?;
            let looking_up = tokio::task::spawn_blocking(move || {
                // It counts until it is done, even if nobody waits for it any more.
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs()
            });
            let found = looking_up.await??;
            let admitted: Vec<_> = found.filter(|address| network.admits(address.ip())).collect();
            if admitted.is_empty() { Err(refused()) } else { Ok(admitted.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ::webhooks::{Secret, check_url};
    use ids::{EventId, WebhookEndpointId};
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A receiver with a certificate of its own for `localhost`; gives the certificate and the port.
    async fn secure_receiver() -> (CertificateDer<'static>, u16) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = own.cert.der().clone();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = [0; 1_024];
                let length = stream.read(&mut head).await.unwrap();
                assert!(head[..length].starts_with(b"POST /hooks HTTP/1.1\r\n"));
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        });
        (certificate, port)
    }

    fn sending(url: &str) -> Sending {
        Sending {
            endpoint: WebhookEndpointId::from_u128(1),
            position: 1,
            event: EventId::from_u128(1),
            url: Arc::new(check_url(url, Network::Private).unwrap()),
            secrets: [Secret::from_random([1; 32])].into(),
            body: Bytes::from_static(b"{}"),
        }
    }

    #[tokio::test]
    async fn tls_is_spoken_with_those_who_are_who_they_say() {
        let (certificate, port) = secure_receiver().await;
        let settings = Settings { network: Network::Private, ..Settings::default() };
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let trusting = Client::with_roots(&settings, roots).unwrap();
        let url = format!("https://localhost:{port}/hooks");
        let outcome = trusting.deliver(&sending(&url), 1).await;
        assert_eq!(outcome, Outcome::Answered { status: 200, response: b"ok".to_vec() });
        for (client, url) in [
            (Client::new(&settings).unwrap(), url),
            // The certificate is for another name.
            (trusting, format!("https://127.0.0.1:{port}/hooks")),
        ] {
            let Outcome::Failed(reason) = client.deliver(&sending(&url), 1).await else { panic!("it was believed") };
            assert!(reason.contains("certificate"), "{reason}");
        }
    }
}
