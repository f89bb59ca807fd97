//! Statements as banks give them: ISO 20022, BankToCustomerStatementV08 (camt.053.001.08).
//!
//! Only booked entries are read. A debit with an end-to-end reference is a payment of ours; a credit with one that the
//! bank calls a return or a reversal is a payment that came back; all else is [`LineKind::Other`]. Balances are not read.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use money::{Currency, Money};

use crate::bank::files::xml::{self, Element};
use crate::bank::{BankLine, Direction, LineKind};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// One statement of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The bank's name for it.
    pub id: String,
    /// The account's number.
    pub account: String,
    /// What was booked, in the statement's order.
    pub lines: Vec<BankLine>,
}

/// What is wrong with a statement. None of it counts then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {wrong}")]
pub struct StatementEntryError {
    /// Where: the statement, and the number of the entry in it, from 1.
    pub place: String,
    /// What.
    pub wrong: String,
}

/// Reads all statements of a message.
///
/// # Errors
/// [`StatementEntryError`] if it is not XML, not this message, or says something that cannot be: an amount with more
/// decimals than its currency, an unknown currency, parts that do not add up to their entry.
pub fn parse_statement(text: &str) -> Result<Vec<Statement>, StatementEntryError> {
    let at = |place: &str| {
        let place = place.to_owned();
        move |wrong: String| StatementEntryError { place, wrong }
    };
    let (root, namespace) = xml::parse(text).map_err(at("the file"))?;
    if root.name != "Document" || namespace.as_deref() != Some(NAMESPACE) {
        return Err(at("the file")("this is not a statement of the form camt.053.001.08".to_owned()));
    }
    let message = required(root.child("BkToCstmrStmt"), "BkToCstmrStmt").map_err(at("the file"))?;
    let mut statements = Vec::new();
    for statement in message.all("Stmt") {
        let id = text_of(statement, &["Id"]).map_err(at("a statement"))?;
        let account = statement.text_at(&["Acct", "Id", "IBAN"]).or(statement.text_at(&["Acct", "Id", "Othr", "Id"]));
        let account = required(account, "Acct/Id").map_err(at(id))?.to_owned();
        let mut names = Names { account: account.clone(), told: HashMap::new() };
        let mut lines = Vec::new();
        for (number, entry) in statement.all("Ntry").enumerate() {
            let place = format!("statement {id}, entry {}", number + 1);
            append_entry(&mut lines, entry, &mut names).map_err(at(&place))?;
        }
        statements.push(Statement { id: id.to_owned(), account, lines });
    }
    if statements.is_empty() {
        return Err(at("the file")("it has no statement".to_owned()));
    }
    Ok(statements)
}

/// Gives each line a name that it has in every file that tells it.
struct Names {
    account: String,
    told: HashMap<String, u32>,
}

impl Names {
    /// The bank's own number if it has one, or else what the line says; and the how manieth of that it is.
    fn name(&mut self, bank_number: Option<&str>, fields: &str) -> String {
        let name = format!("{}/{}", self.account, bank_number.unwrap_or(fields));
        let count = self.told.entry(name.clone()).or_default();
        *count += 1;
        format!("{name}/{count}")
    }
}

/// What all parts of an entry share.
struct Entry<'a> {
    element: &'a Element,
    money: Option<Money>,
    direction: Direction,
    booked_at_ms: u64,
    reversal: bool,
}

fn append_entry(lines: &mut Vec<BankLine>, element: &Element, names: &mut Names) -> Result<(), String> {
    let status = element.text_at(&["Sts", "Cd"]).or(element.text_at(&["Sts"]));
    if required(status, "Sts")? != "BOOK" {
        return Ok(());
    }
    let entry = Entry {
        element,
        money: amount(required(element.child("Amt"), "Amt")?)?,
        direction: direction(text_of(element, &["CdtDbtInd"])?)?,
        booked_at_ms: booked_at(required(element.child("BookgDt"), "BookgDt")?)?,
        reversal: matches!(element.text_at(&["RvslInd"]), Some("true" | "1")),
    };
    // An entry of nothing moves nothing.
    let Some(whole) = entry.money else { return Ok(()) };
    let parts: Vec<&Element> = element.all("NtryDtls").flat_map(|details| details.all("TxDtls")).collect();
    match parts[..] {
        [] => lines.push(line(&entry, element, whole, names)),
        [only] => lines.push(line(&entry, only, whole, names)),
        _ => append_parts(lines, &entry, whole, &parts, names)?,
    }
    Ok(())
}

/// The payments of a batch that was booked as one sum.
fn append_parts(
    lines: &mut Vec<BankLine>,
    entry: &Entry<'_>,
    whole: Money,
    parts: &[&Element],
    names: &mut Names,
) -> Result<(), String> {
    let mut sum = 0_u128;
    for part in parts {
        let written = part.child("Amt").or(part.at(&["AmtDtls", "TxAmt", "Amt"]));
        let Some(money) = amount(required(written, "TxDtls/Amt")?)? else { continue };
        if money.currency() != whole.currency() {
            return Err("a part is of another currency than its entry".to_owned());
        }
        sum += u128::from(money.amount().minor_units());
        lines.push(line(entry, part, money, names));
    }
    let adds_up = sum == u128::from(whole.amount().minor_units());
    if adds_up { Ok(()) } else { Err("the parts do not add up to their entry".to_owned()) }
}

fn line(entry: &Entry<'_>, details: &Element, money: Money, names: &mut Names) -> BankLine {
    let reference = details.text_at(&["Refs", "EndToEndId"]).filter(|reference| *reference != "NOTPROVIDED");
    let of_entry = entry.element.text_at(&["AcctSvcrRef"]).or(entry.element.text_at(&["NtryRef"]));
    let bank_number = details.text_at(&["Refs", "AcctSvcrRef"]).or(of_entry);
    let kind = kind(entry, details, reference.is_some());
    let fields = format!("{}|{money}|{:?}|{}", entry.booked_at_ms, entry.direction, reference.unwrap_or_default());
    BankLine {
        line: names.name(bank_number, &fields),
        reference: reference.map(str::to_owned),
        money,
        direction: entry.direction,
        booked_at_ms: entry.booked_at_ms,
        kind,
    }
}

fn kind(entry: &Entry<'_>, details: &Element, referenced: bool) -> LineKind {
    let reason = details.text_at(&["RtrInf", "Rsn", "Cd"]).or(details.text_at(&["RtrInf", "Rsn", "Prtry"]));
    let code = |element: &Element| {
        // Domain PMNT, sub-family RRTN: a return (ISO 20022 external code set, bank transaction codes).
        element.text_at(&["BkTxCd", "Domn", "Fmly", "SubFmlyCd"]).is_some_and(|code| code == "RRTN")
    };
    let returned = details.child("RtrInf").is_some() || entry.reversal || code(details) || code(entry.element);
    match entry.direction {
        Direction::Debit if referenced && !returned => LineKind::Paid,
        Direction::Credit if referenced && returned => {
            LineKind::Returned { reason: reason.unwrap_or("no reason given").chars().take(140).collect() }
        }
        _ => LineKind::Other,
    }
}

/// An amount; nothing for zero.
fn amount(element: &Element) -> Result<Option<Money>, String> {
    let currency = required(element.currency.as_deref(), "the currency of an amount")?;
    let currency = Currency::from_alpha(currency).map_err(|error| format!("currency {currency}: {error}"))?;
    let text = &element.text;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !only_digits(whole) || !only_digits(fraction) || whole.len() + fraction.len() == 0 {
        return Err(format!("{text:?} is not an amount"));
    }
    // The format allows more and fewer decimals than the currency has; more must be zeros.
    let digits = usize::from(currency.minor_unit_digits());
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if fraction.len() > digits {
        return Err(format!("{text} has more decimals than {currency}"));
    }
    if whole.is_empty() && fraction.is_empty() {
        return Ok(None);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let exact = if digits == 0 { whole.to_owned() } else { format!("{whole}.{fraction:0<digits$}") };
    Money::parse_decimal(&exact, currency).map(Some).map_err(|error| format!("{text}: {error}"))
}

fn direction(text: &str) -> Result<Direction, String> {
    match text {
        "CRDT" => Ok(Direction::Credit),
        "DBIT" => Ok(Direction::Debit),
        _ => Err(format!("{text:?} is neither credit nor debit")),
    }
}

fn booked_at(element: &Element) -> Result<u64, String> {
    let at = match (element.text_at(&["Dt"]), element.text_at(&["DtTm"])) {
        (Some(day), _) => {
            let day: Option<Date> = day.get(..10).and_then(|day| day.parse().ok());
            day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|start| start.timestamp())
        }
        (None, Some(moment)) => moment.parse::<Timestamp>().ok().or_else(|| {
            // Without an offset: the bank's local time, which it does not name.
            moment.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
        }),
        (None, None) => None,
    };
    let at = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    at.ok_or_else(|| "the booking date is no date".to_owned())
}

fn required<T>(found: Option<T>, what: &str) -> Result<T, String> {
    found.ok_or_else(|| format!("{what} is missing"))
}

fn text_of<'a>(element: &'a Element, path: &[&str]) -> Result<&'a str, String> {
    required(element.text_at(path), &path.join("/"))
}
