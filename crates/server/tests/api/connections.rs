//! Connections, and how the server is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::json;
use server::Options;

use crate::client::{Request, connect, exchange};
use crate::platform::{Platform, STANDING_TAG, wallet_token};

fn read_to_end(mut stream: std::net::TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_client_that_sends_slowly_is_let_go() {
    let options = Options { header_timeout: Duration::from_millis(200), ..Options::default() };
    let platform = Platform::start_with(options);
    let started = Instant::now();
    let mut stream = connect(platform.address);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost:").unwrap();
    read_to_end(stream);
    let idle = connect(platform.address);
    read_to_end(idle);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_body_that_does_not_arrive_is_given_up() {
    let platform = Platform::start_with(Options { body_timeout: Duration::from_millis(100), ..Options::default() });
    let head = format!(
        "POST /v1/taps HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"url\"",
        wallet_token(0)
    );
    exchange(platform.address, head.as_bytes()).expect_problem(408, "request_timeout", None);
}

#[test]
fn a_connection_carries_many_requests() {
    let platform = Platform::start();
    let mut stream = connect(platform.address);
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut reply = [0; 4_096];
        let length = stream.read(&mut reply).unwrap();
        assert!(reply[..length].starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

#[test]
fn connections_are_bounded_and_wait_their_turn() {
    let platform = Platform::start_with(Options { max_connections: 1, ..Options::default() });
    let holder = connect(platform.address);
    std::thread::sleep(Duration::from_millis(50));
    let mut waiting = connect(platform.address);
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err(), "it must wait");
    drop(holder);
    waiting.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(read_to_end(waiting).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn heads_are_bounded_and_nonsense_is_refused() {
    let platform = Platform::start();
    for request in [
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(100_000)),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000)),
        format!("GET /healthz HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100)),
        "no http at all\r\n\r\n".to_owned(),
        "POST /v1/taps HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(),
    ] {
        let status = exchange(platform.address, request.as_bytes()).status;
        assert!((400..500).contains(&status), "{status}");
    }
    platform.send(&Request::get("/healthz")).expect(200);
}

#[test]
fn what_was_begun_is_finished_before_the_server_stops() {
    let mut platform = Platform::start();
    let body = json!({ "url": platform.touch(STANDING_TAG) }).to_string();
    let mut stream = connect(platform.address);
    let head = format!(
        "POST /v1/taps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        wallet_token(0),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let sending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(body.as_bytes()).unwrap();
        read_to_end(stream)
    });
    platform.stop();
    assert!(sending.join().unwrap().starts_with("HTTP/1.1 201 Created"));
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, platform.address.port()).into();
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn metrics_count_what_happened() {
    let platform = Platform::start();
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect(422);
    platform.pay(0, &json!({ "tap": tap, "amount": { "amount": 1, "currency": "CNY" } })).expect(201);
    platform.send(&Request::get("/nowhere")).expect(404);
    let metrics = platform.send(&Request::get("/metrics")).expect(200);
    for line in [
        "tapstone_taps_total{outcome=\"succeeded\"} 1",
        "tapstone_payments_total{outcome=\"succeeded\"} 1",
        "tapstone_payments_total{outcome=\"amount_required\"} 1",
        "tapstone_http_requests_total{method=\"POST\",route=\"/v1/payments\",status=\"2xx\"} 1",
        "tapstone_http_requests_total{method=\"POST\",route=\"/v1/payments\",status=\"4xx\"} 1",
        "tapstone_http_requests_total{method=\"\",route=\"\",status=\"4xx\"} 1",
        "tapstone_http_request_seconds_count{method=\"POST\",route=\"/v1/taps\"} 1",
        "tapstone_healthy 1",
        &format!("tapstone_journal_durable_position {}", platform.position()),
    ] {
        assert!(metrics.text().lines().any(|written| written == line), "{line} is not in\n{}", metrics.text());
    }
}
