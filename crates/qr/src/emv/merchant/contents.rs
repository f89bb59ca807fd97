//! What the specification asks of each object (sections 3.2, 4.6 to 4.8), structure and CRC apart.

use money::Currency;

use super::objects::{Object, Objects};
use super::payload::{AmountText, percentage};
use crate::emv::finding::{Code, Findings, Path};
use crate::emv::id::Id;

pub(super) const FORMAT: Id = Id::of(0);
pub(super) const INITIATION: Id = Id::of(1);
pub(super) const CATEGORY: Id = Id::of(52);
pub(super) const CURRENCY: Id = Id::of(53);
pub(super) const AMOUNT: Id = Id::of(54);
pub(super) const TIP: Id = Id::of(55);
pub(super) const FIXED_FEE: Id = Id::of(56);
pub(super) const PERCENTAGE_FEE: Id = Id::of(57);
pub(super) const COUNTRY: Id = Id::of(58);
pub(super) const NAME: Id = Id::of(59);
pub(super) const CITY: Id = Id::of(60);
pub(super) const POSTAL_CODE: Id = Id::of(61);
pub(super) const ADDITIONAL: Id = Id::of(62);
pub(super) const LANGUAGE: Id = Id::of(64);

const IDENTIFIER: Id = Id::of(0);
const CONSUMER_DATA: Id = Id::of(9);

/// The objects without which a code cannot be, and what to do about it.
const MANDATORY: [(Id, &str); 6] = [
    (FORMAT, "begin with the payload format: 000201"),
    (CATEGORY, "give the merchant category code, four digits"),
    (CURRENCY, "give the currency, three digits of ISO 4217"),
    (COUNTRY, "give the country, two letters of ISO 3166"),
    (NAME, "give the merchant's name"),
    (CITY, "give the merchant's city"),
];

/// The most characters of objects at the root, where that is less than 99.
const LENGTHS: [(Id, usize); 4] = [(AMOUNT, 13), (NAME, 25), (CITY, 15), (POSTAL_CODE, 10)];

pub(super) fn check(objects: &Objects<'_>, findings: &mut Findings) {
    check_presence(objects, findings);
    let missing = |id| objects.get(id).is_none();
    for (id, message) in MANDATORY {
        if missing(id) {
            findings.departure(Code::Missing, Path::Object(id), message);
        }
    }
    check_lengths(objects, findings);
    check_forms(objects, findings);
    check_fees(objects, findings);
    objects.roots().iter().for_each(|object| check_object(objects, object, findings));
}

fn check_presence(objects: &Objects<'_>, findings: &mut Findings) {
    if objects.roots().first().is_some_and(|first| first.id() != FORMAT) && objects.get(FORMAT).is_some() {
        findings.departure(Code::Misplaced, Path::Object(FORMAT), "the payload format comes first");
    }
    let is_account = |object: &Object<'_>| object.id().is_primitive_account() || object.id().is_account_template();
    if !objects.roots().iter().any(is_account) {
        findings.departure(Code::Missing, Path::Whole, "give at least one merchant account, 02 to 51");
    }
}

fn check_lengths(objects: &Objects<'_>, findings: &mut Findings) {
    for (id, most) in LENGTHS {
        if let Some(value) = objects.value(id)
            && is_longer(value, most)
        {
            let message = format!("this object has at most {most} characters");
            findings.departure(Code::InvalidLength, Path::Object(id), message);
        }
    }
}

pub(super) fn is_longer(value: &str, most: usize) -> bool {
    value.len() > most && value.chars().count() > most
}

fn check_forms(objects: &Objects<'_>, findings: &mut Findings) {
    let mut require = |id, is_right: fn(&str) -> bool, code, message: &'static str| {
        if objects.value(id).is_some_and(|value| !is_right(value)) {
            findings.departure(code, Path::Object(id), message);
        }
    };
    require(FORMAT, |value| value == "01", Code::UnknownFormat, "the only payload format is 01");
    require(INITIATION, |value| matches!(value, "11" | "12"), Code::InvalidValue, "11 for static, 12 for dynamic");
    require(CATEGORY, |value| is_digits(value, 4), Code::InvalidValue, "a merchant category code is four digits");
    require(
        CURRENCY,
        |value| currency_of(value).is_some(),
        Code::InvalidValue,
        "a currency is three digits of ISO 4217",
    );
    require(COUNTRY, is_country, Code::InvalidValue, "a country is two capitals of ISO 3166");
    require(
        TIP,
        |value| matches!(value, "01" | "02" | "03"),
        Code::InvalidValue,
        "01 asks for a tip, 02 and 03 add a fee",
    );
    let digits = objects.value(CURRENCY).and_then(currency_of).map(Currency::minor_unit_digits);
    for id in [AMOUNT, FIXED_FEE] {
        let Some(value) = objects.value(id) else { continue };
        if let Err(message) = AmountText::parse(value).and_then(|amount| amount.minor_units(digits.unwrap_or(4))) {
            findings.departure(Code::InvalidValue, Path::Object(id), message.as_str());
        }
    }
}

fn check_fees(objects: &Objects<'_>, findings: &mut Findings) {
    let tip = objects.value(TIP);
    for (id, indicator) in [(FIXED_FEE, "02"), (PERCENTAGE_FEE, "03")] {
        let (is_announced, is_there) = (tip == Some(indicator), objects.get(id).is_some());
        if is_announced && !is_there {
            findings.departure(Code::Inconsistent, Path::Object(id), "55 announces this fee: give it, or leave 55 out");
        }
        if is_there && !is_announced {
            findings.departure(Code::Inconsistent, Path::Object(id), "55 does not announce this fee: leave it out");
        }
    }
    if objects.value(PERCENTAGE_FEE).is_some_and(|value| percentage(value).is_none()) {
        findings.departure(Code::InvalidValue, Path::Object(PERCENTAGE_FEE), "a percentage is 00.01 to 99.99");
    }
}

fn check_object(objects: &Objects<'_>, object: &Object<'_>, findings: &mut Findings) {
    let (id, value) = (object.id(), object.value());
    if value.is_empty() {
        return findings.departure(Code::InvalidLength, Path::Object(id), "an empty object is left out");
    }
    if value.bytes().any(|byte| byte.is_ascii_control()) {
        findings.departure(Code::InvalidValue, Path::Object(id), "leave out control characters");
    }
    if (65..80).contains(&id.number()) {
        findings.departure(Code::Reserved, Path::Object(id), "65 to 79 are reserved: leave this object out");
    }
    let parts = objects.parts(object);
    if parts.is_empty() {
        return;
    }
    match id {
        ADDITIONAL => parts.iter().for_each(|part| check_additional(part, findings)),
        LANGUAGE => check_language(objects, object, findings),
        // Whose template it is, and for how long an identifier: section 4.6.1.
        _ => match objects.part_of(object, IDENTIFIER) {
            None => {
                let message = "a template begins with its owner's identifier, object 00";
                findings.departure(Code::Missing, Path::Part(id, IDENTIFIER), message);
            }
            Some(identifier) if is_longer(identifier, 32) => {
                let message = "an identifier has at most 32 characters";
                findings.departure(Code::InvalidLength, Path::Part(id, IDENTIFIER), message);
            }
            Some(_) => {}
        },
    }
}

/// Additional data (section 4.8, table 4.4): 25 characters for most.
fn check_additional(part: &Object<'_>, findings: &mut Findings) {
    let path = Path::Part(ADDITIONAL, part.id());
    let most = match part.id().number() {
        1..=8 => 25,
        9 => 3,
        10 => 20,
        11 => 3,
        12..50 => {
            return findings.departure(Code::Reserved, path, "62.12 to 62.49 are reserved: leave this object out");
        }
        _ => 99,
    };
    if part.value().is_empty() {
        findings.departure(Code::InvalidLength, path, "an empty object is left out");
    } else if is_longer(part.value(), most) {
        findings.departure(Code::InvalidLength, path, format!("this object has at most {most} characters"));
    } else if part.id() == CONSUMER_DATA && !part.value().bytes().all(|letter| matches!(letter, b'A' | b'E' | b'M')) {
        findings.departure(
            Code::InvalidValue,
            path,
            "A asks for the address, M for the mobile number, E for the e-mail address",
        );
    }
}

/// The language template (section 4.9): a language and the merchant's name in it; the city in it may be missing.
fn check_language(objects: &Objects<'_>, template: &Object<'_>, findings: &mut Findings) {
    let language = objects.part_of(template, Id::of(0));
    if language
        .is_none_or(|language| language.len() != 2 || !language.bytes().all(|letter| letter.is_ascii_alphabetic()))
    {
        let message = "a language is two letters of ISO 639";
        findings.departure(Code::InvalidValue, Path::Part(LANGUAGE, Id::of(0)), message);
    }
    for (id, most, is_mandatory) in [(Id::of(1), 25, true), (Id::of(2), 15, false)] {
        match objects.part_of(template, id) {
            None if is_mandatory => {
                let message = "give the merchant's name in this language";
                findings.departure(Code::Missing, Path::Part(LANGUAGE, id), message);
            }
            Some(value) if is_longer(value, most) => {
                let message = format!("this object has at most {most} characters");
                findings.departure(Code::InvalidLength, Path::Part(LANGUAGE, id), message);
            }
            _ => {}
        }
    }
}

pub(super) fn is_digits(value: &str, count: usize) -> bool {
    value.len() == count && value.bytes().all(|digit| digit.is_ascii_digit())
}

pub(super) fn is_country(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|letter| letter.is_ascii_uppercase())
}

pub(super) fn currency_of(value: &str) -> Option<Currency> {
    is_digits(value, 3).then(|| Currency::from_numeric(value.parse().ok()?).ok())?
}
