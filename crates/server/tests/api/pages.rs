//! The web pages and their headers.

use server::{AppLinks, Options};

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

#[test]
fn apps_that_may_open_tags_are_named_where_phones_look() {
    const ANDROID: &str = "/.well-known/assetlinks.json";
    const APPLE: &str = "/.well-known/apple-app-site-association";
    let fingerprint = ["AB"; 32].join(":");
    let app_links = AppLinks {
        android: vec![format!("com.example.wallet={fingerprint}").parse().unwrap()],
        apple: vec!["ABCDE12345.com.example.wallet".parse().unwrap()],
    };
    let platform = Platform::start_with(Options { app_links, ..Options::default() });
    let android = platform.send(&Request::get(ANDROID)).expect(200);
    assert_eq!(android.header("content-type"), Some("application/json"));
    let statement = &android.json()[0];
    assert_eq!(statement["relation"][0], "delegate_permission/common.handle_all_urls");
    assert_eq!(statement["target"]["package_name"], "com.example.wallet");
    assert_eq!(statement["target"]["sha256_cert_fingerprints"][0], *fingerprint);
    let apple = platform.send(&Request::get(APPLE)).expect(200);
    assert_eq!(apple.header("content-type"), Some("application/json"));
    let details = &apple.json()["applinks"]["details"][0];
    assert_eq!(
        (&details["appIDs"][0], &details["components"][0]["/"]),
        (&"ABCDE12345.com.example.wallet".into(), &"/t".into())
    );

    let platform = Platform::start();
    for path in [ANDROID, APPLE] {
        platform.send(&Request::get(path)).expect_problem(404, "not_found", None);
    }
}
