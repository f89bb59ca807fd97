//! Changes: what they do, what they leave in the audit log, what they refuse; and lists of what is there.

#![allow(clippy::unwrap_used)]

use directory::{
    Actor, AuditFilter, Author, Change, Directory, DirectoryError, Entry, Filter, KeyEnd, KeyProfile, Known,
    MerchantProfile, Name, PayoutAccount, Scope, Scopes, StoreProfile, StoredAnswer, TagProfile, TillProfile, Token,
};
use ids::{MerchantId, StoreId, TagId, TillId, TokenId};
use money::Currency;
use payments::{BodyDigest, Request, RequestKey, UnixMillis};
use serde_json::json;
use tempfile::TempDir;
use terms::{Iban, Mcc, ZoneName};

const NOON: UnixMillis = UnixMillis(1_795_350_600_000);
const MERCHANT: MerchantId = MerchantId::from_parts(NOON.0, 1);
const OTHER: MerchantId = MerchantId::from_parts(NOON.0, 2);
const STORE: StoreId = StoreId::from_parts(NOON.0, 3);
const SECOND_STORE: StoreId = StoreId::from_parts(NOON.0, 4);
const TILL: TillId = TillId::from_parts(NOON.0, 5);
const TAG: TagId = TagId::from_parts(NOON.0, 6);
const BY: Author = Author { key: TokenId::from_u128(77), at: NOON };

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn cny() -> Currency {
    Currency::from_alpha("CNY").unwrap()
}

fn merchant() -> MerchantProfile {
    MerchantProfile {
        mcc: Some(Mcc::parse("5814").unwrap()),
        country: Some("CN".parse().unwrap()),
        zone: Some(ZoneName::parse("Asia/Shanghai").unwrap()),
        email: Some("owner@example.cn".parse().unwrap()),
        reference: Some("M-1".parse().unwrap()),
        currencies: [cny()].into_iter().collect(),
        ..MerchantProfile::new(MERCHANT, name("Lantern Tea"), NOON)
    }
}

fn account(number: &str) -> PayoutAccount {
    PayoutAccount::Local {
        bank_code: "102290000013".parse().unwrap(),
        account_number: number.parse().unwrap(),
        holder: name("Lantern Tea Ltd"),
    }
}

fn store(id: StoreId) -> StoreProfile {
    StoreProfile::new(id, MERCHANT, name("West Lake"))
}

fn till() -> TillProfile {
    TillProfile::new(TILL, MERCHANT, STORE, name("Till 1"))
}

fn tag() -> TagProfile {
    TagProfile { till: Some(TILL), ..TagProfile::new(TAG, MERCHANT, STORE, name("Till 1")) }
}

fn open() -> (TempDir, Directory) {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    (folder, directory)
}

fn change<T>(directory: &Directory, work: impl FnOnce(&mut Change<'_>) -> Result<T, DirectoryError>) -> T {
    directory.change(BY, work).unwrap()
}

/// The same, closed and opened again.
fn reopened(folder: &TempDir, directory: Directory) -> Directory {
    drop(directory);
    Directory::open(folder.path()).unwrap()
}

fn with_shop() -> (TempDir, Directory) {
    let (folder, directory) = open();
    change(&directory, |change| {
        change.put_merchant(merchant())?;
        change.put_store(store(STORE))?;
        change.put_store(store(SECOND_STORE))?;
        change.put_till(till())?;
        change.put_tag(tag())
    });
    (folder, directory)
}

fn actions(directory: &Directory) -> Vec<String> {
    let log = directory.audit_log(&AuditFilter::default(), None, 100).unwrap();
    log.items.iter().map(|line| format!("{} {}", line.action, line.object)).collect()
}

#[test]
fn everything_of_a_profile_survives_a_restart() {
    let (folder, directory) = with_shop();
    let iban = PayoutAccount::Iban { iban: Iban::parse("DE89 3704 0044 0532 0130 00").unwrap(), holder: name("Mei") };
    let mut full = merchant();
    full.metadata.add("erp", "77-1").unwrap();
    full.payout_accounts = [(cny(), account("6222021001116245")), (Currency::from_alpha("EUR").unwrap(), iban)].into();
    let full_store = StoreProfile {
        name_zh: Some(name("西湖店")),
        address_parts: Some(
            serde_json::from_value(json!({ "line1": "1 Lakeside Road", "city": "Hangzhou", "country": "CN" })).unwrap(),
        ),
        position: Some(directory::Position::new(30_246_000, 120_150_000).unwrap()),
        zone: Some(ZoneName::parse("Asia/Shanghai").unwrap()),
        hours: Some(serde_json::from_value(json!({ "friday": ["09:00-12:00", "20:00-02:00"] })).unwrap()),
        reference: Some("S-1".parse().unwrap()),
        ..store(STORE)
    };
    change(&directory, |change| {
        change.put_merchant(full.clone())?;
        change.put_store(full_store.clone())
    });
    let survives = |directory: &Directory| {
        assert_eq!(*directory.merchant(MERCHANT).unwrap(), full);
        assert_eq!(*directory.store(STORE).unwrap(), full_store);
    };
    survives(&directory);
    survives(&reopened(&folder, directory));
}

#[test]
fn a_line_in_the_log_says_what_was_otherwise() {
    let (_folder, directory) = with_shop();
    assert_eq!(actions(&directory).len(), 5);
    change(&directory, |change| {
        change.put_store(StoreProfile { name: name("East Lake"), ..store(STORE) })?;
        // What changes nothing leaves no line.
        change.put_till(till())
    });
    let log = directory.audit_log(&AuditFilter::default(), None, 1).unwrap();
    let [line] = &log.items[..] else { panic!("{log:?}") };
    assert!(log.has_more);
    assert_eq!((&*line.action, line.object.as_ref()), ("store.updated", STORE.to_string().as_str()));
    assert_eq!((line.key, line.at, line.merchant), (BY.key, NOON, Some(MERCHANT)));
    assert_eq!(line.before, Some(json!({ "name": "West Lake" })));
    assert_eq!(line.after, Some(json!({ "name": "East Lake" })));
    let older = directory.audit_log(&AuditFilter::default(), Some(line.id), 100).unwrap();
    assert_eq!(older.items.len(), 5);
    assert_eq!(&*older.items[4].action, "merchant.created");
    for (filter, count) in [
        (AuditFilter { merchant: Some(MERCHANT), ..AuditFilter::default() }, 6),
        (AuditFilter { merchant: Some(OTHER), ..AuditFilter::default() }, 0),
        (AuditFilter { key: Some(BY.key), ..AuditFilter::default() }, 6),
        (AuditFilter { object: Some(STORE.to_string()), ..AuditFilter::default() }, 2),
        (AuditFilter { action: Some("store.created".to_owned()), ..AuditFilter::default() }, 2),
    ] {
        assert_eq!(directory.audit_log(&filter, None, 100).unwrap().items.len(), count, "{filter:?}");
    }
}

#[test]
fn a_bank_account_is_never_whole_in_the_log() {
    let (_folder, directory) = with_shop();
    for number in ["6222021001116245", "6222021009996245"] {
        let accounts = [(cny(), account(number))].into();
        change(&directory, |change| change.put_merchant(MerchantProfile { payout_accounts: accounts, ..merchant() }));
    }
    let log = directory.audit_log(&AuditFilter::default(), None, 100).unwrap();
    // The second looks like the first, and still has its line.
    assert_eq!(&*log.items[0].action, "merchant.updated");
    assert_eq!(log.items[0].after.as_ref().unwrap()["payout_accounts"]["CNY"]["last_four"], "6245");
    assert!(
        !format!("{log:?}").contains("622202") && !format!("{:?}", directory.merchant(MERCHANT)).contains("622202")
    );
}

#[test]
fn the_log_only_grows() {
    let (folder, directory) = with_shop();
    drop(directory);
    let sql = rusqlite::Connection::open(folder.path().join(Directory::FILE_NAME)).unwrap();
    for attempt in ["DELETE FROM audit_log", "UPDATE audit_log SET action = 'nothing'"] {
        assert!(sql.execute_batch(attempt).unwrap_err().to_string().contains("the audit log stays"));
    }
}

#[test]
fn what_fails_changes_nothing_and_leaves_no_line() {
    let (_folder, directory) = with_shop();
    let before = actions(&directory);
    let failed: Result<(), DirectoryError> = directory.change(BY, |change| {
        change.put_store(StoreProfile { name: name("Gone"), ..store(STORE) })?;
        change.put_till(TillProfile::new(TILL, OTHER, STORE, name("Stolen")))
    });
    assert!(matches!(failed, Err(DirectoryError::Conflict { .. })), "{failed:?}");
    let tried = directory.change(BY, |change| {
        let tried = change.attempt(|change| {
            change.put_store(StoreProfile { name: name("Gone"), ..store(STORE) })?;
            Err::<(), _>(DirectoryError::Conflict { entry: "it".to_owned() })
        })?;
        assert!(tried.is_err() && change.store(STORE)?.unwrap() == store(STORE));
        Ok::<_, DirectoryError>(())
    });
    assert!(tried.is_ok());
    assert_eq!(*directory.store(STORE).unwrap(), store(STORE));
    assert_eq!(actions(&directory), before);
}

#[test]
fn a_till_that_moves_takes_its_tags_along_but_not_to_another_merchant() {
    let (folder, directory) = with_shop();
    change(&directory, |change| change.put_till(TillProfile { store: SECOND_STORE, ..till() }));
    let has_moved = |directory: &Directory| {
        assert_eq!(directory.tag(TAG).unwrap().store, SECOND_STORE);
        assert_eq!((directory.tills_of(STORE).len(), directory.tills_of(SECOND_STORE).len()), (0, 1));
        let another = directory.change(BY, |change| {
            change.put_merchant(MerchantProfile {
                reference: None,
                ..MerchantProfile::new(OTHER, name("Other"), NOON)
            })?;
            change.put_tag(TagProfile { merchant: OTHER, ..tag() })
        });
        assert!(matches!(another, Err(DirectoryError::Conflict { .. })));
        // A tag at a till of another store.
        let torn = directory.change(BY, |change| change.put_tag(TagProfile { store: STORE, ..tag() }));
        assert!(matches!(torn, Err(DirectoryError::UnknownReference { .. })), "{torn:?}");
    };
    has_moved(&directory);
    has_moved(&reopened(&folder, directory));
}

#[test]
fn a_reference_names_one() {
    let (_folder, directory) = with_shop();
    let reference = Some("S-1".parse().unwrap());
    change(&directory, |change| change.put_store(StoreProfile { reference: reference.clone(), ..store(STORE) }));
    let taken = directory.change(BY, |change| change.put_store(StoreProfile { reference, ..store(SECOND_STORE) }));
    assert!(matches!(taken, Err(DirectoryError::Conflict { .. })), "{taken:?}");
    change(&directory, |change| {
        let found = change.store_named(MERCHANT, &"S-1".parse().unwrap())?;
        assert_eq!(found.unwrap().id, STORE);
        assert_eq!(change.merchant_named(&"M-1".parse().unwrap())?.unwrap().id, MERCHANT);
        assert_eq!(change.till_named(OTHER, &"S-1".parse().unwrap())?, None);
        Ok(())
    });
}

fn key(number: u128, actor: Actor, scopes: Scopes) -> KeyProfile {
    KeyProfile::new(TokenId::from_u128(number), actor, scopes, name("Till software"), NOON)
}

#[test]
fn a_key_is_good_for_its_scopes_and_until_it_ends() {
    let (folder, directory) = with_shop();
    let actor = Actor::Till(TILL);
    let token = Token::from_random(actor, [9; 32]);
    let scopes: Scopes = [Scope::Read, Scope::Refund].into_iter().collect();
    let added = change(&directory, |change| change.add_key(key(1, actor, scopes), &token));
    assert_eq!((added.merchant, added.hint.as_deref()), (Some(MERCHANT), Some("0909")));
    let grant = directory.authenticate(token.expose(), NOON).unwrap();
    assert_eq!((grant.key, grant.actor, grant.merchant), (TokenId::from_u128(1), actor, Some(MERCHANT)));
    assert!(grant.scopes.contains(Scope::Refund) && !grant.scopes.contains(Scope::Write));

    // To the millisecond, and over a restart.
    let end = NOON.plus(60_000);
    let ended = change(&directory, |change| change.end_key(TokenId::from_u128(1), KeyEnd::Expires(end)));
    assert_eq!(ended.unwrap().expires_at, Some(end));
    let later = change(&directory, |change| change.end_key(TokenId::from_u128(1), KeyEnd::Expires(end.plus(1))));
    assert_eq!(later.unwrap().expires_at, Some(end), "an end never moves away");
    let ends = |directory: &Directory| {
        assert_eq!(directory.authenticate(token.expose(), UnixMillis(end.0 - 1)), Some(grant));
        assert_eq!(directory.authenticate(token.expose(), end), None);
    };
    ends(&directory);
    let directory = reopened(&folder, directory);
    ends(&directory);
    change(&directory, |change| change.end_key(TokenId::from_u128(1), KeyEnd::Revoked));
    assert_eq!(directory.authenticate(token.expose(), NOON), None);
    assert_eq!(change(&directory, |change| change.end_key(TokenId::from_u128(2), KeyEnd::Revoked)), None);
    let unknown = directory.change(BY, |change| {
        let nobody = Actor::Till(TillId::from_u128(404));
        change.add_key(key(3, nobody, scopes), &Token::from_random(nobody, [4; 32]))
    });
    assert!(matches!(unknown, Err(DirectoryError::UnknownReference { .. })), "{unknown:?}");
    let same_token = directory.change(BY, |change| change.add_key(key(4, actor, scopes), &token));
    assert!(matches!(same_token, Err(DirectoryError::Conflict { .. })), "{same_token:?}");
    let lines = actions(&directory);
    assert_eq!(
        lines[..3].iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["key.updated", "key.updated", "key.created"]
    );
}

#[test]
fn lists_come_in_parts_filtered_and_searched() {
    let (_folder, directory) = with_shop();
    let named = |n: u128, called: &str| {
        let id = StoreId::from_parts(NOON.0 + 1, n);
        StoreProfile { name_zh: Some(name("河畔店")), ..StoreProfile::new(id, MERCHANT, name(called)) }
    };
    change(&directory, |change| {
        change.put_merchant(MerchantProfile::new(OTHER, name("CAFFÈ Aurora"), NOON))?;
        (0..30).try_for_each(|n| change.put_store(named(n, &format!("Riverside {n:02}"))))
    });
    let list = |search: &str, before, limit| {
        let filter = Filter { merchant: Some(MERCHANT), search: Some(search.to_owned()), ..Filter::default() };
        directory.list::<StoreProfile>(&filter, before, limit).unwrap()
    };
    let first = list("riverSIDE", None, 20);
    assert_eq!((first.items.len(), first.has_more, first.items[0].name.as_str()), (20, true, "Riverside 29"));
    let rest = list("riverSIDE", Some(first.items[19].id), 20);
    assert_eq!((rest.items.len(), rest.has_more), (10, false));
    assert_eq!((list("河畔", None, 100).items.len(), list("%", None, 100).items.len()), (30, 0));
    let merchants = |search: &str| {
        let filter = Filter { search: Some(search.to_owned()), ..Filter::default() };
        directory.list::<MerchantProfile>(&filter, None, 100).unwrap().items
    };
    assert_eq!((merchants("caffè").len(), merchants("m-1").len(), merchants("'\"").len()), (1, 1, 0));
    let tags = Filter { till: Some(TILL), ..Filter::default() };
    assert_eq!(directory.list::<TagProfile>(&tags, None, 1).unwrap().items, [tag()]);
    let tills = Filter { store: Some(SECOND_STORE), ..Filter::default() };
    assert_eq!(directory.list::<TillProfile>(&tills, None, 1).unwrap().items, []);
}

#[test]
fn wallets_tokens_are_in_no_list_of_keys() {
    let (_folder, directory) = with_shop();
    let wallet = ids::WalletId::from_u128(8);
    let profile = directory::WalletProfile { id: wallet, name: name("Mei"), name_zh: None, created_at: UnixMillis(1) };
    let token = |actor, byte| Entry::token(actor, &Token::from_random(actor, [byte; 32]));
    let entries = [
        Entry::Wallet(profile),
        token(Actor::Wallet(wallet), 1),
        token(Actor::Merchant(MERCHANT), 2),
        token(Actor::Till(TILL), 3),
        token(Actor::Operator, 4),
    ];
    directory.add(entries).unwrap();
    let keys = |merchant| {
        let filter = Filter { merchant, ..Filter::default() };
        directory.list::<KeyProfile>(&filter, None, 100).unwrap().items.len()
    };
    assert_eq!((keys(None), keys(Some(MERCHANT)), keys(Some(OTHER))), (3, 2, 0));
}

fn request(key: u8, body: u8) -> Request {
    Request { key: RequestKey([key; 16]), body: BodyDigest([body; 16]) }
}

fn answer(status: u16) -> StoredAnswer {
    StoredAnswer { status, answer: b"{}".to_vec(), sealed: Some(vec![1; 32]) }
}

#[test]
fn invariant_03_an_answer_is_remembered_with_its_change() {
    let (folder, directory) = with_shop();
    change(&directory, |change| {
        assert_eq!(change.known(&request(1, 1))?, Known::New);
        change.put_store(StoreProfile { name: name("East Lake"), ..store(STORE) })?;
        change.remember(&request(1, 1), &answer(201))
    });
    let failed: Result<(), DirectoryError> = directory.change(BY, |change| {
        change.remember(&request(2, 1), &answer(201))?;
        Err(DirectoryError::Conflict { entry: "it".to_owned() })
    });
    assert!(failed.is_err());
    drop(directory);
    let directory = Directory::open(folder.path()).unwrap();
    change(&directory, |change| {
        assert_eq!(change.known(&request(1, 1))?, Known::Answered(answer(201)));
        assert_eq!(change.known(&request(1, 2))?, Known::Conflict);
        assert_eq!(change.known(&request(2, 1))?, Known::New);
        Ok(())
    });
}

#[test]
fn answers_older_than_thirty_days_go_and_younger_ones_stay() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let (_folder, directory) = with_shop();
    let at = |days: u64| Author { at: NOON.plus(days * DAY_MS), ..BY };
    let remember = |author, key| directory.change(author, |change| change.remember(&request(key, 1), &answer(200)));
    remember(at(0), 1).unwrap();
    remember(at(1), 2).unwrap();
    assert!(remember(at(1), 2).is_err(), "an answer is given once");
    remember(at(30), 3).unwrap();
    let known = |key| directory.change(BY, |change| change.known(&request(key, 1))).unwrap() != Known::New;
    assert!(known(1), "thirty days are not over");
    remember(Author { at: at(30).at.plus(1), ..BY }, 4).unwrap();
    assert_eq!([1, 2, 3, 4].map(known), [false, true, true, true]);
}

#[test]
fn a_note_with_an_origin_is_written_once() {
    let (_folder, directory) = with_shop();
    let before = actions(&directory).len();
    for origin in [None, None, Some([1; 16]), Some([1; 16]), Some([2; 16])] {
        change(&directory, |change| {
            let after = json!({ "status": "active" });
            change.note("merchant.activated", &MERCHANT.to_string(), Some(MERCHANT), &after, origin)
        });
    }
    assert_eq!(actions(&directory).len(), before + 4);
}
