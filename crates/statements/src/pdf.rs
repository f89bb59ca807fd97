//! The statement as a PDF, for people.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::metadata::{DateTime, Metadata};
use krilla::{Document, SerializeSettings};

use crate::decimal::Decimal;
use crate::fonts::Fonts;
use crate::page::{HEIGHT, MARGIN, Sheet, Style, WIDTH, settings};
use crate::statement::{Counted, Effect, Line, Statement};
use crate::text::Typesetter;

/// How many lines the PDF prints. A longer statement's PDF says that the CSV has all of them.
pub const PDF_MAXIMUM_LINES: usize = 1_000;

const RIGHT: i32 = WIDTH - MARGIN;
const ROW: i32 = 1_350;
/// Where the second column of the head begins.
const SECOND: i32 = 31_500;
/// How wide a column of the head is.
const HALF: i32 = 23_800;
/// How many lines of an address are printed.
const MAXIMUM_ADDRESS_LINES: usize = 6;
/// The lowest row's line; below it is the foot.
const LOWEST: i32 = HEIGHT - MARGIN - 2_400;

/// Writes the statement as a PDF: the head, the totals, up to [`PDF_MAXIMUM_LINES`] lines, pages numbered.
///
/// A name in a script that no font of `fonts` has is printed as the merchant's Latin name if there is one; other such
/// characters become question marks, and the foot says so. Amounts are never cut off. Krilla holds the document in
/// memory until it is finished: some hundred kilobytes.
///
/// # Errors
/// What `out` or `lines` failed with, or what Krilla makes of a font that it cannot embed.
pub fn write_pdf(
    out: &mut impl Write,
    statement: &Statement,
    lines: impl IntoIterator<Item = io::Result<Line>>,
    fonts: &Fonts,
) -> io::Result<()> {
    let mut lines = lines.into_iter().take(PDF_MAXIMUM_LINES + 1).collect::<io::Result<Vec<Line>>>()?;
    let complete = lines.len() <= PDF_MAXIMUM_LINES;
    lines.truncate(PDF_MAXIMUM_LINES);
    let bytes = render(statement, &lines, complete, fonts).map_err(io::Error::other)?;
    out.write_all(&bytes)?;
    out.flush()
}

fn render(statement: &Statement, lines: &[Line], complete: bool, fonts: &Fonts) -> Result<Vec<u8>, String> {
    let mut document = Document::new_with(SerializeSettings { enable_tagging: false, ..SerializeSettings::default() });
    document.set_metadata(metadata(statement));
    let mut typesetter = Typesetter::new(fonts);
    let first_rows = rows_from(table_top(statement));
    let other_rows = rows_from(MARGIN);
    let (first, rest) = lines.split_at(first_rows.min(lines.len()));
    let pages = 1 + rest.len().div_ceil(other_rows);
    for (index, rows) in std::iter::once(first).chain(rest.chunks(other_rows)).enumerate() {
        let mut page = document.start_page_with(settings());
        let mut sheet = Sheet { surface: page.surface(), typesetter: &mut typesetter };
        let top = if index == 0 { head(&mut sheet, statement) } else { MARGIN };
        if !rows.is_empty() {
            table(&mut sheet, statement, rows, top);
        }
        foot(&mut sheet, statement, index + 1, pages, complete);
    }
    document.finish().map_err(|error| format!("the PDF cannot be made: {error:?}"))
}

fn metadata(statement: &Statement) -> Metadata {
    let closed = statement.period.to.to_zoned(TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let date = DateTime::new(u16::try_from(closed.year()).unwrap_or_default())
        .month(part(closed.month()))
        .day(part(closed.day()))
        .hour(part(closed.hour()))
        .minute(part(closed.minute()))
        .second(part(closed.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(format!("Settlement statement {}", statement.settlement))
        .language("en".to_owned())
        .creator("Tapstone".to_owned())
        .document_id(statement.settlement.clone())
        .creation_date(date)
}

/// How many rows fit below a table's head that begins at `top`.
fn rows_from(top: i32) -> usize {
    usize::try_from((LOWEST - top - 2 * ROW) / ROW + 1).unwrap_or(1).max(1)
}

/// Where the table of lines begins on the first page: below the longer of the two columns, and the totals.
fn table_top(statement: &Statement) -> i32 {
    head_end(statement) + 12 * ROW
}

fn head_end(statement: &Statement) -> i32 {
    let address = i32::try_from(statement.merchant.address.len().min(MAXIMUM_ADDRESS_LINES)).unwrap_or(0);
    MARGIN + 5_400 + (address + 1).max(7) * ROW
}

/// The first page down to its table of lines; says where that begins.
fn head(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement) -> i32 {
    sheet.left("Settlement statement", MARGIN, MARGIN + 1_600, RIGHT - MARGIN, Style::bold(2_000));
    sheet.rule(MARGIN, MARGIN + 2_800, RIGHT - MARGIN);
    merchant(sheet, statement);
    facts(sheet, statement);
    totals(sheet, statement, head_end(statement) + ROW);
    table_top(statement)
}

fn merchant(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement) {
    let merchant = &statement.merchant;
    let latin = merchant.latin_name.as_deref();
    let mut y = MARGIN + 5_000;
    let name = printed(sheet, &merchant.name, latin);
    sheet.left(name, MARGIN, y, HALF, Style::bold(1_200));
    y += 400;
    let legal_name = printed(sheet, &merchant.legal_name, latin);
    for text in
        std::iter::once(legal_name).chain(merchant.address.iter().map(String::as_str)).take(MAXIMUM_ADDRESS_LINES + 1)
    {
        y += ROW;
        sheet.left(text, MARGIN, y, HALF, Style::plain(900));
    }
}

/// The name if there are fonts for it, or else the Latin one.
fn printed<'a>(sheet: &mut Sheet<'_, '_, '_>, name: &'a str, latin: Option<&'a str>) -> &'a str {
    if sheet.typesetter.can_print(name) { name } else { latin.unwrap_or(name) }
}

fn facts(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement) {
    let zone = statement.zone.iana_name().unwrap_or("UTC");
    let mut facts = vec![
        ("Settlement", statement.settlement.clone()),
        ("Business day", statement.business_day.to_string()),
        ("From", local(statement.period.from, &statement.zone)),
        ("To", format!("{} ({zone})", local(statement.period.to, &statement.zone))),
        ("Currency", statement.currency.to_string()),
    ];
    match &statement.payout {
        Some(payout) => {
            facts.push(("Payout", payout.id.clone()));
            facts.push(("To account", format!("ending in {}", payout.account_last4)));
            facts.push(("Due on", payout.due_on.to_string()));
        }
        None => facts.push(("Payout", "none yet".to_owned())),
    }
    let mut y = MARGIN + 5_000;
    for (name, value) in facts {
        sheet.left(name, SECOND, y, 6_500, Style::grey(850));
        sheet.left(&value, SECOND + 6_700, y, RIGHT - SECOND - 6_700, Style::plain(850));
        y += ROW;
    }
}

fn totals(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement, top: i32) {
    let totals = &statement.totals;
    let counted = |name: &str, of: Counted| format!("{name} ({})", of.count);
    let rows = [
        (counted("Payments", totals.payments), "", totals.payments.amount),
        (counted("Refunds", totals.refunds), "-", totals.refunds.amount),
        (counted("Disputes", totals.disputes), "-", totals.disputes.amount),
        (counted("Disputes returned", totals.dispute_returns), "", totals.dispute_returns.amount),
        ("Fees".to_owned(), "-", totals.fees),
        ("Debt repaid".to_owned(), "-", totals.debt_repaid),
        ("Put into the reserve".to_owned(), "-", totals.reserve_held),
    ];
    let mut y = top;
    sheet.left("Totals", MARGIN, y, HALF, Style::bold(1_100));
    for (name, sign, amount) in rows {
        y += ROW;
        sheet.left(&name, MARGIN, y, HALF, Style::plain(900));
        sheet.right(&signed(sign, amount, statement), RIGHT, y, HALF, Style::plain(900));
    }
    y += ROW;
    sheet.rule(MARGIN, y - 900, RIGHT - MARGIN);
    sheet.left("Net", MARGIN, y + 300, HALF, Style::bold(1_100));
    let net = format!("{} {}", Decimal::grouped(totals.net, statement.currency), statement.currency);
    sheet.right(&net, RIGHT, y + 300, HALF, Style::bold(1_100));
}

/// An amount that is taken away has a minus; nothing taken away has none.
fn signed(sign: &str, amount: u64, statement: &Statement) -> String {
    let sign = if amount == 0 { "" } else { sign };
    format!("{sign}{}", Decimal::grouped(amount, statement.currency))
}

/// The columns of the table: their titles, and where each begins or, if it holds numbers, ends.
const COLUMNS: [(&str, i32); 7] = [
    ("Time", MARGIN),
    ("Kind", MARGIN + 7_500),
    ("Id", MARGIN + 13_600),
    ("Your reference", MARGIN + 25_400),
    ("Gross", MARGIN + 38_300),
    ("Fee", MARGIN + 43_700),
    ("Amount", RIGHT),
];
/// The first column of numbers.
const NUMBERS: usize = 4;
const GAP: i32 = 400;

fn table(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement, lines: &[Line], top: i32) {
    let mut y = top + ROW;
    row(sheet, COLUMNS.map(|(title, _)| title), y, Style::grey(700));
    for line in lines {
        sheet.rule(MARGIN, y + 350, RIGHT - MARGIN);
        y += ROW;
        let amount = match line.effect {
            Effect::Credit(amount) => signed("", amount, statement),
            Effect::Debit(amount) => signed("-", amount, statement),
        };
        let cells = [
            &local(line.at, &statement.zone),
            line.kind.title(),
            &line.object,
            line.reference.as_deref().unwrap_or_default(),
            &signed("", line.gross, statement),
            &signed("", line.fee, statement),
            &amount,
        ];
        row(sheet, cells, y, Style::plain(700));
    }
}

fn row(sheet: &mut Sheet<'_, '_, '_>, cells: [&str; 7], y: i32, style: Style) {
    for (index, (text, (_, x))) in cells.into_iter().zip(COLUMNS).enumerate() {
        if index < NUMBERS {
            let next = if index + 1 < NUMBERS { COLUMNS[index + 1].1 } else { COLUMNS[NUMBERS].1 - 4_900 };
            sheet.left(text, x, y, next - x - GAP, style);
        } else {
            let before = if index == NUMBERS { x - 4_900 } else { COLUMNS[index - 1].1 };
            sheet.right(text, x, y, x - before - GAP, style);
        }
    }
}

fn foot(sheet: &mut Sheet<'_, '_, '_>, statement: &Statement, page: usize, pages: usize, complete: bool) {
    let y = HEIGHT - MARGIN;
    let mut notes = String::new();
    if !complete {
        notes.push_str(
            "Only the first 1,000 lines are printed; the totals are of all, and the CSV statement has all lines. ",
        );
    }
    if sheet.typesetter.has_missed() {
        notes.push_str("A question mark may stand for a character that no font was found for; CSV and JSON have it. ");
    }
    sheet.left(&notes, MARGIN, y - 1_100, RIGHT - MARGIN, Style::grey(700));
    sheet.left(&statement.settlement, MARGIN, y, HALF, Style::grey(700));
    sheet.right(&format!("Page {page} of {pages}"), RIGHT, y, HALF, Style::grey(700));
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
