//! How many URLs one core verifies in a second, each of another tag whose key has to be derived:
//! `cargo run --release -p tag --example speed`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tag::sdm::{Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, ReadCounter, SoftwareTag, TagKeys, Uid};

const URLS: u32 = 10_000;
const LASTS: Duration = Duration::from_secs(2);

fn main() {
    let file_data = "https://pay.example/t?e={picc_data}&f={mac_input}{file_data:64}&c={mac}";
    let platform = "https://pay.example/t?e={picc_data}&c={mac}";
    let set = |version: u8, mode, template| {
        let settings = Settings::parse(mode, template).expect("the template is one");
        KeySet::new(KeyVersion(version), &AesKey::new([version; 16]), settings)
    };
    let one = |mode, template| (TagKeys::new(set(1, mode, template)), set(1, mode, template));
    let old = || {
        let keys = TagKeys::new(set(3, Mode::Aes, platform));
        let keys =
            keys.accepting(set(2, Mode::Aes, platform)).and_then(|keys| keys.accepting(set(1, Mode::Aes, platform)));
        (keys.expect("three versions"), set(1, Mode::Aes, platform))
    };
    measure("AES", one(Mode::Aes, platform));
    measure("AES, 32 bytes of file data", one(Mode::Aes, file_data));
    measure("AES, the oldest of three versions", old());
    measure("LRP", one(Mode::Lrp, platform));
    measure("LRP, 32 bytes of file data", one(Mode::Lrp, file_data));
}

fn measure(what: &str, (keys, set): (TagKeys, KeySet)) {
    let settings = set.settings().clone();
    drop(set);
    let urls: Vec<String> = (0..URLS)
        .map(|number| {
            let [a, b, c, d] = number.to_be_bytes();
            let set = KeySet::new(KeyVersion(1), &AesKey::new([1; 16]), settings.clone());
            let mut tag = SoftwareTag::of(set, Uid([4, a, b, c, d, 1, 2]), ReadCounter::ZERO);
            tag.touch([a, b, c, d, 0]).expect("a fresh tag")
        })
        .collect();
    let (begin, mut verified) = (Instant::now(), 0_u64);
    while begin.elapsed() < LASTS {
        for url in &urls {
            let tap = keys.verify_url(black_box(url)).expect("each URL verifies");
            black_box(tap.counter());
            verified += 1;
        }
    }
    let nanoseconds = begin.elapsed().as_nanos() / u128::from(verified);
    println!("{what:<34} {:>9} a second, {nanoseconds} ns each", 1_000_000_000 / nanoseconds);
}
