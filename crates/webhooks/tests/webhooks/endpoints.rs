//! Endpoints and their secrets.

use ids::{MerchantId, WebhookEndpointId};
use webhooks::{
    Change, EndpointState, EventFilter, Network, NewEndpoint, Secret, Webhooks, WebhooksError, check_url, sign, verify,
};

use crate::world::{HOUR, MERCHANT, World, always};

const OTHER: MerchantId = MerchantId::from_u128(2);

fn new(number: u128) -> NewEndpoint {
    NewEndpoint {
        id: WebhookEndpointId::from_u128(number),
        merchant: MERCHANT,
        url: check_url("https://example.com/hooks", Network::Public).unwrap(),
        events: EventFilter::all(),
        description: Some("till events".to_owned()),
        position: 0,
    }
}

#[test]
fn an_endpoint_is_its_merchants_and_outlives_the_process() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["payment.*", "order.created"], always(200));
    let change = Change {
        url: Some(check_url("https://example.com/new", Network::Public).unwrap()),
        description: Some(Some("new".to_owned())),
        enabled: Some(false),
        ..Change::default()
    };
    assert!(matches!(world.webhooks().update(OTHER, endpoint, Change::default()), Err(WebhooksError::NotFound)));
    assert!(matches!(world.webhooks().delete(OTHER, endpoint), Err(WebhooksError::NotFound)));
    let _ = world.webhooks().update(MERCHANT, endpoint, change).unwrap();
    world.crash();
    let found = world.webhooks().endpoint(MERCHANT, endpoint).unwrap();
    assert_eq!(
        (found.url.to_string().as_str(), found.description.as_deref()),
        ("https://example.com/new", Some("new"))
    );
    assert_eq!((found.state, found.events.patterns().len()), (EndpointState::Disabled, 2));
    assert_eq!((world.webhooks().endpoints(MERCHANT).len(), world.webhooks().endpoints(OTHER).len()), (1, 0));
    world.webhooks().delete(MERCHANT, endpoint).unwrap();
    world.crash();
    assert!(world.webhooks().is_empty());
}

#[test]
fn invariant_12_a_merchant_has_only_so_many_endpoints() {
    let mut world = World::new();
    for number in 1..=20 {
        let _ = world.webhooks().create(new(number), &Secret::from_random([1; 32]), 0).unwrap();
    }
    let refused = world.webhooks().create(new(21), &Secret::from_random([1; 32]), 0);
    assert!(matches!(refused, Err(WebhooksError::TooManyEndpoints { most: 20 })));
    let of_other = NewEndpoint { merchant: OTHER, ..new(22) };
    assert!(world.webhooks().create(of_other, &Secret::from_random([1; 32]), 0).is_ok());
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_until_its_time_is_over() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(200));
    let (old, new) = (Secret::from_random([7; 32]), Secret::from_random([8; 32]));
    let now = world.now;
    let _ = world.webhooks().rotate_secret(MERCHANT, endpoint, &new, HOUR, now).unwrap();
    world.crash();
    let mut believed = |secret: &Secret, at: u64| {
        let (_, secrets) = world.webhooks().route(MERCHANT, endpoint, at).unwrap();
        let seconds = at / 1_000;
        let signatures = sign(secrets.iter(), "evt_1", seconds, b"{}");
        verify(std::slice::from_ref(secret), "evt_1", &seconds.to_string(), &signatures, b"{}", seconds).is_ok()
    };
    assert!(believed(&old, now) && believed(&new, now));
    assert!(believed(&old, now + HOUR - 1) && believed(&new, now + HOUR - 1));
    assert!(!believed(&old, now + HOUR) && believed(&new, now + HOUR));
    // One that was rotated without overlap, after a leak: at once.
    let newest = Secret::from_random([9; 32]);
    let _ = world.webhooks().rotate_secret(MERCHANT, endpoint, &newest, 0, now).unwrap();
    let (_, secrets) = world.webhooks().route(MERCHANT, endpoint, now).unwrap();
    assert!(secrets[..] == [newest, old.clone()], "the oldest still has its hour");
    for number in 0..20_u8 {
        let _ =
            world.webhooks().rotate_secret(MERCHANT, endpoint, &Secret::from_random([number; 32]), HOUR, now).unwrap();
    }
    assert_eq!(world.webhooks().route(MERCHANT, endpoint, now).unwrap().1.len(), 5);
}

#[test]
fn invariant_11_no_secret_is_in_the_file_or_in_debug_output() {
    let mut world = World::new();
    let secret = *b"0123456789abcdef0123456789ABCDEF";
    let _ = world.webhooks().create(new(1), &Secret::from_random(secret), 0).unwrap();
    assert!(!format!("{:?} {:?}", world.webhooks, Secret::from_random(secret)).contains("0123456789abcdef"));
    drop(world.webhooks.take());
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(16).any(|window| window == &secret[..16]));
        let encoded = &Secret::from_random(secret).expose()["whsec_".len()..][..20];
        assert!(!bytes.windows(20).any(|window| window == encoded.as_bytes()));
    }
}

#[test]
fn a_file_opens_once_and_only_with_its_key() {
    let mut world = World::new();
    world.endpoint(1, &["*"], always(200));
    assert!(matches!(Webhooks::open(world.folder.path(), world.limits), Err(WebhooksError::Locked { .. })));
    drop(world.webhooks.take());
    let key = world.folder.path().join(webhooks::KEY_FILE_NAME);
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(Webhooks::open(world.folder.path(), world.limits), Err(WebhooksError::Key { .. })));
    assert!(!key.exists(), "no new key is made for secrets that it cannot open");
    std::fs::write(&key, kept).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, private).unwrap();
    world.crash();
}
