//! How fast keys are derived in a module, and had from the cache before it.
//!
//! `cargo run --release -p keystore-pkcs11 --example speed -- LIBRARY TOKEN PIN` leaves one key in that token.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use keystore::{DerivedKeys, MasterId, MasterKeys};
use keystore_pkcs11::Module;
use tag::diversification::Purpose;
use tag::{AesKey, FileReadKeys, KeyVersion, Uid};

const ROUNDS: u32 = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, token, pin] = arguments.as_slice() else { return Err("LIBRARY TOKEN PIN".into()) };
    let module = Arc::new(Module::open(Path::new(library), token, pin)?);
    let version = KeyVersion(255);
    let check = module.make(version, &AesKey::new([0; 16]))?;
    let master = MasterId { version, check };
    let uid = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        Uid([4, a, b, c, d, 1, 2])
    };
    measure("in the module", |number| {
        black_box(module.derive(master, Purpose::sdm_file_read(uid(number))).is_ok());
    });
    let cache = DerivedKeys::new(module.clone(), master, 1_000_000);
    measure("first seen", |number| {
        black_box(cache.file_read(uid(number)));
    });
    measure("from the cache", |number| {
        black_box(cache.file_read(uid(number)));
    });
    Ok(())
}

fn measure(what: &str, mut once: impl FnMut(u32)) {
    let start = Instant::now();
    (0..ROUNDS).for_each(&mut once);
    let each = start.elapsed() / ROUNDS;
    println!("{what:<16} {:>10} a second", 1_000_000_000 / each.as_nanos().max(1));
}
