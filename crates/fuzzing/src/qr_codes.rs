//! Bytes as QR codes and payment codes.

use money::{Amount, Currency, Money};
use qr::emv::consumer::{self, ConsumerDraft};
use qr::emv::merchant::{self, Draft, Order, Reading};
use qr::emv::{Findings, Id, Mode, Severity};
use qr::payment_code::{
    BusinessType, CodeIssuer, IssuerBlock, IssuerRanges, MasterKey, PaymentCode, Seed, Standing, Step, WalletNumber,
};

/// The first byte says whether the others are a code, or a code without its CRC. No code stops the process; findings are
/// bounded and agree with the verdict; strictness refuses more; what is valid can be written again.
pub fn qr_merchant(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let text = if how % 2 == 0 { text.into_owned() } else { with_crc(&text) };
    let lenient = merchant::read(&text, Mode::Lenient);
    let strict = merchant::read(&text, Mode::Strict);
    check_verdict(&lenient);
    check_verdict(&strict);
    assert!(lenient.is_valid() || !strict.is_valid(), "{text:?}");
    let json = serde_json::to_string(&lenient).expect("a reading is JSON");
    assert!(!json.contains('\n'));
    if let Ok(payload) = lenient.accept() {
        let draft = Draft::of(payload.objects()).expect("no id comes twice");
        let again = draft.encode();
        let fields =
            |text: &str| serde_json::to_string(merchant::read(text, Mode::Lenient).objects()).expect("fields are JSON");
        assert_eq!(fields(&again), fields(&text), "{text:?} {again:?}");
        let read: Draft = serde_json::from_str(&fields(&text)).expect("fields are a draft");
        assert_eq!(read.encode(), again);
        let _any =
            (payload.amount(), payload.tip(), payload.language(), payload.summary(), payload.additional(Id::of(5)));
        let _any = payload.agree_with(&Order { money: one(), expires_at_ms: u64::MAX }, 0);
    }
}

fn check_verdict(reading: &Reading<'_>) {
    let findings = reading.findings();
    assert!(findings.len() <= Findings::MOST);
    let has_errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    // Only an error beyond the last that is kept may be missing.
    assert!(has_errors != reading.is_valid() || findings.len() == Findings::MOST, "{reading:?}");
}

fn with_crc(objects: &str) -> String {
    let mut crc = 0xFFFF_u16;
    let text = format!("{objects}6304");
    for byte in text.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
    }
    format!("{text}{crc:04X}")
}

fn one() -> Money {
    Money::new(Amount::MIN, Currency::from_alpha("CNY").expect("listed"))
}

/// No bytes stop the process; what is valid is written again with the shortest lengths and then says the same.
pub fn qr_consumer(data: &[u8]) {
    let reading = consumer::read(data, Mode::Lenient);
    assert!(reading.findings().len() <= Findings::MOST);
    let fields = fields_of(&reading);
    if reading.is_valid() {
        let draft: ConsumerDraft = serde_json::from_str(&fields).expect("fields are a draft");
        let again = draft.encode().expect("it is no longer than it was");
        assert!(again.len() <= data.len());
        let read = consumer::read(&again, Mode::Lenient);
        assert!(
            read.is_valid() && read.findings().iter().all(|finding| finding.code != qr::emv::Code::MalformedLength)
        );
        assert_eq!(fields_of(&read), fields);
    }
    if let Ok(text) = str::from_utf8(data) {
        let _any = consumer::from_base64(text);
        let _any = serde_json::from_str::<ConsumerDraft>(text);
        let _any = serde_json::from_str::<Draft>(text);
    }
}

fn fields_of(reading: &consumer::ConsumerReading<'_>) -> String {
    let json = serde_json::to_string(reading).expect("a reading is JSON");
    let start = json.find("\"fields\":").expect("there are fields") + "\"fields\":".len();
    let end = json.rfind(",\"findings\":").expect("there are findings");
    json[start..end].to_owned()
}

/// The first byte says what the others are: a payment code, a table of issuer ranges or a seed. None stops the process; no code is
/// taken; a seed that is read is written as it was.
pub fn payment_codes(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match (how % 3, str::from_utf8(rest)) {
        (0, Ok(text)) => show_code(text),
        (1, Ok(text)) => {
            let Ok(ranges) = IssuerRanges::parse(text) else { return };
            for code in text.split([',', '\n']).chain(["2512345678901234", "288800011234561234567891"]) {
                let _any = ranges.partner(code);
            }
        }
        (2, _) => {
            let Ok(seed) = Seed::from_bytes(rest) else { return };
            assert_eq!(seed.expose(), rest);
            let (first, _) = seed.covers();
            let code = seed.code(Step(first.0.saturating_mul(60)), BusinessType::PAYMENT);
            assert!(code.is_err() || code.is_ok_and(|code| code.to_string().parse() == Ok(code)));
        }
        _ => {}
    }
}

fn show_code(text: &str) {
    let Ok(code) = text.parse::<PaymentCode>() else { return };
    assert_eq!(code.to_string(), text);
    let block = IssuerBlock::new(288_800, 100).expect("a block");
    let issuer = CodeIssuer::new(&MasterKey::new([5; 32]), block);
    let standing = |_: WalletNumber| Some(Standing { generation: 0, limit: one() });
    assert!(issuer.verify(&code, Step(29_400_030), standing).is_err(), "a guess was right: {text}");
}
