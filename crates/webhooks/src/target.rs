//! URLs that deliveries go to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use http::Uri;

use crate::address::Network;

/// The longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 2_048;

/// A URL that deliveries may go to, as far as it can be told without resolving its host's name: what the name resolves to
/// is looked at again at each connection.
///
/// It is parsed by the parser that the HTTP client goes by, so that the two cannot disagree on which host it names.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Uri);

/// Why deliveries may not go to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no absolute URL, has characters that must be escaped, or is too long.
    #[error("must be an absolute URL of at most {MAX_URL_BYTES} ASCII characters, as in https://example.com/webhooks")]
    Malformed,
    /// Not `https`, outside a sandbox.
    #[error("must begin with https://")]
    Scheme,
    /// It has a user's name or password in it, which would end up in logs.
    #[error("must not have a user name or a password in it: deliveries are authenticated by their signatures")]
    Credentials,
    /// It has a part after `#`, which is never sent.
    #[error("must not have a part after #")]
    Fragment,
    /// A port that is not a web server's.
    #[error("must use port 443, or one from 1024 on")]
    Port,
    /// Its host is not on the public Internet.
    #[error("must name a host on the public Internet")]
    NotPublic,
}

/// Checks where deliveries may go.
///
/// # Errors
/// [`UrlError`] says what to change.
pub fn check_url(text: &str, network: Network) -> Result<Target, UrlError> {
    if text.len() > MAX_URL_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
        return Err(UrlError::Malformed);
    }
    if text.contains('#') {
        return Err(UrlError::Fragment);
    }
    let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(UrlError::Malformed);
    };
    match (scheme, network) {
        ("https", _) | ("http", Network::Private) => {}
        _ => return Err(UrlError::Scheme),
    }
    if authority.as_str().contains('@') {
        return Err(UrlError::Credentials);
    }
    check_port(authority, network)?;
    check_host(authority.host(), network)?;
    Ok(Target(uri))
}

fn check_port(authority: &http::uri::Authority, network: Network) -> Result<(), UrlError> {
    // What follows the host is nothing, or a colon and a number: an empty or too large number is no port.
    let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    match (after_host, authority.port_u16(), network) {
        ("", None, _) => Ok(()),
        (_, Some(443 | 1_024..), _) => Ok(()),
        (_, Some(1..), Network::Private) => Ok(()),
        _ => Err(UrlError::Port),
    }
}

fn check_host(host: &str, network: Network) -> Result<(), UrlError> {
    let admits = |address| if network.admits(address) { Ok(()) } else { Err(UrlError::NotPublic) };
    if let Some(bracketed) = host.strip_prefix('[') {
        let inner = bracketed.strip_suffix(']').ok_or(UrlError::Malformed)?;
        return admits(IpAddr::V6(inner.parse().map_err(|_| UrlError::Malformed)?));
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        // With a full stop at the end it would be a name, to some.
        return if host.ends_with('.') { Err(UrlError::Malformed) } else { admits(IpAddr::V4(address)) };
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(UrlError::Malformed);
    }
    let (parent, last) = name.rsplit_once('.').unwrap_or(("", &name));
    // No top-level domain begins with a digit: such a thing is an address in one of the old forms (127.1, 0x7f.1).
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(UrlError::Malformed);
    }
    let is_local = parent.is_empty() || ["localhost", "local", "internal", "lan", "home", "corp"].contains(&last);
    if is_local && network == Network::Public { Err(UrlError::NotPublic) } else { Ok(()) }
}

impl Target {
    /// The URL for the HTTP client.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Only where it goes: paths and queries of webhooks often hold a secret of the receiver's.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target")
            .field(&self.0.authority().map(http::uri::Authority::as_str).unwrap_or_default())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_web_servers_on_the_internet() {
        for text in [
            "https://example.com",
            "https://example.com/",
            "https://hooks.example.co.uk:8443/tapstone?shop=7",
            "https://EXAMPLE.com:443/a%20b",
            "https://1.1.1.1/x",
            "https://[2606:4700:4700::1111]:4433/x",
            "https://xn--bcher-kva.example/",
        ] {
            let target = check_url(text, Network::Public).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(target.uri().host().is_some(), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        use UrlError::*;
        for (text, expected) in [
            ("", Malformed),
            ("example.com", Malformed),
            ("/webhooks", Malformed),
            ("https://", Malformed),
            ("https:///path", Malformed),
            ("https://exa mple.com/", Malformed),
            ("https://example.com/ü", Malformed),
            ("https://example.com\\@127.0.0.1/", Malformed),
            ("https://example..com/", Malformed),
            ("http://example.com/", Scheme),
            ("ftp://example.com/", Scheme),
            ("https://user:password@example.com/", Credentials),
            ("https://example.com@127.0.0.1/", Credentials),
            ("https://example.com/#top", Fragment),
            ("https://example.com:0/", Port),
            ("https://example.com:22/", Port),
            ("https://example.com:80/", Port),
            ("https://example.com:70000/", Port),
            ("https://example.com:/", Port),
            ("https://localhost/", NotPublic),
            ("https://LOCALHOST./", NotPublic),
            ("https://intranet/", NotPublic),
            ("https://db.internal/", NotPublic),
            ("https://printer.local:8443/", NotPublic),
            ("https://127.0.0.1/", NotPublic),
            ("https://10.0.0.1/", NotPublic),
            ("https://169.254.169.254/latest/meta-data", NotPublic),
            ("https://[::1]/", NotPublic),
            ("https://[::ffff:10.0.0.1]/", NotPublic),
            ("https://[fe80::1]/", NotPublic),
            ("https://127.1/", Malformed),
            ("https://127.0.0.1./", Malformed),
            ("https://0x7f.0.0.1/", Malformed),
            ("https://2130706433/", Malformed),
            ("https://0177.0.0.1/", Malformed),
            ("https://0x7f000001/", Malformed),
        ] {
            assert_eq!(check_url(text, Network::Public), Err(expected), "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES));
        assert_eq!(check_url(&long, Network::Public), Err(Malformed));
    }

    #[test]
    fn a_sandbox_takes_its_neighbours() {
        for text in ["http://localhost:9000/x", "http://127.0.0.1:1/", "https://10.0.0.7/", "http://receiver:80/"] {
            assert!(check_url(text, Network::Private).is_ok(), "{text}");
        }
        for text in ["http://169.254.169.254/", "http://0.0.0.0/", "http://u@localhost/", "http://127.1/"] {
            assert!(check_url(text, Network::Private).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_output_leaves_out_path_and_query() {
        let target = check_url("https://example.com/secret?token=1", Network::Public).unwrap();
        assert_eq!(format!("{target:?}"), "Target(\"example.com\")");
    }
}
