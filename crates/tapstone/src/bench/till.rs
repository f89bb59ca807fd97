//! A till that listens: how long until the shop hears that it was paid.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use ids::PaymentId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::text_field;

/// When a merchant's till heard of each payment, until the stream ends.
pub(crate) async fn listen(address: SocketAddr, merchant_key: String) -> HashMap<PaymentId, Instant> {
    let mut heard = HashMap::new();
    // The stream ends with the server; what was heard until then is the result.
    drop(listen_into(address, &merchant_key, &mut heard).await);
    heard
}

async fn listen_into(
    address: SocketAddr,
    merchant_key: &str,
    heard: &mut HashMap<PaymentId, Instant>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {merchant_key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut pending: Vec<u8> = Vec::new();
    while stream.read_buf(&mut pending).await? > 0 {
        let now = Instant::now();
        let Some(end) = pending.iter().rposition(|&byte| byte == b'\n') else { continue };
        let rest = pending.split_off(end + 1);
        for line in String::from_utf8_lossy(&pending).lines() {
            if let Some(payment) = payment_in(line) {
                heard.insert(payment, now);
            }
        }
        pending = rest;
    }
    Ok(())
}

/// The payment that an event's data line tells of.
fn payment_in(line: &str) -> Option<PaymentId> {
    let data = line.strip_prefix("data:").filter(|data| data.contains("payment.succeeded"))?;
    let start = data.find("\"id\":\"pay_")?;
    text_field(&data[start..], "id")?.parse().ok()
}
