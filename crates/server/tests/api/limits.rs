//! How often a key may ask.

use directory::Actor;
use serde_json::json;
use server::{Options, RateLimit};

use crate::client::Reply;
use crate::platform::{MERCHANT, Platform, merchant_token, read_only_token, wallet_token};

fn number(reply: &Reply, header: &str) -> Option<u32> {
    reply.header(header).map(|value| value.parse().unwrap())
}

#[test]
fn a_key_that_asks_too_often_is_told_to_wait_and_others_are_not() {
    let rate_limit = Some(RateLimit { per_second: 1, burst: 5 });
    let platform = Platform::start_with(Options { rate_limit, ..Options::default() });
    let own = merchant_token(MERCHANT);
    for left in [4, 3, 2, 1, 0] {
        let reply = platform.get(&own, "/v1/stores").expect(200);
        assert_eq!((number(&reply, "ratelimit-limit"), number(&reply, "ratelimit-remaining")), (Some(5), Some(left)));
        assert!((1..=5).contains(&number(&reply, "ratelimit-reset").unwrap()));
    }
    let refused = platform.get(&own, "/v1/stores").expect_problem(429, "rate_limited", None);
    assert_eq!((number(&refused, "retry-after"), number(&refused, "ratelimit-remaining")), (Some(1), Some(0)));
    // Before anything is read or done.
    let position = platform.position();
    platform.post(&own, "/v1/orders", &json!({ "nonsense": 1 })).expect_problem(429, "rate_limited", None);
    assert_eq!(platform.position(), position);
    platform.get(&read_only_token(Actor::Merchant(MERCHANT)), "/v1/stores").expect(200);
    platform.get(&wallet_token(0), "/v1/wallets/me").expect(200);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    platform.get(&own, "/v1/stores").expect(200);
}

#[test]
fn every_answer_to_a_key_says_what_is_left() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let refusals = [
        platform.get(&own, "/v1/stores/x"),
        platform.get(&own, "/v1/wallets/me"),
        platform.post(&own, "/v1/orders", &json!({})),
        platform.get(&own, "/v1/orders?colour=red"),
    ];
    for reply in &refusals {
        assert_eq!(number(reply, "ratelimit-limit"), Some(5_000), "{reply:?}");
    }
    for reply in
        [platform.get("mk_nobody", "/v1/stores"), platform.get(&own, "/healthz"), platform.get(&own, "/v1/none")]
    {
        assert_eq!(number(&reply, "ratelimit-limit"), None, "{reply:?}");
    }
    let platform = Platform::start_with(Options { rate_limit: None, ..Options::default() });
    assert_eq!(number(&platform.get(&own, "/v1/stores").expect(200), "ratelimit-limit"), None);
}
