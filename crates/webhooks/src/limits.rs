//! How much there may be of everything.

/// How much there may be of everything.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Endpoints of one merchant.
    pub endpoints_per_merchant: usize,
    /// Deliveries under way at once to one endpoint.
    pub under_way: usize,
    /// Deliveries of one endpoint that are stored and ready to be sent, ahead of those under way.
    pub ahead: usize,
    /// Deliveries of one endpoint that have not come to an end; further events stay behind the cursor.
    pub waiting: usize,
    /// Bytes of one endpoint's deliveries, done ones included. The oldest of those that are done make room.
    pub stored_bytes: u64,
    /// Bytes of all endpoints' deliveries: each has its share.
    pub stored_bytes_in_all: u64,
    /// How long a delivery that is done is kept, in milliseconds.
    pub log_age_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            endpoints_per_merchant: 20,
            under_way: 64,
            ahead: 1_024,
            waiting: 10_000,
            stored_bytes: 256 << 20,
            stored_bytes_in_all: 4 << 30,
            log_age_ms: 30 * 24 * 60 * 60 * 1_000,
        }
    }
}
