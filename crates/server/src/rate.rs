//! How often a key may ask: a bucket of tokens for each key, one taken by each request, refilled at a steady rate.
//!
//! A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371, Annex
//! A): a bucket that is full is not kept at all. Buckets are spread over shards, each behind a lock of its own; taking a
//! token is a look into a small hash map. Memory is bounded: where a shard has no room for another bucket that is not
//! full, its key goes unlimited until one is.

use std::cell::Cell;
use std::future::Future;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue};
use ids::{IdHasher, IdMap, TokenId};

use crate::problem::Problem;

/// The most that a bucket holds.
pub(crate) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// What it holds now.
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until it is full.
pub(crate) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Shards, so that keys seldom wait for each other.
const SHARDS: usize = 64;

/// Buckets of one shard: over a million in all, of 32 bytes each or so.
const BUCKETS: usize = 16_384;

/// How often a key may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a second, in the long run: 1 to 1,000,000.
    pub per_second: u32,
    /// Requests at once, after a rest: 1 to 1,000,000.
    pub burst: u32,
}

impl RateLimit {
    /// The largest number of either.
    pub const MOST: u32 = 1_000_000;
}

impl Default for RateLimit {
    /// More than any shop needs.
    fn default() -> Self {
        Self { per_second: 1_000, burst: 5_000 }
    }
}

/// What is left to a key after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    /// Seconds until all is there again.
    reset: u32,
    /// Seconds until there is one, if there is none.
    retry_after: Option<u32>,
}

tokio::task_local! {
    /// What the request that this task serves was left, once its key is known.
    static ALLOWANCE: Cell<Option<Allowance>>;
}

/// Serves a request, and says what its key was left.
pub(crate) async fn observe<T>(serve: impl Future<Output = T>) -> (T, Option<Allowance>) {
    let observed = async {
        let served = serve.await;
        (served, ALLOWANCE.with(Cell::get))
    };
    ALLOWANCE.scope(Cell::new(None), observed).await
}

impl Allowance {
    /// Says it to the caller.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}

/// The buckets of all keys.
pub(crate) struct RateLimiter {
    rate: Option<Rate>,
    started: Instant,
    shards: Box<[Mutex<Shard>]>,
}

/// Some of the buckets.
#[derive(Default)]
struct Shard {
    /// When each is full again, in nanoseconds since the start.
    full_at: IdMap<ids::Token, u64>,
    /// When those that are full were last thrown out.
    swept_at: u64,
}

impl Shard {
    /// Whether there is room for this key's bucket. Looks for it at most once a second.
    fn has_room(&mut self, key: TokenId, now: u64) -> bool {
        if self.full_at.len() < BUCKETS || self.full_at.contains_key(&key) {
            return true;
        }
        if now.saturating_sub(self.swept_at) >= 1_000_000_000 {
            self.swept_at = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.len() < BUCKETS
    }
}

/// A limit in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Rate {
    limit: u32,
    /// For one token.
    each: u64,
    /// For a full bucket.
    all: u64,
}

impl RateLimiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        let rate = limit.map(|limit| {
            let each = 1_000_000_000 / u64::from(limit.per_second.clamp(1, RateLimit::MOST));
            let burst = limit.burst.clamp(1, RateLimit::MOST);
            Rate { limit: burst, each, all: each * u64::from(burst) }
        });
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { rate, started: Instant::now(), shards }
    }

    /// Takes a token from the key's bucket.
    pub(crate) fn admit(&self, key: TokenId) -> Result<(), Problem> {
        let Some(rate) = self.rate else { return Ok(()) };
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let allowance = self.take(rate, key, now);
        // Outside a request nobody wants to know.
        let _ = ALLOWANCE.try_with(|cell| cell.set(Some(allowance)));
        allowance.retry_after.map_or(Ok(()), |seconds| Err(Problem::rate_limited(seconds)))
    }

    fn take(&self, rate: Rate, key: TokenId, now: u64) -> Allowance {
        let hash = BuildHasherDefault::<IdHasher>::default().hash_one(key);
        let shard = usize::from(hash.to_be_bytes()[0]) % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return rate.allowance(0, None) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = shard.full_at.get(&key).map_or(now, |full_at| (*full_at).max(now));
        let missing = full_at - now;
        if missing + rate.each > rate.all {
            return rate.allowance(missing, Some(missing + rate.each - rate.all));
        }
        if shard.has_room(key, now) {
            shard.full_at.insert(key, full_at + rate.each);
        }
        rate.allowance(missing + rate.each, None)
    }
}

impl Rate {
    /// What is left when a bucket needs `missing` nanoseconds to be full, and `wait` to have a token.
    fn allowance(self, missing: u64, wait: Option<u64>) -> Allowance {
        let seconds = |nanoseconds: u64| u32::try_from(nanoseconds.div_ceil(1_000_000_000)).unwrap_or(u32::MAX);
        Allowance {
            limit: self.limit,
            remaining: u32::try_from(self.all.saturating_sub(missing) / self.each).unwrap_or(u32::MAX),
            reset: seconds(missing),
            retry_after: wait.map(|wait| seconds(wait).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn limiter(per_second: u32, burst: u32) -> (RateLimiter, Rate) {
        let limiter = RateLimiter::new(Some(RateLimit { per_second, burst }));
        let rate = limiter.rate.unwrap();
        (limiter, rate)
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let (limiter, rate) = limiter(2, 3);
        let key = TokenId::from_u128(1);
        let take = |now| limiter.take(rate, key, now);
        assert_eq!((0..3).map(|_| take(0).remaining).collect::<Vec<_>>(), [2, 1, 0]);
        let refused = take(0);
        assert_eq!((refused.remaining, refused.retry_after, refused.reset, refused.limit), (0, Some(1), 2, 3));
        assert_eq!(take(SECOND / 2 - 1).retry_after, Some(1));
        assert_eq!(take(SECOND / 2).retry_after, None);
        // After a rest there is a burst again, and no more than that.
        assert_eq!(take(3_600 * SECOND).remaining, 2);
        assert_eq!(limiter.take(rate, TokenId::from_u128(2), 0).remaining, 2, "keys do not share");
    }

    #[test]
    fn in_the_long_run_the_rate_is_kept_exactly() {
        let (limiter, rate) = limiter(1_000, 50);
        let key = TokenId::from_u128(1);
        let step = SECOND / 7_919;
        let granted = (0..79_190).filter(|n| limiter.take(rate, key, n * step).retry_after.is_none()).count();
        assert!((10_045..=10_050).contains(&granted), "{granted} in ten seconds");
    }

    #[test]
    fn memory_is_bounded_and_idle_buckets_make_room() {
        let (limiter, rate) = limiter(1, 1);
        let kept = || limiter.shards.iter().map(|shard| shard.lock().unwrap().full_at.len()).sum::<usize>();
        let key = |n: u128| TokenId::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        for n in 0..2 * (SHARDS * BUCKETS) as u128 {
            limiter.take(rate, key(n), 0);
        }
        assert_eq!(kept(), SHARDS * BUCKETS);
        for n in 0..1_000 {
            limiter.take(rate, key(n + 10_000_000), 2 * SECOND);
        }
        assert!(kept() < SHARDS * BUCKETS, "{}", kept());
    }

    /// Prints what it costs; fails only if that is out of all proportion.
    #[test]
    fn taking_costs_far_less_than_a_microsecond() {
        let (limiter, rate) = limiter(1_000_000, 1_000_000);
        let keys: Vec<_> = (0..10_000_u128).map(|n| TokenId::from_parts(1, n * 0x9e37_79b9_7f4a_7c15)).collect();
        let begin = Instant::now();
        let rounds = 100_u32;
        for round in 0..u64::from(rounds) {
            for key in &keys {
                assert!(limiter.take(rate, *key, round * SECOND).retry_after.is_none());
            }
        }
        let each = begin.elapsed() / rounds / u32::try_from(keys.len()).unwrap();
        println!("a token in {each:?}");
        assert!(each.as_micros() < 10, "{each:?}");
    }
}
