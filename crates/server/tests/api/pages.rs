//! The web pages and their headers.

use crate::client::Request;
use crate::platform::Platform;

#[test]
fn pages_are_served_with_a_strict_policy() {
    let platform = Platform::start();
    for path in ["/", "/till", "/wallet", "/t?e=00&c=00", "/reference"] {
        let page = platform.send(&Request::get(path)).expect(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'self'", "frame-ancestors 'none'", "img-src 'self' data:"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src"), "scripts fall back to 'self': {policy}");
        let header = |name| page.header(name).unwrap_or_default();
        assert_eq!((header("x-content-type-options"), header("referrer-policy")), ("nosniff", "no-referrer"));
        assert_eq!(header("cache-control"), "no-cache");
        assert!(page.text().contains("<!doctype html>"));
        let head = platform.send(&Request { method: "HEAD", ..Request::get(path) }).expect(200);
        assert!(head.body.is_empty() && head.header("content-length") == page.header("content-length"));
    }
}
