//! Whatever is said, no secret is in it.

use std::fmt::Debug;
use std::fs;

use base64ct::{Base64, Encoding};
use keystore::{AuditLog, KeyStore, Lock};
use tag::KeyVersion;

use crate::support::{
    CHEAP, PASSPHRASE, Place, SHARES, UID, alice, an10922_master, at, bob, counting, make, open, passphrase, settings,
    share,
};

/// Each way in which sixteen bytes could be written down, also in part: eight of them are too many.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let upper = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let mut forms = vec![format!("{:?}", secret).into_bytes()];
    for half in [&secret[..8], &secret[secret.len() - 8..]] {
        let digits = upper(half);
        let list = format!("{half:?}");
        let spaced: Vec<String> = half.chunks(2).map(upper).collect();
        let base64 = Base64::encode_string(&half[..6]);
        forms.extend([half.to_vec(), digits.to_lowercase().into_bytes(), digits.into_bytes(), base64.into_bytes()]);
        forms.extend([spaced.join(" ").into_bytes(), list.trim_matches(['[', ']']).as_bytes().to_vec()]);
    }
    forms
}

/// A whole life of a store, with everything that it says: Debug forms, errors, states, the audit file, and the bytes of
/// every file in its folder.
#[test]
fn bug_23_no_secret_is_in_anything_that_a_store_says_or_writes_in_the_clear() {
    let place = Place::new();
    let audit_path = place.folder.path().join("tag-keys.audit");
    let mut audit = AuditLog::open(&audit_path).unwrap();
    let mut said = Vec::new();
    let mut say = |what: &dyn Debug| said.extend(format!("{what:?} {what:#?}").into_bytes());
    let mut secrets: Vec<Vec<u8>> = vec![PASSPHRASE.into(), an10922_master().expose().to_vec()];
    secrets.extend(SHARES.map(Vec::from));

    let lock = passphrase(PASSPHRASE);
    say(&lock);
    let mut store = KeyStore::create(&place.path, &lock, CHEAP, None, counting()).unwrap();
    say(&store.adopt(alice(), at(1), &an10922_master()));
    say(&store.begin(alice(), at(1), share(SHARES[0])));
    say(&(share(SHARES[0]), store.begin(bob(), at(1), share(SHARES[1]))));
    say(&store);
    say(&(store.join(alice(), at(2), &share(SHARES[1])), store.join(bob(), at(2), &share(SHARES[0]))));
    say(&store.join(bob(), at(2), &share(SHARES[1])));
    say(&store.activate(KeyVersion(2), at(3), Some(at(9))));
    make(&mut store, 0x33, at(4));
    secrets.extend([vec![0x33; 16], vec![0xCC; 16]]);
    for version in store.register().versions() {
        let master = store.masters().master(version.master()).unwrap();
        secrets.push(master.expose().to_vec());
        say(&(&master, version, version.state(at(5))));
    }
    let keys = store.personalise(UID, &bob(), at(5), &mut audit).unwrap();
    secrets.extend([keys.meta_read.expose().to_vec(), keys.file_read.expose().to_vec()]);
    say(&(&keys, &audit, store.masters(), store.ring(at(5), &settings(), 8)));
    say(&(store.retire(KeyVersion(2), bob(), at(6)), store.retire(KeyVersion(1), bob(), at(6)), &store));
    say(&(open(&place.path, &passphrase("another passphrase")), open(&place.path, &Lock::KeyFile([7; 32].into()))));
    let typed = store.register().current().map(|version| version.master().check).map(|check| check.to_string());
    say(&("ab".repeat(17).parse::<keystore::Share>(), typed));
    for entry in fs::read_dir(place.folder.path()).unwrap() {
        said.extend(fs::read(entry.unwrap().path()).unwrap());
    }

    assert!(said.len() > 5_000, "it said little: {}", said.len());
    for (index, secret) in secrets.iter().enumerate() {
        for form in forms(secret) {
            assert!(!said.windows(form.len()).any(|window| window == form), "secret {index} as {form:?}");
        }
    }
    // The search finds what is there.
    assert!(forms(&said[100..116])[1..].iter().any(|form| said.windows(form.len()).any(|window| window == *form)));
}
