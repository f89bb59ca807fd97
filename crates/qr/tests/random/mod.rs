//! Random codes that the specification allows.

use money::{Amount, BasisPoints, Currency};
use qr::emv::Id;
use qr::emv::merchant::{
    AdditionalData, Initiation, MerchantAccount, OtherLanguage, PresentedCode, Template, Text, Tip,
};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// Characters of one to four bytes, digits and what ids look like among them.
const CHARACTERS: [char; 24] = [
    '0', '1', '2', '4', '6', '3', 'A', 'z', ' ', '*', '@', '.', '-', '#', 'É', 'ß', 'Ж', '京', '北', '金', 'ភ', 'ก',
    '€', '𐍈',
];

const CURRENCIES: [u16; 7] = [156, 392, 764, 986, 414, 116, 704];

fn text<const MOST: usize>(random: &mut impl Rng) -> Text<MOST> {
    text_of_at_most(MOST, random)
}

fn text_of_at_most<const MOST: usize>(most: usize, random: &mut impl Rng) -> Text<MOST> {
    let length = random.random_range(1..=most);
    let is_ascii = random.random_bool(0.5);
    let characters = if is_ascii { &CHARACTERS[..14] } else { &CHARACTERS[..] };
    let text: String = (0..length).map(|_| characters[random.random_range(0..characters.len())]).collect();
    text.parse().expect("these characters are allowed")
}

fn some<T>(random: &mut StdRng, make: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    random.random_bool(0.5).then(|| make(random))
}

/// An identifier and other parts, together within 99 characters.
fn template(id: u8, random: &mut StdRng) -> Template {
    let identifier = text(random);
    let parts = (1..=random.random_range(0..=3_u8)).map(|id| (Id::of(id), text_of_at_most(16, random)));
    Template { id: Id::of(id), identifier, parts: parts.collect() }
}

fn accounts(random: &mut StdRng) -> Vec<MerchantAccount> {
    let mut accounts = Vec::new();
    if random.random_bool(0.3) {
        accounts.push(MerchantAccount::Primitive(Id::of(random.random_range(2..=25)), text_of_at_most(19, random)));
    }
    let id = random.random_range(26..=51);
    accounts.push(MerchantAccount::Template(template(id, random)));
    accounts
}

/// A code that differs each time.
pub(crate) fn code(random: &mut StdRng) -> PresentedCode {
    let currency = Currency::from_numeric(CURRENCIES[random.random_range(0..CURRENCIES.len())]).expect("listed");
    let tip = some(random, |random| match random.random_range(0..3) {
        0 => Tip::Asked,
        1 => Tip::Fixed(random.random_range(1..1_000_000)),
        _ => Tip::Percentage(BasisPoints::new(random.random_range(1..10_000)).expect("below 100 percent")),
    });
    PresentedCode {
        initiation: if random.random() { Initiation::Static } else { Initiation::Dynamic },
        accounts: accounts(random),
        category: random.random_range(0..10_000),
        currency,
        amount: some(random, |random| Amount::new(random.random_range(1..1_000_000_000)).expect("not zero")),
        tip,
        country: "KR".parse().expect("two capitals"),
        name: text(random),
        city: text(random),
        postal_code: some(random, text),
        additional: AdditionalData {
            bill_number: some(random, text_of_at_most_25),
            store: some(random, text_of_at_most_25),
            reference: some(random, text_of_at_most_25),
            ..AdditionalData::default()
        },
        language: some(random, |random| OtherLanguage {
            language: ['z', 'h'],
            name: text(random),
            city: some(random, text),
        }),
        unreserved: some(random, |random| template(random.random_range(80..=99), random)).into_iter().collect(),
    }
}

/// Three of these fit in their template.
fn text_of_at_most_25(random: &mut StdRng) -> Text<25> {
    text(random)
}
