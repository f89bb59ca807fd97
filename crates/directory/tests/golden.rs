//! Files that earlier versions wrote, opened by this one. The files are never made anew.

#![allow(clippy::unwrap_used)]

use std::fs;

use directory::{
    Actor, AuditFilter, Author, Directory, Filter, KeyProfile, Known, Purpose, Scopes, StoredAnswer, Token,
};
use ids::{MerchantId, StoreId, TagId, TillId, WalletId};
use payments::{BodyDigest, Request, RequestKey, UnixMillis};
use serde::Serialize;
use serde_json::{Value, json};

const NOON: u64 = 1_795_350_600_000;

/// A profile as the audit log would show it.
fn shown(profile: &impl Serialize) -> Value {
    serde_json::to_value(profile).unwrap()
}

/// Version 1: names and tokens, nothing else. Written by the program of that version.
#[test]
fn version_1_becomes_version_2_and_loses_nothing() {
    let golden = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/version-1.sqlite")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(Directory::FILE_NAME), golden).unwrap();
    // Once migrated, and once more as it is then.
    for _ in 0..2 {
        looks_right(&Directory::open(folder.path()).unwrap());
    }
    let sql = rusqlite::Connection::open(folder.path().join(Directory::FILE_NAME)).unwrap();
    let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let left: i64 = sql
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND (name LIKE '%\\_1' ESCAPE '\\' OR name = 'tokens')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!((version, left), (2, 0));
    let sound: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut check = sql.prepare("PRAGMA foreign_key_check").unwrap();
    let dangling: Vec<String> = check
        .query_map([], |row| Ok(format!("{:?} {:?}", row.get::<_, String>(0), row.get::<_, String>(2))))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(dangling, [""; 0]);
}

fn looks_right(directory: &Directory) {
    let (merchant, other) = (MerchantId::from_parts(NOON, 1), MerchantId::from_parts(NOON + 1, 2));
    let (store, second) = (StoreId::from_parts(NOON, 3), StoreId::from_parts(NOON, 13));
    let (till, wallet) = (TillId::from_parts(NOON, 4), WalletId::from_parts(NOON, 6));
    let (tag, standing) = (TagId::from_parts(NOON, 5), TagId::from_parts(NOON, 15));
    assert_eq!(directory.purpose(), Some(Purpose::Live));
    let lantern = directory.merchant(merchant).unwrap();
    let name_zh = lantern.name_zh.as_ref().map(directory::Name::as_str);
    assert_eq!((lantern.name.as_str(), name_zh), ("Lantern Tea", Some("灯笼茶")));
    assert_eq!(lantern.created_at, UnixMillis(NOON));
    assert_eq!(directory.merchant(other).unwrap().name.as_str(), "Caffè Aurora");
    let stores: Vec<_> = directory.stores_of(merchant).iter().map(|store| store.id).collect();
    assert_eq!(stores, [store, second]);
    assert_eq!(directory.store(store).unwrap().address.as_ref().unwrap().as_str(), "1 Sample Road, Shanghai");
    assert_eq!((directory.till(till).unwrap().store, directory.till(till).unwrap().merchant), (store, merchant));
    assert_eq!(directory.tag(tag).unwrap().till, Some(till));
    assert_eq!((directory.tag(standing).unwrap().till, directory.tag(standing).unwrap().store), (None, second));
    assert_eq!(directory.wallet(wallet).unwrap().created_at, UnixMillis(NOON + 2));
    let mut keys = std::collections::HashSet::new();
    for (actor, byte) in [
        (Actor::Operator, 1),
        (Actor::Merchant(merchant), 2),
        (Actor::Merchant(merchant), 3),
        (Actor::Merchant(other), 4),
        (Actor::Wallet(wallet), 5),
    ] {
        let token = Token::from_random(actor, [byte; 32]);
        let grant = directory.authenticate(token.expose(), UnixMillis(u64::MAX - 1)).unwrap();
        assert_eq!((grant.actor, grant.scopes), (actor, Scopes::ALL));
        assert!(keys.insert(grant.key));
    }
    let listed = directory.list::<KeyProfile>(&Filter::default(), None, 100).unwrap().items;
    assert_eq!(listed.len(), 4);
    let search = Filter { search: Some("caffè".to_owned()), ..Filter::default() };
    assert_eq!(directory.list::<directory::MerchantProfile>(&search, None, 9).unwrap().items[0].id, other);
}

#[test]
fn a_version_1_that_is_damaged_stays_as_it_is() {
    let mut golden = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/version-1.sqlite")).unwrap();
    let at = golden.windows(11).position(|window| window == b"Lantern Tea").unwrap();
    golden[at] = 7;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Directory::FILE_NAME);
    fs::write(&file, &golden).unwrap();
    let refused = Directory::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("is damaged"), "{refused}");
    assert!(fs::read(&file).unwrap() == golden);
}

/// Version 2: profiles, keys, an audit log and answers. Written by the first program of that version.
#[test]
fn version_2_opens_as_it_was() {
    let golden = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/version-2.sqlite")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(Directory::FILE_NAME), golden).unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let (merchant, store) = (MerchantId::from_parts(NOON, 1), StoreId::from_parts(NOON, 3));
    let (till, tag, wallet) = (TillId::from_parts(NOON, 4), TagId::from_parts(NOON, 5), WalletId::from_parts(NOON, 6));
    assert_eq!(directory.purpose(), Some(Purpose::Sandbox));
    assert_eq!(
        shown(&*directory.merchant(merchant).unwrap()),
        json!({
            "name": "Lantern Tea", "name_zh": "灯笼茶", "legal_name": "Lantern Tea Company Limited", "mcc": "5814",
            "country": "CN", "time_zone": "Asia/Shanghai", "email": "owner@example.cn", "currencies": ["CNY", "EUR"],
            "reference": "M-1", "metadata": { "erp": "77-1" },
            "payout_accounts": {
                "CNY": { "type": "local", "bank_code": "102290000013", "last_four": "6245", "holder": "Lantern Tea" },
                "EUR": { "type": "iban", "country": "DE", "last_four": "3000", "holder": "Lantern Tea" },
            },
        })
    );
    let lake = shown(&*directory.store(store).unwrap());
    assert_eq!((&lake["address"], &lake["address_parts"]["line1"]), (&json!("By the lake"), &json!("1 Lakeside Road")));
    assert_eq!(lake["position"], json!({ "latitude_microdegrees": 30_246_000, "longitude_microdegrees": 120_150_000 }));
    assert_eq!(lake["opening_hours"]["friday"], json!(["09:00-12:00", "20:00-02:00"]));
    assert_eq!(shown(&*directory.till(till).unwrap())["reference"], "T-1");
    assert_eq!(shown(&*directory.tag(tag).unwrap())["till"], json!(till));
    let noon = UnixMillis(NOON);
    for (actor, byte, scopes) in [
        (Actor::Operator, 1, Scopes::ALL),
        (Actor::Merchant(merchant), 2, Scopes::ALL),
        (Actor::Till(till), 3, Scopes::usual_of(Actor::Till(till))),
        (Actor::Wallet(wallet), 4, Scopes::ALL),
    ] {
        let token = Token::from_random(actor, [byte; 32]);
        let grant = directory.authenticate(token.expose(), noon).unwrap();
        assert_eq!((grant.actor, grant.scopes, grant.key.as_u128()), (actor, scopes, u128::from(byte)));
        assert_eq!(directory.authenticate(token.expose(), noon.plus(60_000)).is_none(), byte == 2);
    }
    let log = directory.audit_log(&AuditFilter::default(), None, 100).unwrap().items;
    assert_eq!((log.len(), &*log[0].action, &*log[9].action), (10, "merchant.activated", "merchant.created"));
    let author = Author { key: log[0].key, at: noon };
    let request = |key, body| Request { key: RequestKey([key; 16]), body: BodyDigest([body; 16]) };
    let known = |request| directory.change(author, |change| change.known(&request)).unwrap();
    let answer = StoredAnswer { status: 201, answer: b"{}".to_vec(), sealed: Some(vec![7; 20]) };
    assert_eq!((known(request(1, 2)), known(request(1, 3))), (Known::Answered(answer), Known::Conflict));
}
