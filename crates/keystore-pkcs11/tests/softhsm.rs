//! Against SoftHSM 2, a module in software (Debian's package softhsm2; `scripts/need.sh module` installs it). Where it is
//! missing these tests fail and say so.
//!
//! One test, since a module is one for the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use keystore::{Argon2Cost, AuditLog, KeyStore, Lock, MasterId, MasterKeys, Person, Share, Timestamp};
use keystore_pkcs11::{Means, Module};
use tag::diversification::Purpose;
use tag::sdm::{Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, ReadCounter, SoftwareTag, TapError, Uid};

const PIN: &str = "7391-secret-pin";
const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);
const MASTER: [u8; 16] =
    [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];

/// The module's library, wherever Debian's architectures have it.
fn library() -> PathBuf {
    let known = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"].map(PathBuf::from);
    let found = known.into_iter().find(|path| path.exists());
    found.expect("SoftHSM 2 is missing: run scripts/need.sh module, or apt-get install softhsm2")
}

/// Makes a token in that folder, and has this process's module look there.
fn make_token(folder: &Path) {
    let configuration = folder.join("softhsm2.conf");
    let tokens = folder.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&configuration, text).unwrap();
    let arguments = ["--init-token", "--free", "--label", "tapstone", "--pin", PIN, "--so-pin", "0000-so-pin"];
    let made = Command::new("softhsm2-util").args(arguments).env("SOFTHSM2_CONF", &configuration).output();
    let made = made.expect("softhsm2-util is missing: run scripts/need.sh module");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // SAFETY: the only test of this process has started no thread yet.
    unsafe { std::env::set_var("SOFTHSM2_CONF", &configuration) };
}

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

fn random() -> keystore::Randomness {
    let mut next = 0_u8;
    Box::new(move |bytes| {
        bytes.fill_with(|| {
            next = next.wrapping_add(1);
            next
        });
        Ok(())
    })
}

fn module(means: Option<Means>) -> Arc<Module> {
    Arc::new(Module::open_with(&library(), "tapstone", PIN, means).unwrap())
}

#[test]
fn masters_are_made_and_used_inside_and_never_leave() {
    let folder = tempfile::tempdir().unwrap();
    make_token(folder.path());
    what_cannot_be_opened_says_why();
    an10922_comes_out_by_either_means();
    let master = a_store_lives_with_its_masters_in_the_module(folder.path());
    nobody_is_shown_a_master();
    another_process_would_find_it(master);
}

fn what_cannot_be_opened_says_why() {
    let error = |library: &Path, token, pin| Module::open(library, token, pin).unwrap_err().to_string();
    assert!(error(Path::new("/nowhere.so"), "tapstone", PIN).contains("does not load"));
    assert!(error(&library(), "another", PIN).contains("no token named"));
    let refused = error(&library(), "tapstone", "a wrong pin");
    assert!(refused.contains("refuses the PIN") && !refused.contains("a wrong pin"), "{refused}");
}

/// AN10922, section 2.2.1.
fn an10922_comes_out_by_either_means() {
    let m = [4, 0x78, 0x2E, 0x21, 0x80, 0x1D, 0x80, 0x30, 0x42, 0xF5, b'N', b'X', b'P', b' ', b'A', b'b', b'u'];
    let expected = 0xA8DD_63A3_B89D_54B3_7CA8_0247_3FDA_9175_u128.to_be_bytes();
    for (means, number) in [(Means::Cmac, 101), (Means::Cbc, 102)] {
        let module = module(Some(means));
        let version = KeyVersion(number);
        let check = module.adopt(version, &AesKey::new(MASTER)).unwrap();
        let derived = module.derive(MasterId { version, check }, Purpose::new(&m).unwrap()).unwrap();
        assert_eq!(*derived.expose(), expected, "{means:?}");
        assert!(module.master(MasterId { version, check }).is_none());
        assert!(!format!("{module:?}").contains("pin"));
        // A purpose too short for a CMAC needs the other means.
        let short = module.derive(MasterId { version, check }, Purpose::new(b"short").unwrap());
        assert_eq!(short.is_ok(), means == Means::Cbc);
    }
    assert_eq!(Module::open(&library(), "tapstone", PIN).unwrap().means(), Means::Cmac);
}

/// Two people's ceremony, a chip's keys, an overlap, and verification, through the module only.
fn a_store_lives_with_its_masters_in_the_module(folder: &Path) -> MasterId {
    let (path, lock) = (folder.join("tag-keys.store"), Lock::KeyFile([7; 32].into()));
    let mut store = KeyStore::create(&path, &lock, Argon2Cost::default(), Some(module(None)), random()).unwrap();
    let mut audit = AuditLog::open(&folder.join("tag-keys.audit")).unwrap();
    let mut make = |number: u8, now| {
        store.begin(person("Alice"), Timestamp(now), Share::from_random([number; 16])).unwrap();
        let alone = store.join(person("alice"), Timestamp(now), &Share::from_random([99; 16]));
        assert!(alone.is_err());
        let joined = store.join(person("Bob"), Timestamp(now), &Share::from_random([99; 16])).unwrap();
        store.activate(joined.version, Timestamp(now), Some(Timestamp(now + 10))).unwrap();
        let keys = store.personalise(UID, &person("Carol"), Timestamp(now), &mut audit).unwrap();
        (keys, joined.check)
    };
    let (old, first_check) = make(1, 100);
    let (new, second_check) = make(2, 200);
    assert_ne!(first_check, second_check);
    assert_ne!(old.file_read.expose(), new.file_read.expose());

    let store = KeyStore::open(&path, &lock, Some(module(None)), random()).unwrap();
    let settings = Settings::parse(Mode::Aes, "https://pay.example/t?e={picc_data}&c={mac}").unwrap();
    let ring = |now| store.ring(Timestamp(now), &settings, 1_000).unwrap();
    let url = |keys: keystore::ChipKeys| {
        struct One(AesKey);
        impl tag::FileReadKeys for One {
            fn file_read(&self, _: Uid) -> Option<AesKey> {
                Some(AesKey::new(*self.0.expose()))
            }
        }
        let set =
            KeySet::derived_elsewhere(keys.version, &keys.meta_read, Box::new(One(keys.file_read)), settings.clone());
        SoftwareTag::of(set, UID, ReadCounter::ZERO).touch([1, 2, 3, 4, 5]).unwrap()
    };
    let (old, new) = (url(old), url(new));
    assert_eq!(ring(209).verify_url(&old).unwrap().key_version(), KeyVersion(1));
    assert_eq!(ring(209).verify_url(&new).unwrap().key_version(), KeyVersion(2));
    let refusal = ring(210).verify_url(&old).unwrap_err();
    assert_eq!(refusal, TapError::Retired { tag: UID, version: KeyVersion(1) });
    assert!(KeyStore::open(&path, &lock, None, random()).is_err(), "the masters are not in the file");
    MasterId { version: KeyVersion(2), check: second_check }
}

/// Asked directly, the module refuses to say the value of any key of ours.
fn nobody_is_shown_a_master() {
    let context = Pkcs11::new(library()).unwrap();
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = context.get_slots_with_initialized_token().unwrap()[0];
    let session = context.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
    let keys = session.find_objects(&[]).unwrap();
    assert_eq!(keys.len(), 4);
    for key in keys {
        let wanted = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Value];
        let told = session.get_attributes(key, &wanted).unwrap();
        assert_eq!(told, [Attribute::Sensitive(true), Attribute::Extractable(false)]);
    }
}

fn another_process_would_find_it(master: MasterId) {
    let fresh = module(None);
    assert!(fresh.derive(master, Purpose::sdm_file_read(UID)).is_ok());
    let missing = MasterId { version: KeyVersion(9), ..master };
    let refusal = fresh.derive(missing, Purpose::sdm_file_read(UID)).unwrap_err().to_string();
    assert!(refusal.contains("no key of version 9"), "{refusal}");
}
