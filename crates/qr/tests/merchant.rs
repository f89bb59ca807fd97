//! What is found in merchant-presented codes, and what they mean.

#![allow(clippy::unwrap_used)]

use money::{Amount, Currency, Money};
use qr::emv::merchant::{
    self, Contradiction, Draft, Initiation, NoAmount, Order, PayeeKind, Payload, Scheme, Text, TextError, Tip,
};
use qr::emv::{Id, Mode, Severity};

/// A code with the right CRC for these objects.
fn with_crc(objects: &str) -> String {
    let wrong = format!("{objects}63040000");
    let reading = merchant::read(&wrong, Mode::Lenient);
    let Some(mismatch) = reading.findings().iter().find(|finding| finding.code == qr::emv::Code::CrcMismatch) else {
        return wrong;
    };
    let crc = mismatch.message.rsplit(' ').next().unwrap();
    format!("{objects}6304{crc}")
}

const BASE: &str = "00020126180014br.gov.bcb.pix52045411530398658\
                    02BR5904Loja6009SAO PAULO";

/// The findings of some objects, as `code id`.
fn found(objects: &str) -> Vec<String> {
    let text = with_crc(objects);
    let reading = merchant::read(&text, Mode::Lenient);
    reading
        .findings()
        .iter()
        .map(|finding| format!("{} {}", finding.code, finding.path).trim_end().to_owned())
        .collect()
}

fn payload(text: &str) -> Payload<'_> {
    merchant::read(text, Mode::Lenient).accept().unwrap()
}

#[test]
fn a_plain_code_has_no_findings_even_strictly() {
    let text = with_crc(BASE);
    assert!(merchant::read(&text, Mode::Strict).is_valid());
    assert_eq!(found(BASE), [""; 0]);
}

#[test]
fn each_departure_is_told_with_the_id_of_its_object() {
    let cases: &[(&str, &[&str])] = &[
        ("540512,50", &["invalid_value 54"]),
        ("5403-12", &["invalid_value 54"]),
        ("540512.5o", &["invalid_value 54"]),
        ("540612.505", &["invalid_value 54"]),
        ("541412345678901.23", &["invalid_length 54"]),
        ("0102xx", &["invalid_value 01"]),
        ("550204", &["invalid_value 55"]),
        ("550202", &["inconsistent 56"]),
        ("56041.00", &["inconsistent 56"]),
        ("5502035705100.0", &["invalid_value 57"]),
        ("55020357040.00", &["invalid_value 57"]),
        ("620405XX", &["malformed_template 62"]),
        ("62310527abcdefghijklmnopqrstuvwxyz0", &["invalid_length 62.05"]),
        ("62060902AX", &["invalid_value 62.09"]),
        ("62051201X", &["reserved_id 62.12"]),
        ("64060002zh", &["missing 64.01"]),
        ("640601021a", &["invalid_value 64.00"]),
        ("80060102ab", &["missing 80.00"]),
        ("6501x", &["reserved_id 65"]),
        ("6100", &["invalid_length 61"]),
        ("61020\u{7}", &["invalid_value 61"]),
    ];
    for (more, expected) in cases {
        assert_eq!(&found(&format!("{BASE}{more}")), expected, "{more}");
        let text = with_crc(&format!("{BASE}{more}"));
        assert!(merchant::read(&text, Mode::Lenient).is_valid(), "{more}");
        assert!(!merchant::read(&text, Mode::Strict).is_valid(), "{more}");
    }
}

#[test]
fn what_is_missing_is_a_warning_and_an_error_when_strict() {
    let text = with_crc("000201");
    let reading = merchant::read(&text, Mode::Lenient);
    assert!(reading.is_valid());
    let missing: Vec<_> = reading.findings().iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(missing, ["", "52", "53", "58", "59", "60"]);
    assert!(reading.findings().iter().all(|finding| finding.severity == Severity::Warning));
    assert!(!merchant::read(&text, Mode::Strict).is_valid());
}

#[test]
fn the_same_id_twice_is_refused() {
    assert_eq!(found(&format!("{BASE}5902AB")), ["duplicate_id 59"]);
    assert_eq!(found(&format!("{BASE}62100501A0501B")), ["duplicate_id 62.05"]);
    for objects in ["5902AB", "62100501A0501B"] {
        assert!(!merchant::read(&with_crc(&format!("{BASE}{objects}")), Mode::Lenient).is_valid());
    }
    assert!(!merchant::read("63040000630400006304AAAA", Mode::Lenient).is_valid());
}

#[test]
fn structure_is_refused_where_it_breaks() {
    let first = |text: &str| {
        let reading = merchant::read(text, Mode::Lenient);
        assert!(!reading.is_valid());
        let finding = reading.findings().iter().find(|finding| finding.severity == Severity::Error).unwrap();
        format!("{} {}", finding.code, finding.path)
    };
    assert_eq!(first(""), "empty ");
    assert_eq!(first("0002"), "truncated 00");
    assert_eq!(first("000"), "truncated 00");
    assert_eq!(first("x002"), "malformed_id ");
    assert_eq!(first("00020159x0"), "malformed_length 59");
    assert_eq!(first("000201５902ab"), "malformed_id ");
    assert_eq!(first("00020159０2ab"), "malformed_length 59");
    assert_eq!(first("0002015903京"), "truncated 59");
    assert_eq!(first("000201"), "crc_missing 63");
    assert_eq!(first("6304000059021x"), "crc_not_last 63");
    assert_eq!(first("0002016304+123"), "crc_malformed 63");
    assert_eq!(first("6303000"), "crc_malformed 63");
    assert_eq!(first(&"9".repeat(merchant::BYTES_MAX + 1)), "too_long ");
}

#[test]
fn findings_of_hostile_codes_are_bounded() {
    let text = "0000".repeat(5_000);
    let reading = merchant::read(&text, Mode::Lenient);
    assert!(!reading.is_valid());
    assert_eq!(reading.findings().len(), 100);
}

#[test]
fn bug_18_amounts_have_the_decimals_of_their_currency() {
    let amount = |currency: &str, amount: &str| {
        let text = with_crc(&format!("0002015303{currency}54{:02}{amount}", amount.len()));
        payload(&text).amount().map(|money| money.map(|money| money.amount().minor_units()))
    };
    assert_eq!(amount("986", "123.45"), Ok(Some(12_345)));
    assert_eq!(amount("986", "123"), Ok(Some(12_300)));
    assert_eq!(amount("986", "98."), Ok(Some(9_800)));
    assert_eq!(amount("986", "0.1"), Ok(Some(10)));
    assert_eq!(amount("392", "498"), Ok(Some(498)));
    assert_eq!(amount("392", "498.00"), Ok(Some(498)));
    assert_eq!(amount("392", "498.5"), Err(NoAmount::TooPrecise));
    assert_eq!(amount("048", "1.234"), Ok(Some(1_234)));
    assert_eq!(amount("986", "0.00"), Ok(None));
    assert_eq!(amount("986", "1.005"), Err(NoAmount::TooPrecise));
    assert_eq!(amount("986", ".50"), Err(NoAmount::Malformed));
    assert_eq!(amount("986", "1e3"), Err(NoAmount::Malformed));
    assert_eq!(amount("999", "1"), Err(NoAmount::Currency));
    assert_eq!(amount("986", "99999999999999999999"), Err(NoAmount::TooLarge));
}

#[test]
fn fees_are_exact() {
    let text = with_crc("00020153039865403100550203570501.25");
    let tip = payload(&text).tip().unwrap();
    assert_eq!(tip.fee(10_000), 125);
    assert_eq!(tip.fee(40), 1);
    let text = with_crc("000201530398654031005502025603500");
    assert_eq!(payload(&text).tip(), Some(Tip::Fixed(50_000)));
    assert_eq!(payload(&with_crc("000201550201")).tip(), Some(Tip::Asked));
}

/// A code of the list of vectors, or one that follows a scheme's own description.
struct Example {
    objects: &'static str,
    scheme: Scheme,
    payee: Option<(PayeeKind, &'static str)>,
    reference: Option<&'static str>,
    expiry: Option<u64>,
}

const EXAMPLES: &[Example] = &[
    Example {
        objects: "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***",
        scheme: Scheme::Pix,
        payee: Some((PayeeKind::Alias, "123e4567-e12b-12d1-a456-426655440000")),
        reference: None,
        expiry: None,
    },
    Example {
        objects: "00020126540014br.gov.bcb.pix2532https://pix.thalesogliari.com.br5204000053039865802BR5914Thales Ogliari6009SAO PAULO62080504abcd",
        scheme: Scheme::Pix,
        payee: Some((PayeeKind::Location, "https://pix.thalesogliari.com.br")),
        reference: Some("abcd"),
        expiry: None,
    },
    Example {
        objects: "00020101021226500009SG.PAYNOW010100211+659123456703010040820310916520400005303702540525.505802SG5913Demo Merchant6009Singapore62160112INV-DEMO-001",
        scheme: Scheme::PayNow,
        payee: Some((PayeeKind::Mobile, "+6591234567")),
        reference: Some("INV-DEMO-001"),
        expiry: Some(1_947_340_800_000),
    },
    Example {
        objects: "00020101021129370016A000000677010111021311111111111115802TH5303764",
        scheme: Scheme::PromptPay,
        payee: Some((PayeeKind::NationalNumber, "1111111111111")),
        reference: None,
        expiry: None,
    },
    Example {
        objects: "00020101021130620016A000000677010112011301122334455660211CUSTOMER0010306INV00153037645802TH62070703SCB",
        scheme: Scheme::PromptPay,
        payee: Some((PayeeKind::Merchant, "0112233445566")),
        reference: Some("CUSTOMER001"),
        expiry: None,
    },
    Example {
        objects: "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA53037045405100005802VN62150811Chuyen tien",
        scheme: Scheme::VietQr,
        payee: Some((PayeeKind::Account, "970416/257678859")),
        reference: Some("Chuyen tien"),
        expiry: None,
    },
    Example {
        objects: "00020101021226620014COM.GO-JEK.WWW011993600914123456789010210G1234567890303UMI51440014ID.CO.QRIS.WWW0215ID10200123456780303UMI5204581253033605802ID5911TOKO CONTOH6007JAKARTA62280512INV-2026-0010708KASIR-01",
        scheme: Scheme::Qris,
        payee: Some((PayeeKind::Merchant, "ID1020012345678")),
        reference: Some("INV-2026-001"),
        expiry: None,
    },
    Example {
        objects: "00020101021229420013ishinvin@devb01090123456780208Dev Bank5204599953031165405100005802KH5909Ishin Vin6010Phnom Penh62180114INV-2022-12-25993400131755076232336011317550762923366304",
        scheme: Scheme::Khqr,
        payee: Some((PayeeKind::Alias, "ishinvin@devb")),
        reference: Some("INV-2022-12-25"),
        expiry: Some(1_755_076_292_336),
    },
    Example {
        objects: "00020201021126420014A000000615000101066033460210MD001675755204866153034585802MY5925MASJID AN NUR KG PULAU PA6002MY6224052017605882526600038075",
        scheme: Scheme::DuitNow,
        payee: Some((PayeeKind::Merchant, "MD00167575")),
        reference: Some("17605882526600038075"),
        expiry: None,
    },
    Example {
        objects: "00020101021226450012hk.com.hkicl02071234567051420310916235959520400005303344540522.225802HK5902NA6002HK62090105A-123",
        scheme: Scheme::HongKongFps,
        payee: Some((PayeeKind::Alias, "1234567")),
        reference: Some("A-123"),
        expiry: Some(1_947_340_799_000),
    },
    Example {
        objects: "00020164210002JA0111JPQRMPM本舗食堂53033925903xxx6003xxx610710600325802JP01021126680019jp.or.paymentsjapan011300000000000010204000103060000010406000001520441216304",
        scheme: Scheme::Jpqr,
        payee: Some((PayeeKind::Merchant, "0000000000001")),
        reference: None,
        expiry: None,
    },
    Example {
        objects: "00020101021138580016A00526628466257701080000041802030010315I90BYP17BC295VZ53034185802LA6304",
        scheme: Scheme::LaoQr,
        payee: Some((PayeeKind::Merchant, "I90BYP17BC295VZ")),
        reference: None,
        expiry: None,
    },
    Example {
        objects: "000201010212021643926300000000850827YESB0CMSNOC222333004882700126430010A0000005240117razorpaybqr@icici02041.1027350010A0000005240117RZPGT8ildsFTgS5Sp52047531530335654041.105802IN5906zxcbmn6005Delhi6106110085",
        scheme: Scheme::BharatQr,
        payee: Some((PayeeKind::Alias, "razorpaybqr@icici")),
        reference: Some("RZPGT8ildsFTgS5Sp"),
        expiry: None,
    },
    Example {
        objects: "00020101021126320028001600000000000123451234000152045411530314454071250.005802LK5904Shop6007Colombo62060502A1",
        scheme: Scheme::LankaQr,
        payee: Some((PayeeKind::Merchant, "0016000000000001234512340001")),
        reference: Some("A1"),
        expiry: None,
    },
    Example {
        objects: "00020101021136280012int.bceao.pi0108test-1235204000053039525802CI5909TEST SHOP6007Abidjan62090105TX-01",
        scheme: Scheme::PiUemoa,
        payee: Some((PayeeKind::Alias, "test-123")),
        reference: Some("TX-01"),
        expiry: None,
    },
];

#[test]
fn profiles_show_payee_reference_and_expiry() {
    for example in EXAMPLES {
        // Some are written with the CRC's head.
        let text = with_crc(example.objects.strip_suffix("6304").unwrap_or(example.objects));
        let reading = merchant::read(&text, Mode::Lenient);
        assert!(reading.is_valid(), "{text} {:?}", reading.findings());
        let summary = reading.accept().unwrap().summary();
        assert_eq!(summary.scheme, example.scheme, "{text}");
        let payee = summary.payee.as_ref().map(|payee| (payee.kind, payee.id.as_ref()));
        assert_eq!(payee, example.payee, "{text}");
        assert_eq!(summary.reference, example.reference, "{text}");
        assert_eq!(summary.expiry.map(|expiry| expiry.unix_milliseconds), example.expiry, "{text}");
    }
}

#[test]
fn a_code_that_contradicts_its_order_is_told_by_what() {
    let text = with_crc(
        "00020101021226500009SG.PAYNOW010100211+659123456703010040820310916520400005303702540525.505802SG5913Demo Merchant6009Singapore",
    );
    let payload = payload(&text);
    assert_eq!(payload.initiation(), Some(Initiation::Dynamic));
    let money =
        |minor_units, currency| Money::new(Amount::new(minor_units).unwrap(), Currency::from_alpha(currency).unwrap());
    let end = 1_947_340_800_000;
    let agree = |money, expires_at_ms, now| payload.agree_with(&Order { money, expires_at_ms }, now);
    assert_eq!(agree(money(2_550, "SGD"), end, end - 1), Ok(()));
    assert_eq!(agree(money(2_551, "SGD"), end, 0), Err(Contradiction::Amount));
    assert_eq!(agree(money(2_550, "MYR"), end, 0), Err(Contradiction::Currency));
    assert_eq!(agree(money(2_550, "SGD"), end - 1, 0), Err(Contradiction::Expiry));
    assert_eq!(agree(money(2_550, "SGD"), end + 9, end), Err(Contradiction::Expired));
    assert_eq!(agree(money(2_550, "SGD"), end + 9, end).unwrap_err().code(), "qr_expired");
}

#[test]
fn a_static_code_becomes_dynamic() {
    let text = with_crc(BASE);
    let mut draft = Draft::of(merchant::read(&text, Mode::Lenient).objects()).unwrap();
    draft.push_text(Id::of(1), "12").unwrap();
    draft.push_text(Id::of(54), "12.50").unwrap();
    assert!(draft.push_text(Id::of(54), "13.50").is_err());
    let text = draft.in_canonical_order().encode();
    assert!(text.starts_with("00020101021226"));
    let reading = merchant::read(&text, Mode::Strict);
    assert!(reading.is_valid(), "{text} {:?}", reading.findings());
}

#[test]
fn texts_fit_or_are_not_made() {
    assert!("京".repeat(25).parse::<Text<25>>().is_ok());
    assert_eq!("京".repeat(26).parse::<Text<25>>(), Err(TextError::TooLong { most: 25 }));
    assert_eq!("".parse::<Text<25>>(), Err(TextError::Empty));
    assert_eq!("a\n".parse::<Text<25>>(), Err(TextError::Control));
}
