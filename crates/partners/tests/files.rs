//! Credit transfers and statements as files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ids::PayoutId;
use jiff::civil::date;
use money::{Currency, Money};
use partners::bank::{
    Account, Bank, Cursor, Debtor, Direction, FileBank, LineKind, LocalAccount, PayoutInstruction, Submission,
    credit_transfer, parse_statement,
};
use terms::Iban;

const OURS: &str = "DE89370400440532013000";

fn debtor() -> Debtor {
    Debtor::new("Tapstone & Söhne", Iban::parse(OURS).unwrap(), "COBADEFFXXX").unwrap()
}

fn instruction(number: u128, amount: &str, currency: &str) -> PayoutInstruction {
    PayoutInstruction {
        payout: PayoutId::from_parts(1_795_350_600_000, number),
        money: Money::parse_decimal(amount, Currency::from_alpha(currency).unwrap()).unwrap(),
        account: Account::Iban(Iban::parse("GB82WEST12345698765432").unwrap()),
        holder: "<Café> \"晨光\"\u{7}".to_owned(),
        due_on: date(2026, 11, 24),
        created_at_ms: 1_795_350_600_123,
    }
}

/// A statement with these entries.
fn statement(entries: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-25T02:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2026-11-25T02:00:00Z</CreDtTm><Acct><Id><IBAN>{OURS}</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"#
    )
}

fn entry(number: &str, amount: &str, direction: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>{number}</AcctSvcrRef><BkTxCd/>{details}</Ntry>\n"
    )
}

fn details(reference: &str, more: &str) -> String {
    format!("<NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{more}</TxDtls></NtryDtls>")
}

#[test]
fn a_credit_transfer_is_exactly_this() {
    let file = credit_transfer(&debtor(), &[instruction(1, "1234.50", "EUR")]).unwrap();
    assert_eq!(file, include_str!("golden/pain.001.001.09.xml"));
}

#[test]
fn bug_18_files_have_the_decimals_of_their_currency() {
    for (amount, currency) in [("1250", "JPY"), ("12.50", "CNY"), ("1.250", "KWD"), ("0.1250", "CLF")] {
        let file = credit_transfer(&debtor(), &[instruction(1, amount, currency)]).unwrap();
        assert!(file.contains(&format!("<InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt>")), "{file}");
        let entries = entry("A", amount, "DBIT", &details("POX", "")).replace("EUR", currency);
        let read = parse_statement(&statement(&entries)).unwrap();
        assert_eq!(read[0].lines[0].money, instruction(1, amount, currency).money);
    }
}

#[test]
fn what_the_format_cannot_say_is_refused() {
    let error = credit_transfer(&debtor(), &[instruction(1, "9223372036854775807", "JPY")]).unwrap_err();
    assert!(error.contains("digits"), "{error}");
    assert!(credit_transfer(&debtor(), &[]).is_err());
    let iban = || Iban::parse(OURS).unwrap();
    for (name, bank) in [("", "COBADEFF"), ("a\nb", "COBADEFF"), ("a", "cobadeff"), ("a", "COBADEF"), ("a", "COBADÉFF")]
    {
        assert!(Debtor::new(name, iban(), bank).is_err(), "{name} {bank}");
    }
    for (bank, number) in
        [("", "12345"), ("001", "123"), ("0<1", "12345"), ("001", "123456789012345678901234567890123456")]
    {
        assert!(LocalAccount::new(bank, number).is_err());
    }
}

#[test]
fn local_accounts_name_bank_and_number() {
    let account = Account::Local(LocalAccount::new("102290068531", "6222020200112233").unwrap());
    let file = credit_transfer(&debtor(), &[PayoutInstruction { account, ..instruction(1, "8.00", "CNY") }]).unwrap();
    assert!(
        file.contains("<MmbId>102290068531</MmbId>") && file.contains("<Othr><Id>6222020200112233</Id></Othr>"),
        "{file}"
    );
}

/// With `TAPSTONE_ISO20022_SCHEMAS` naming a folder that has `pain.001.001.09.xsd` and `camt.053.001.08.xsd`, and with
/// xmllint at hand, the files are held against the schemas, which are not ours to ship.
#[test]
fn files_fit_the_schemas() {
    let Some(schemas) = std::env::var_os("TAPSTONE_ISO20022_SCHEMAS") else { return };
    let folder = tempfile::tempdir().unwrap();
    let local = Account::Local(LocalAccount::new("102290068531", "6222020200112233").unwrap());
    let files = [
        ("pain.001.001.09", credit_transfer(&debtor(), &[instruction(1, "1234.50", "EUR")]).unwrap()),
        (
            "pain.001.001.09",
            credit_transfer(&debtor(), &[instruction(1, "1", "JPY"), instruction(2, "0.0001", "CLF")]).unwrap(),
        ),
        (
            "pain.001.001.09",
            credit_transfer(&debtor(), &[PayoutInstruction { account: local, ..instruction(1, "1.000", "KWD") }])
                .unwrap(),
        ),
        (
            "camt.053.001.08",
            statement(&entry("A", "1.5", "DBIT", &details("POX", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"))),
        ),
    ];
    for (schema, text) in files {
        let file = folder.path().join("file.xml");
        fs::write(&file, text).unwrap();
        let schema = Path::new(&schemas).join(format!("{schema}.xsd"));
        let run = std::process::Command::new("xmllint")
            .args(["--noout", "--schema"])
            .arg(schema)
            .arg(&file)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn a_statement_says_what_was_booked() {
    let entries = [
        entry("A1", "12.50", "DBIT", &details("POPAID", "")),
        entry("A2", "12.5", "CRDT", &details("POPAID", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")),
        entry("A3", "0007.00000", "CRDT", &details("NOTPROVIDED", "")),
        entry("A4", "0.00", "DBIT", ""),
        entry("A5", "3.00", "DBIT", "").replace("BOOK", "PDNG"),
        entry("A6", "5", "DBIT", &details("PO&amp;&#65;<![CDATA[<x>]]>", "")),
        entry(
            "A7",
            "3.00",
            "DBIT",
            "<NtryDtls><TxDtls><Refs><EndToEndId>PO1</EndToEndId></Refs><Amt Ccy=\"EUR\">1.00</Amt></TxDtls>\
             <TxDtls><Refs><EndToEndId>PO2</EndToEndId></Refs><Amt Ccy=\"EUR\">2.00</Amt></TxDtls></NtryDtls>",
        ),
    ];
    let read = parse_statement(&statement(&entries.concat())).unwrap();
    assert_eq!((read.len(), read[0].id.as_str(), read[0].account.as_str()), (1, "S1", OURS));
    let lines: Vec<_> = read[0]
        .lines
        .iter()
        .map(|line| {
            assert_eq!(line.booked_at_ms, 1_795_478_400_000);
            (line.reference.as_deref(), line.money.amount().minor_units(), line.direction, line.kind.clone())
        })
        .collect();
    let returned = LineKind::Returned { reason: "AC04".to_owned() };
    assert_eq!(
        lines,
        [
            (Some("POPAID"), 1250, Direction::Debit, LineKind::Paid),
            (Some("POPAID"), 1250, Direction::Credit, returned),
            (None, 700, Direction::Credit, LineKind::Other),
            (Some("PO&A<x>"), 500, Direction::Debit, LineKind::Paid),
            (Some("PO1"), 100, Direction::Debit, LineKind::Paid),
            (Some("PO2"), 200, Direction::Debit, LineKind::Paid),
        ]
    );
}

#[test]
fn wrong_statements_are_refused_with_the_place() {
    let one = |amount: &str| statement(&entry("A", amount, "DBIT", ""));
    let good = one("1.00");
    let deep = statement(&entry("A", "1.00", "DBIT", &format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))));
    let parts = |second: &str| {
        statement(&entry(
            "A",
            "3.00",
            "DBIT",
            &format!("<NtryDtls><TxDtls><Amt Ccy=\"EUR\">1.00</Amt></TxDtls><TxDtls>{second}</TxDtls></NtryDtls>"),
        ))
    };
    for (text, expected) in [
        (String::new(), "ends too early"),
        ("no xml".to_owned(), "outside the document"),
        ("<Document/>".to_owned(), "not a statement of the form"),
        (good.replace("053.001.08", "053.001.02"), "not a statement of the form"),
        (good[..good.len() - 11].to_owned(), "ends too early"),
        (good.replace("</Stmt>", "</Other>"), "not XML"),
        (format!("{good}{good}"), "the file"),
        (good.replace("?>", "?><!DOCTYPE x [<!ENTITY e \"1\">]>"), "document type"),
        (good.replace("1.00", "&e;"), "entity"),
        (deep, "more elements"),
        (one("1.005"), "more decimals"),
        (one("-1.00"), "not an amount"),
        (one("1e3"), "not an amount"),
        (one("1,00"), "not an amount"),
        (one("."), "not an amount"),
        (one(""), "not an amount"),
        (one("99999999999999999999999"), "99999999999999999999999"),
        (good.replace("Ccy=\"EUR\">1.00", "Ccy=\"XAU\">1.00"), "currency XAU"),
        (good.replace("Ccy=\"EUR\">1.00", ">1.00"), "currency of an amount"),
        (good.replace("DBIT", "LEFT"), "neither credit nor debit"),
        (good.replace("<BookgDt><Dt>2026-11-24", "<BookgDt><Dt>2026-11-31"), "booking date"),
        (good.replace("<Id><IBAN>DE89370400440532013000</IBAN></Id>", ""), "Acct/Id is missing"),
        (parts("<Amt Ccy=\"EUR\">1.00</Amt>"), "do not add up"),
        (parts("<Amt Ccy=\"USD\">2.00</Amt>"), "another currency"),
        (parts(""), "TxDtls/Amt is missing"),
    ] {
        let error = parse_statement(&text).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    let error = parse_statement(&statement(&(entry("A", "1", "DBIT", "") + &entry("B", "x", "DBIT", "")))).unwrap_err();
    assert_eq!(error.place, "statement S1, entry 2");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_payout_is_put_into_the_outbox_once() {
    let folder = tempfile::tempdir().unwrap();
    let bank = FileBank::open(folder.path(), debtor()).unwrap();
    let asked = instruction(1, "12.50", "EUR");
    let file = format!("{}.xml", asked.end_to_end());
    assert!(matches!(bank.submit(&asked, 0), Submission::Accepted { .. }));
    assert_eq!(names(&folder.path().join("outbox")), std::slice::from_ref(&file));
    assert!(names(&folder.path().join("staging")).is_empty());
    fs::remove_file(folder.path().join("outbox").join(&file)).unwrap();
    assert!(matches!(bank.submit(&asked, 1_000), Submission::Accepted { .. }), "fetched by the bank's program");
    assert!(names(&folder.path().join("outbox")).is_empty(), "and not put there again");
    let other = PayoutInstruction { holder: "Somebody Else".to_owned(), ..asked.clone() };
    assert!(matches!(bank.submit(&other, 0), Submission::Unknown { .. }));
    // Cut off between the two: the same bytes are put there once more.
    fs::remove_file(folder.path().join("submitted").join(&file)).unwrap();
    assert!(matches!(bank.submit(&asked, 2_000), Submission::Accepted { .. }));
    assert_eq!(
        fs::read_to_string(folder.path().join("outbox").join(&file)).unwrap(),
        credit_transfer(&debtor(), &[asked]).unwrap()
    );
}

#[test]
fn an_outbox_that_cannot_be_written_is_no_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let bank = FileBank::open(folder.path(), debtor()).unwrap();
    fs::remove_dir(folder.path().join("outbox")).unwrap();
    assert!(matches!(bank.submit(&instruction(1, "12.50", "EUR"), 0), Submission::Unknown { .. }));
    fs::create_dir(folder.path().join("outbox")).unwrap();
    assert!(matches!(bank.submit(&instruction(1, "12.50", "EUR"), 0), Submission::Accepted { .. }));
}

#[test]
fn bug_06_a_statement_read_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let bank = FileBank::open(folder.path(), debtor()).unwrap();
    let inbox = folder.path().join("inbox");
    let twins = entry("A", "1.00", "DBIT", "").replace("<AcctSvcrRef>A</AcctSvcrRef>", "").repeat(2);
    let text = statement(&(entry("A1", "12.50", "DBIT", &details("PO1", "")) + &twins));
    fs::write(inbox.join("day.xml"), &text).unwrap();
    fs::write(inbox.join("half.tmp"), "not yet").unwrap();
    let first = bank.lines_since(Cursor::default(), 10, 0).unwrap();
    assert_eq!(first.lines.len(), 3, "two entries that say the same are two");
    fs::write(inbox.join("day.xml"), &text).unwrap();
    fs::write(inbox.join("again.xml"), text.replace("<Id>S1</Id>", "<Id>S1-copy</Id>")).unwrap();
    assert!(bank.lines_since(first.next, 10, 0).unwrap().lines.is_empty());
    drop(bank);
    let bank = FileBank::open(folder.path(), debtor()).unwrap();
    assert_eq!(bank.lines_since(Cursor::default(), 10, 0).unwrap(), first);
    assert_eq!(names(&inbox), ["half.tmp"]);
    assert_eq!(names(&folder.path().join("read")), ["2-day.xml", "again.xml", "day.xml"]);
}

#[test]
fn a_statement_that_cannot_be_read_is_set_aside_whole() {
    let folder = tempfile::tempdir().unwrap();
    let bank = FileBank::open(folder.path(), debtor()).unwrap();
    let inbox = folder.path().join("inbox");
    let good = |number: &str, amount: &str| statement(&entry(number, amount, "DBIT", ""));
    fs::write(inbox.join("1.xml"), good("A1", "1.00")).unwrap();
    let first = bank.lines_since(Cursor::default(), 10, 0).unwrap();
    fs::write(inbox.join("2.xml"), statement(&(entry("A2", "1.00", "DBIT", "") + &entry("A3", "x", "DBIT", ""))))
        .unwrap();
    fs::write(inbox.join("3.xml"), statement(&(entry("A4", "1.00", "DBIT", "") + &entry("A1", "2.00", "DBIT", ""))))
        .unwrap();
    fs::write(inbox.join("4.xml"), good("A5", "1.00").replace(OURS, "GB82WEST12345698765432")).unwrap();
    fs::write(inbox.join("5.xml"), [0xff, 0xfe]).unwrap();
    fs::write(inbox.join("6.xml"), good("A6", "6.00")).unwrap();
    let second = bank.lines_since(first.next, 10, 0).unwrap();
    let amounts: Vec<u64> = second.lines.iter().map(|line| line.money.amount().minor_units()).collect();
    assert_eq!(amounts, [600], "nothing of the others");
    let refused = folder.path().join("refused");
    assert_eq!(
        names(&refused),
        ["2.xml", "2.xml.txt", "3.xml", "3.xml.txt", "4.xml", "4.xml.txt", "5.xml", "5.xml.txt"]
    );
    let reason = |name: &str| fs::read_to_string(refused.join(name)).unwrap();
    assert!(reason("2.xml.txt").contains("statement S1, entry 2"));
    assert!(reason("3.xml.txt").contains("with other figures"));
    assert!(reason("4.xml.txt").contains("another account"));
    assert!(reason("5.xml.txt").contains("UTF-8"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(position in 0usize..1_200, cut in 0usize..20, text in "[<>/&;!\\[\\]\"=A-Za-z0-9 .é]{0,12}") {
        let mut file = statement(&entry("A", "1.00", "DBIT", &details("PO1", "")));
        let from = (0..=position.min(file.len())).rev().find(|at| file.is_char_boundary(*at)).unwrap();
        let to = (from + cut..=file.len()).find(|at| file.is_char_boundary(*at)).unwrap_or(file.len());
        file.replace_range(from..to, &text);
        let _ = parse_statement(&file);
    }
}
