//! How fast codes are read and payment codes verified, on one core: `cargo run --release -p qr --example speed`.

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use money::{Amount, Currency, Money};
use qr::emv::Mode;
use qr::emv::merchant;
use qr::payment_code::{BusinessType, CodeIssuer, IssuerBlock, MasterKey, PaymentCode, Standing, Step, WalletNumber};
use serde_json::Value;

const CODES: u32 = 4_000_000;
const WALLETS: u32 = 100_000_000;
const VERIFICATIONS: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let payloads = payloads()?;
    let bytes: usize = payloads.iter().map(String::len).sum();
    println!("{} codes of {} bytes on average", payloads.len(), bytes / payloads.len());
    let took = read_all(&payloads);
    println!("read      {:>9} a second, {} ns each", per_second(CODES, took), took.as_nanos() / u128::from(CODES));
    let took = verify_all()?;
    println!(
        "verify    {:>9} a second, {} ns each, among {WALLETS} wallets",
        per_second(VERIFICATIONS, took),
        took.as_nanos() / u128::from(VERIFICATIONS)
    );
    Ok(())
}

fn per_second(count: u32, took: Duration) -> u128 {
    u128::from(count) * 1_000_000_000 / took.as_nanos().max(1)
}

/// The valid codes of the vectors.
fn payloads() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/emv_qr.json");
    let vectors: Value = serde_json::from_slice(&fs::read(path)?)?;
    let rows = vectors["mpm"].as_array().into_iter().flatten().filter(|row| row["valid"] == true);
    Ok(rows.filter_map(|row| row["payload"].as_str().map(str::to_owned)).collect())
}

fn read_all(payloads: &[String]) -> Duration {
    let start = Instant::now();
    for payload in payloads.iter().cycle().take(CODES as usize) {
        let reading = black_box(merchant::read(black_box(payload), Mode::Lenient));
        assert!(reading.is_valid());
    }
    start.elapsed()
}

/// Codes of wallets all over the table, each verified once in its minute.
fn verify_all() -> Result<Duration, Box<dyn std::error::Error>> {
    let issuer = CodeIssuer::new(&MasterKey::new([1; 32]), IssuerBlock::new(288_800, 100)?);
    let limit = Money::new(Amount::new(50_000)?, Currency::from_alpha("CNY")?);
    // What a platform keeps of each wallet for this: how often its seeds were revoked.
    let generations: Vec<u32> = (0..WALLETS).map(|wallet| wallet % 5).collect();
    let now = Step(29_400_030);
    let code = |place: u32| {
        let wallet = place.wrapping_mul(2_654_435_761) % WALLETS;
        let seed = issuer.seed(WalletNumber(wallet), wallet % 5, now.hour(), 1);
        seed.and_then(|seed| seed.code(now, BusinessType::PAYMENT).ok()).map(|code| (wallet, code.to_string()))
    };
    let codes: Vec<(u32, String)> = (0..VERIFICATIONS).filter_map(code).collect();
    let standing = |wallet: WalletNumber| {
        let generation = *generations.get(wallet.0 as usize)?;
        Some(Standing { generation, limit })
    };
    let start = Instant::now();
    for (wallet, digits) in &codes {
        let code: PaymentCode = black_box(digits).parse()?;
        let proof = issuer.verify(&code, now, standing)?;
        assert_eq!(proof.wallet().0, *wallet);
    }
    Ok(start.elapsed())
}
