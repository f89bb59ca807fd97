//! What the three writers write, for one small statement and for large ones.

#![allow(clippy::unwrap_used)]

mod pdf_text;

use std::io;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use money::Currency;
use pdf_text::pages;
use statements::{
    Counted, Effect, Fonts, Kind, Line, Merchant, PDF_MAXIMUM_LINES, Payout, Period, Statement, Totals, write_csv,
    write_json, write_pdf,
};

fn statement(currency: &str) -> Statement {
    Statement {
        settlement: "stl_01kar6b1t0fk4v8kq2tq0xvh3r".to_owned(),
        merchant: Merchant {
            name: "晨光咖啡 Αθήνα Café Ёж".to_owned(),
            legal_name: "Morning Light Coffee (Shanghai) Co., Ltd.".to_owned(),
            latin_name: Some("Chenguang Coffee".to_owned()),
            address: vec!["123 Nanjing Road West".to_owned(), "200003 Shanghai".to_owned(), "China".to_owned()],
        },
        currency: Currency::from_alpha(currency).unwrap(),
        business_day: date(2026, 11, 22),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        period: Period { from: at("2026-11-21T15:00:00Z"), to: at("2026-11-22T15:00:00Z") },
        totals: Totals {
            payments: Counted { count: 2, amount: 1_234_567 },
            refunds: Counted { count: 1, amount: 500 },
            disputes: Counted { count: 0, amount: 0 },
            dispute_returns: Counted { count: 0, amount: 0 },
            fees: 7_407,
            debt_repaid: 0,
            reserve_held: 10_000,
            net: 1_216_660,
        },
        payout: Some(Payout {
            id: "po_01kar6b1t0fk4v8kq2tq0xvh3r".to_owned(),
            account_last4: "3000".to_owned(),
            due_on: date(2026, 11, 24),
        }),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn payment(reference: &str, gross: u64) -> Line {
    Line {
        at: at("2026-11-22T12:30:00.250Z"),
        kind: Kind::Payment,
        object: "pay_01kar6b1t0fk4v8kq2tq0xvh3r".to_owned(),
        payment: Some("pay_01kar6b1t0fk4v8kq2tq0xvh3r".to_owned()),
        reference: Some(reference.to_owned()),
        gross,
        fee: 7_407,
        effect: Effect::Credit(gross),
    }
}

fn refund() -> Line {
    Line {
        kind: Kind::Refund,
        object: "ref_01kar6b1t0fk4v8kq2tq0xvh3r".to_owned(),
        reference: None,
        fee: 0,
        effect: Effect::Debit(500),
        ..payment("", 500)
    }
}

fn small() -> [Line; 2] {
    [payment("=table, \"12\"", 1_234_567), refund()]
}

fn csv(statement: &Statement, lines: impl IntoIterator<Item = Line>) -> String {
    let mut out = Vec::new();
    write_csv(&mut out, statement, lines.into_iter().map(Ok)).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(statement: &Statement, lines: impl IntoIterator<Item = Line>) -> String {
    let mut out = Vec::new();
    write_json(&mut out, statement, lines.into_iter().map(Ok)).unwrap();
    String::from_utf8(out).unwrap()
}

fn pdf(statement: &Statement, lines: impl IntoIterator<Item = Line>, fonts: &Fonts) -> Vec<u8> {
    let mut out = Vec::new();
    write_pdf(&mut out, statement, lines.into_iter().map(Ok), fonts).unwrap();
    out
}

#[test]
fn csv_is_exactly_this() {
    assert_eq!(
        csv(&statement("CNY"), small()),
        "settlement,at,kind,object,payment,reference,gross,fee,credit,debit,currency\r\n\
         stl_01kar6b1t0fk4v8kq2tq0xvh3r,2026-11-22T12:30:00.250Z,payment,pay_01kar6b1t0fk4v8kq2tq0xvh3r,\
         pay_01kar6b1t0fk4v8kq2tq0xvh3r,\"'=table, \"\"12\"\"\",12345.67,74.07,12345.67,,CNY\r\n\
         stl_01kar6b1t0fk4v8kq2tq0xvh3r,2026-11-22T12:30:00.250Z,refund,ref_01kar6b1t0fk4v8kq2tq0xvh3r,\
         pay_01kar6b1t0fk4v8kq2tq0xvh3r,,5.00,0.00,,5.00,CNY\r\n"
    );
}

#[test]
fn json_is_exactly_this() {
    assert_eq!(
        json(&statement("CNY"), small()),
        "{\"settlement\":\"stl_01kar6b1t0fk4v8kq2tq0xvh3r\",\
         \"merchant\":{\"name\":\"晨光咖啡 Αθήνα Café Ёж\",\"legal_name\":\"Morning Light Coffee (Shanghai) Co., Ltd.\",\
         \"latin_name\":\"Chenguang Coffee\",\"address\":[\"123 Nanjing Road West\",\"200003 Shanghai\",\"China\"]},\
         \"currency\":\"CNY\",\"minor_unit_digits\":2,\"business_day\":\"2026-11-22\",\"time_zone\":\"Asia/Shanghai\",\
         \"period\":{\"from\":\"2026-11-21T15:00:00.000Z\",\"to\":\"2026-11-22T15:00:00.000Z\"},\
         \"totals\":{\"payments\":{\"count\":2,\"amount\":1234567},\"refunds\":{\"count\":1,\"amount\":500},\
         \"disputes\":{\"count\":0,\"amount\":0},\"dispute_returns\":{\"count\":0,\"amount\":0},\"fees\":7407,\
         \"debt_repaid\":0,\"reserve_held\":10000,\"net\":1216660},\
         \"payout\":{\"id\":\"po_01kar6b1t0fk4v8kq2tq0xvh3r\",\"account_last4\":\"3000\",\"due_on\":\"2026-11-24\"},\
         \"lines\":[{\"at\":\"2026-11-22T12:30:00.250Z\",\"kind\":\"payment\",\
         \"object\":\"pay_01kar6b1t0fk4v8kq2tq0xvh3r\",\"payment\":\"pay_01kar6b1t0fk4v8kq2tq0xvh3r\",\
         \"reference\":\"=table, \\\"12\\\"\",\"gross\":1234567,\"fee\":7407,\"direction\":\"credit\",\"amount\":1234567},\
         {\"at\":\"2026-11-22T12:30:00.250Z\",\"kind\":\"refund\",\"object\":\"ref_01kar6b1t0fk4v8kq2tq0xvh3r\",\
         \"payment\":\"pay_01kar6b1t0fk4v8kq2tq0xvh3r\",\"reference\":null,\"gross\":500,\"fee\":0,\
         \"direction\":\"debit\",\"amount\":500}]}"
    );
}

#[test]
fn the_largest_amount_is_exact_in_all_three() {
    let mut statement = statement("CLF");
    statement.totals.net = u64::MAX;
    let line = payment("9007199254740993", u64::MAX);
    assert!(json(&statement, [line.clone()]).contains("\"amount\":18446744073709551615"));
    assert!(csv(&statement, [line.clone()]).contains(",1844674407370955.1615,,CLF"));
    let text = pages(&pdf(&statement, [line], &Fonts::bundled())).concat();
    assert_eq!(text.matches("1,844,674,407,370,955.1615").count(), 3, "net, gross and amount: {text}");
}

#[test]
fn bug_18_statements_have_the_decimals_of_their_currency() {
    for (currency, plain, grouped) in [
        ("JPY", "1234567", "1,234,567"),
        ("CNY", "12345.67", "12,345.67"),
        ("KWD", "1234.567", "1,234.567"),
        ("CLF", "123.4567", "123.4567"),
    ] {
        let statement = statement(currency);
        assert!(csv(&statement, small()).contains(&format!(",{plain},,{currency}\r\n")), "{currency}");
        let object: serde_json::Value = serde_json::from_str(&json(&statement, small())).unwrap();
        assert_eq!(object["lines"][0]["amount"], 1_234_567);
        assert_eq!(object["minor_unit_digits"], statement.currency.minor_unit_digits());
        let text = pages(&pdf(&statement, small(), &Fonts::bundled())).concat();
        assert_eq!(text.matches(grouped).count(), 3, "total, gross and amount: {text}");
    }
}

#[test]
fn the_pdf_says_what_the_statement_says() {
    let text = pages(&pdf(&statement("CNY"), small(), &Fonts::bundled()));
    assert_eq!(text.len(), 1);
    for expected in [
        "Settlement statement",
        "Chenguang Coffee",
        "Morning Light Coffee (Shanghai) Co., Ltd.",
        "200003 Shanghai",
        "stl_01kar6b1t0fk4v8kq2tq0xvh3r",
        "2026-11-22 23:00:00 (Asia/Shanghai)",
        "po_01kar6b1t0fk4v8kq2tq0xvh3r",
        "ending in 3000",
        "Payments (2)",
        "-74.07",
        "-100.00",
        "12,166.60 CNY",
        "2026-11-22 20:30:00",
        "=table, \"12\"",
        "Refund",
        "-5.00",
        "Page 1 of 1",
    ] {
        assert!(text[0].contains(expected), "{expected} in {}", text[0]);
    }
}

#[test]
fn without_a_font_the_latin_name_is_printed_or_question_marks() {
    let with_latin = pages(&pdf(&statement("CNY"), small(), &Fonts::bundled())).concat();
    assert!(with_latin.contains("Chenguang Coffee") && !with_latin.contains('?'), "{with_latin}");
    let mut statement = statement("CNY");
    statement.merchant.latin_name = None;
    let without = pages(&pdf(&statement, small(), &Fonts::bundled())).concat();
    assert!(without.contains("???? Αθήνα Café Ёж"), "{without}");
    assert!(without.contains("no font was found"), "{without}");
}

#[test]
fn long_statements_have_numbered_pages_and_a_maximum() {
    let lines = |count| (0..count).map(|index| payment(&format!("order {index};"), 100));
    let full = pages(&pdf(&statement("CNY"), lines(PDF_MAXIMUM_LINES), &Fonts::bundled()));
    let count = full.len();
    assert!(count > 10);
    for (index, page) in full.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {count}", index + 1)), "{page}");
    }
    let text = full.concat();
    for index in 0..PDF_MAXIMUM_LINES {
        assert_eq!(text.matches(&format!("order {index};")).count(), 1, "{index}");
    }
    assert!(!text.contains("Only the first"));
    let over = pages(&pdf(&statement("CNY"), lines(PDF_MAXIMUM_LINES + 1), &Fonts::bundled()));
    assert_eq!(over.len(), count);
    assert!(over.iter().all(|page| page.contains("Only the first 1,000 lines are printed")));
    assert!(!over.concat().contains("order 1000;"));
}

#[test]
fn the_same_statement_gives_the_same_bytes() {
    let fonts = Fonts::bundled();
    let first = pdf(&statement("CNY"), small(), &fonts);
    assert_eq!(first, pdf(&statement("CNY"), small(), &fonts));
    assert_eq!(first, pdf(&statement("CNY"), small(), &Fonts::bundled()));
}

#[test]
fn hostile_texts_leave_a_readable_document() {
    let mut statement = statement("CNY");
    let long = "M".repeat(100_000);
    statement.merchant.name = "\u{0}\u{7}\u{202e}\u{200d}\u{ffff}\n".to_owned();
    statement.merchant.latin_name = None;
    statement.merchant.address = vec!["line".to_owned(); 1_000];
    statement.merchant.legal_name.clone_from(&long);
    let text = pages(&pdf(&statement, [payment(&long, 1)], &Fonts::bundled())).concat();
    assert!(text.contains("MMM…") && text.contains("Page 1 of 1"), "{text}");
    assert!(text.len() < 4_000);
    let object: serde_json::Value = serde_json::from_str(&json(&statement, [payment(&long, 1)])).unwrap();
    assert_eq!(object["merchant"]["name"], statement.merchant.name);
}

#[test]
fn a_failing_source_of_lines_is_told() {
    let lines = || [Ok(payment("a", 1)), Err(io::Error::other("the tables are gone"))];
    let fonts = Fonts::bundled();
    let results = [
        write_csv(&mut Vec::new(), &statement("CNY"), lines()),
        write_json(&mut Vec::new(), &statement("CNY"), lines()),
        write_pdf(&mut Vec::new(), &statement("CNY"), lines(), &fonts),
    ];
    for result in results {
        assert_eq!(result.unwrap_err().to_string(), "the tables are gone");
    }
}

#[test]
fn a_full_disk_is_told() {
    let result = write_json(&mut io::Cursor::new(&mut [0; 700][..]), &statement("CNY"), small().map(Ok));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::WriteZero);
}

#[test]
fn lines_are_written_as_they_come() {
    /// Counts, and remembers nothing.
    struct Sink(u64);
    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.len() < 4_096, "nothing is gathered");
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = || (0..20_000).map(|index| Ok(payment("order", index)));
    let (mut csv, mut json) = (Sink(0), Sink(0));
    write_csv(&mut csv, &statement("CNY"), lines()).unwrap();
    write_json(&mut json, &statement("CNY"), lines()).unwrap();
    assert!(csv.0 > 20_000 * 100 && json.0 > 20_000 * 100);
}
