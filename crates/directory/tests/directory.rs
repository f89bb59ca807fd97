//! The directory through its public interface, and its file from outside.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use directory::{
    Actor, Directory, DirectoryError, Entry, MerchantProfile, Name, NameError, Purpose, StoreProfile, TagProfile,
    TillProfile, Token, WalletProfile,
};
use ids::{MerchantId, StoreId, TagId, TillId, WalletId};
use payments::{Text, UnixMillis};
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis(1_795_350_600_000);
const MERCHANT: MerchantId = MerchantId::from_parts(NOON.0, 1);
const OTHER_MERCHANT: MerchantId = MerchantId::from_parts(NOON.0, 2);
const STORE: StoreId = StoreId::from_parts(NOON.0, 3);
const TILL: TillId = TillId::from_parts(NOON.0, 4);
const TAG: TagId = TagId::from_parts(NOON.0, 5);
const WALLET: WalletId = WalletId::from_parts(NOON.0, 6);

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn merchant(id: MerchantId) -> MerchantProfile {
    MerchantProfile { name_zh: Some(name("灯笼茶")), ..MerchantProfile::new(id, name("Lantern Tea"), NOON) }
}

fn store() -> StoreProfile {
    let address = Some(Text::try_from("1 Sample Road, Shanghai".to_owned()).unwrap());
    StoreProfile { address, ..StoreProfile::new(STORE, MERCHANT, name("Riverside")) }
}

fn till() -> TillProfile {
    TillProfile::new(TILL, MERCHANT, STORE, name("Till 1"))
}

fn tag() -> TagProfile {
    TagProfile { till: Some(TILL), ..TagProfile::new(TAG, MERCHANT, STORE, name("Till 1")) }
}

fn wallet(id: WalletId) -> WalletProfile {
    WalletProfile { id, name: name("Mei"), name_zh: Some(name("小美")), created_at: NOON }
}

fn shop() -> [Entry; 5] {
    [
        Entry::Merchant(merchant(MERCHANT)),
        Entry::Store(store()),
        Entry::Till(till()),
        Entry::Tag(tag()),
        Entry::Wallet(wallet(WALLET)),
    ]
}

fn assert_shop_is_there(directory: &Directory) {
    assert_eq!(*directory.merchant(MERCHANT).unwrap(), merchant(MERCHANT));
    assert_eq!(*directory.store(STORE).unwrap(), store());
    assert_eq!(*directory.till(TILL).unwrap(), till());
    assert_eq!(*directory.tag(TAG).unwrap(), tag());
    assert_eq!(*directory.wallet(WALLET).unwrap(), wallet(WALLET));
    assert_eq!(directory.stores_of(MERCHANT), [directory.store(STORE).unwrap()]);
    assert_eq!(directory.tills_of(STORE), [directory.till(TILL).unwrap()]);
    assert_eq!(directory.tags_of(MERCHANT), [directory.tag(TAG).unwrap()]);
    assert_eq!(directory.merchants(), [directory.merchant(MERCHANT).unwrap()]);
}

fn actor(directory: &Directory, token: &str) -> Option<Actor> {
    directory.authenticate(token, NOON).map(|grant| grant.actor)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn keeps_everything_over_a_restart() {
    let folder = folder();
    let key = Token::from_random(Actor::Merchant(MERCHANT), [7; 32]);
    let directory = Directory::open(folder.path()).unwrap();
    assert!(directory.is_empty());
    directory.add(shop()).unwrap();
    directory.add_token(Actor::Merchant(MERCHANT), &key).unwrap();
    directory.declare(Purpose::Live).unwrap();
    assert!(!directory.is_empty());
    assert_shop_is_there(&directory);
    drop(directory);

    let directory = Directory::open(folder.path()).unwrap();
    assert_shop_is_there(&directory);
    assert_eq!(actor(&directory, key.expose()), Some(Actor::Merchant(MERCHANT)));
    assert_eq!(directory.purpose(), Some(Purpose::Live));
}

#[test]
fn adding_again_changes_nothing_but_names() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    directory.add(shop()).unwrap();
    directory.add(shop()).unwrap();
    assert_shop_is_there(&directory);

    let later = MerchantProfile { name: name("Lantern & Co"), created_at: NOON.plus(1), ..merchant(MERCHANT) };
    directory.add_merchant(later).unwrap();
    let renamed = MerchantProfile { name: name("Lantern & Co"), ..merchant(MERCHANT) };
    assert_eq!(*directory.merchant(MERCHANT).unwrap(), renamed);
    drop(directory);
    assert_eq!(*Directory::open(folder.path()).unwrap().merchant(MERCHANT).unwrap(), renamed);
}

#[test]
fn a_token_opens_one_door_and_its_like_none() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    directory.add(shop()).unwrap();
    for (whose, byte, prefix) in [
        (Actor::Operator, 1, "op_"),
        (Actor::Merchant(MERCHANT), 2, "mk_"),
        (Actor::Wallet(WALLET), 3, "wt_"),
        (Actor::Till(TILL), 4, "tk_"),
    ] {
        let token = Token::from_random(whose, [byte; 32]);
        assert!(token.expose().starts_with(prefix) && token.expose().len() == prefix.len() + 64);
        assert_eq!(actor(&directory, token.expose()), None);
        directory.add_token(whose, &token).unwrap();
        directory.add_token(whose, &token).unwrap();
        assert_eq!(actor(&directory, token.expose()), Some(whose));
        assert_eq!(actor(&directory, &token.expose().to_uppercase()), None);
        assert_eq!(actor(&directory, &token.expose()[..66]), None);
        assert_eq!(actor(&directory, &format!("{} ", token.expose())), None);
    }
    assert_eq!(actor(&directory, ""), None);
    assert_eq!(actor(&directory, &"m".repeat(1 << 20)), None);
}

#[test]
fn a_token_cannot_be_given_to_another() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    directory.add(shop()).unwrap();
    let token = Token::from_random(Actor::Merchant(MERCHANT), [7; 32]);
    directory.add_token(Actor::Merchant(MERCHANT), &token).unwrap();
    for thief in [Actor::Operator, Actor::Wallet(WALLET)] {
        let refused = directory.add_token(thief, &token);
        assert!(matches!(refused, Err(DirectoryError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(actor(&directory, token.expose()), Some(Actor::Merchant(MERCHANT)));
}

#[test]
fn tokens_are_never_written_or_shown() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    directory.add(shop()).unwrap();
    let token = Token::from_random(Actor::Wallet(WALLET), std::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
    let entry = Entry::token(Actor::Wallet(WALLET), &token);
    let secret = token.expose().strip_prefix("wt_").unwrap();
    for shown in [format!("{token:?}"), format!("{entry:?}"), format!("{directory:?}"), entry.to_string()] {
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }
    directory.add([entry]).unwrap();
    let unknown = directory.add_token(Actor::Merchant(OTHER_MERCHANT), &token).unwrap_err();
    assert!(!format!("{unknown} {unknown:?}").contains(&secret[..8]));

    let grep = |needle: &str| {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        files.filter(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes())).count()
    };
    assert!(grep("Lantern Tea") > 0, "the search itself works");
    assert_eq!(grep(&secret[..16]), 0);
    drop(directory);
    assert_eq!(grep(&secret[..16]), 0);
}

#[test]
fn nothing_belongs_to_what_is_not_there_or_moves_to_another() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    let unknown = [
        directory.add_store(store()),
        directory.add_till(till()),
        directory.add_tag(tag()),
        directory.add_token(Actor::Wallet(WALLET), &Token::from_random(Actor::Wallet(WALLET), [1; 32])),
    ];
    assert!(unknown.iter().all(|refused| matches!(refused, Err(DirectoryError::UnknownReference { .. }))));

    directory.add(shop()).unwrap();
    directory.add_merchant(merchant(OTHER_MERCHANT)).unwrap();
    let moved = directory.add_store(StoreProfile { merchant: OTHER_MERCHANT, ..store() });
    assert!(matches!(moved, Err(DirectoryError::Conflict { .. })), "{moved:?}");
    let anothers_store = directory.add_tag(TagProfile { merchant: OTHER_MERCHANT, ..tag() });
    assert!(anothers_store.is_err(), "{anothers_store:?}");
    let new_tag_in_anothers_store =
        directory.add_tag(TagProfile { id: TagId::from_parts(0, 9), merchant: OTHER_MERCHANT, ..tag() });
    assert!(matches!(new_tag_in_anothers_store, Err(DirectoryError::UnknownReference { .. })));
    assert_eq!(*directory.store(STORE).unwrap(), store());
    assert_eq!(*directory.tag(TAG).unwrap(), tag());
}

#[test]
fn all_of_a_batch_or_nothing() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    let orphan = TillProfile { store: StoreId::from_parts(0, 99), ..till() };
    let batch = [Entry::Merchant(merchant(MERCHANT)), Entry::Till(orphan)];
    assert!(directory.add(batch).is_err());
    assert_eq!(directory.merchant(MERCHANT), None);
    drop(directory);
    assert_eq!(Directory::open(folder.path()).unwrap().merchant(MERCHANT), None);
}

#[test]
fn a_folder_has_one_purpose_for_ever() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    assert_eq!(directory.purpose(), None);
    directory.declare(Purpose::Demonstration).unwrap();
    directory.declare(Purpose::Demonstration).unwrap();
    let refused = directory.declare(Purpose::Live).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the data folder is for demonstration, which cannot be changed: use another folder"
    );
    drop(directory);
    assert_eq!(Directory::open(folder.path()).unwrap().purpose(), Some(Purpose::Demonstration));
}

#[test]
fn names_are_parsed_at_the_door() {
    assert!(Name::try_from("灯".repeat(80)).is_ok());
    assert_eq!(Name::try_from("灯".repeat(81)), Err(NameError::TooLong { found: 81 }));
    for blank in ["", " ", "\u{3000} "] {
        assert_eq!(Name::try_from(blank), Err(NameError::Blank), "{blank:?}");
    }
    for control in ["a\nb", "\u{0}", "a\u{7f}", "\u{85}", "eat\u{202e}aeT", "\u{2067}x"] {
        assert_eq!(Name::try_from(control), Err(NameError::ControlCharacter), "{control:?}");
    }
    assert!(serde_json::from_str::<Name>("\"a\\tb\"").is_err());
    assert_eq!(serde_json::to_string(&name("Caffè Aurora")).unwrap(), "\"Caffè Aurora\"");
}

#[test]
fn one_process_at_a_time() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    let refused = Directory::open(folder.path()).unwrap_err();
    assert!(matches!(refused, DirectoryError::Locked { .. }), "{refused}");
    drop(directory);
    Directory::open(folder.path()).unwrap();
}

fn file(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join(Directory::FILE_NAME)
}

fn assert_refused_and_untouched(folder: &TempDir, expected: &str) {
    let before = fs::read(file(folder)).unwrap();
    let refused = Directory::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains(expected) && refused.contains(Directory::FILE_NAME), "{refused}");
    assert!(!refused.contains('\n'));
    assert_eq!(fs::read(file(folder)).unwrap(), before);
}

#[test]
fn refuses_a_newer_version() {
    let folder = folder();
    drop(Directory::open(folder.path()).unwrap());
    let sql = rusqlite::Connection::open(file(&folder)).unwrap();
    sql.pragma_update(None, "user_version", 3).unwrap();
    drop(sql);
    assert_refused_and_untouched(&folder, "newer Tapstone (directory version 3, this one knows 2)");
}

#[test]
fn refuses_another_programs_file() {
    let folder = folder();
    let sql = rusqlite::Connection::open(file(&folder)).unwrap();
    sql.execute_batch("CREATE TABLE cookies (name TEXT)").unwrap();
    drop(sql);
    assert_refused_and_untouched(&folder, "is not Tapstone's directory");
}

#[test]
fn refuses_what_is_no_database() {
    let folder = folder();
    fs::write(file(&folder), "Dear diary, today I was a directory.".repeat(100)).unwrap();
    assert_refused_and_untouched(&folder, "is damaged");
}

#[test]
fn refuses_damaged_pages_and_damaged_rows() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    directory.add(shop()).unwrap();
    drop(directory);
    let whole = fs::read(file(&folder)).unwrap();

    // Everything after the first page is overwritten.
    let mut bytes = whole.clone();
    bytes[4096..].fill(0x5a);
    fs::write(file(&folder), &bytes).unwrap();
    assert_refused_and_untouched(&folder, "is damaged");

    // One byte within a name becomes a control character.
    let mut bytes = whole;
    let at = bytes.windows(11).position(|window| window == b"Lantern Tea").unwrap();
    bytes[at] = 7;
    fs::write(file(&folder), &bytes).unwrap();
    assert_refused_and_untouched(&folder, "is damaged");
}

#[test]
fn says_that_the_folder_is_missing() {
    let refused = Directory::open(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(refused.to_string().contains("See that the folder exists"), "{refused}");
}

#[test]
fn takes_many_wallets_at_once() {
    let folder = folder();
    let directory = Directory::open(folder.path()).unwrap();
    let begin = Instant::now();
    let entries = (0..20_000u128).flat_map(|number| {
        let id = WalletId::from_parts(NOON.0, number * 0x9e37_79b9_7f4a_7c15);
        let mut random = [0; 32];
        random[..16].copy_from_slice(&id.to_bytes());
        let token = Token::from_random(Actor::Wallet(id), random);
        [Entry::Wallet(wallet(id)), Entry::token(Actor::Wallet(id), &token)]
    });
    directory.add(entries).unwrap();
    let (added, begin) = (begin.elapsed(), Instant::now());
    drop(directory);
    let directory = Directory::open(folder.path()).unwrap();
    let opened = begin.elapsed();
    println!("added in {added:?}, opened in {opened:?}");
    assert!(added.as_secs() < 10 && opened.as_secs() < 5, "{added:?} {opened:?}");
    assert!(directory.wallet(WalletId::from_parts(NOON.0, 0x9e37_79b9_7f4a_7c15)).is_some());
}
