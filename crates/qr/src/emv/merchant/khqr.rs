//! KHQR's own rules: what the readers of Cambodia's banks refuse, though the structure and the CRC be right (KHQR content
//! guideline of the National Bank of Cambodia, and its reference implementation).
//!
//! Rules of time are not among them: that a dynamic code carries when it ends, and that it has not ended, is for who pays.

use super::contents::{ADDITIONAL, AMOUNT, CATEGORY, CITY, COUNTRY, CURRENCY, FORMAT, INITIATION, NAME, is_longer};
use super::objects::Objects;
use crate::emv::finding::{Code, Findings, Path};
use crate::emv::id::Id;

/// Objects that must be there, and the most characters that they may have.
const MANDATORY: [(Id, usize); 6] = [(FORMAT, 2), (CATEGORY, 4), (CURRENCY, 3), (COUNTRY, 3), (NAME, 25), (CITY, 15)];

/// Objects that may be there.
const OPTIONAL: [(Id, usize); 2] = [(INITIATION, 2), (AMOUNT, 13)];

/// Bill number, mobile number, store, terminal and purpose have at most 25 characters.
const ADDITIONAL_PARTS: [Id; 5] = [Id::of(1), Id::of(2), Id::of(3), Id::of(7), Id::of(8)];

/// Where a person's account stands, and a merchant's, each with the most characters of its parts.
const ACCOUNTS: [Id; 2] = [Id::of(29), Id::of(30)];
const ACCOUNT_PARTS: [Id; 2] = [Id::of(1), Id::of(2)];
const ACCOUNT_CHARACTERS_MAX: usize = 32;

/// Riel and US dollar.
const CURRENCIES: [&str; 2] = ["116", "840"];

pub(super) fn check(objects: &Objects<'_>, findings: &mut Findings) {
    for (id, most) in MANDATORY {
        if objects.value(id).is_none_or(str::is_empty) {
            findings.error(Code::Missing, Path::Object(id), "KHQR asks for this object");
        }
        check_length(objects.value(id), most, Path::Object(id), findings);
    }
    for (id, most) in OPTIONAL {
        check_length(objects.value(id), most, Path::Object(id), findings);
    }
    for id in ADDITIONAL_PARTS {
        check_length(objects.part(ADDITIONAL, id), 25, Path::Part(ADDITIONAL, id), findings);
    }
    if objects.value(CURRENCY).is_some_and(|currency| !CURRENCIES.contains(&currency)) {
        findings.error(Code::InvalidValue, Path::Object(CURRENCY), "KHQR is paid in riel (116) or US dollars (840)");
    }
    for account in ACCOUNTS.into_iter().filter(|id| objects.get(*id).is_some()) {
        check_account(objects, account, findings);
    }
}

fn check_account(objects: &Objects<'_>, account: Id, findings: &mut Findings) {
    let path = Path::Part(account, Id::of(0));
    match objects.part(account, Id::of(0)) {
        Some(name) if name.contains('@') => check_length(Some(name), ACCOUNT_CHARACTERS_MAX, path, findings),
        _ => findings.error(Code::InvalidValue, path, "a Bakong account is a name, @ and the bank's word"),
    }
    for id in ACCOUNT_PARTS {
        check_length(objects.part(account, id), ACCOUNT_CHARACTERS_MAX, Path::Part(account, id), findings);
    }
}

fn check_length(value: Option<&str>, most: usize, path: Path, findings: &mut Findings) {
    if value.is_some_and(|value| is_longer(value, most)) {
        findings.error(Code::InvalidLength, path, format!("KHQR takes at most {most} characters here"));
    }
}
