//! The statement's lines as CSV (RFC 4180, UTF-8), for spreadsheets and programs.

use std::io::{self, Write};

use crate::decimal::Decimal;
use crate::statement::{Effect, Line, Statement};

/// The first record.
const HEADER: &str = "settlement,at,kind,object,payment,reference,gross,fee,credit,debit,currency\r\n";

/// Writes a header and one record a line. Totals are not in it: they would not be a table.
///
/// Times are RFC 3339 in UTC, amounts exact decimals; of `credit` and `debit` one is empty. A text that a spreadsheet
/// would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a line break) gets an apostrophe before it.
///
/// # Errors
/// What `out` or `lines` failed with. What was written until then is not a whole statement.
pub fn write_csv(
    out: &mut impl Write,
    statement: &Statement,
    lines: impl IntoIterator<Item = io::Result<Line>>,
) -> io::Result<()> {
    let mut record = String::with_capacity(256);
    out.write_all(HEADER.as_bytes())?;
    for line in lines {
        record.clear();
        append_record(&mut record, statement, &line?).map_err(io::Error::other)?;
        out.write_all(record.as_bytes())?;
    }
    out.flush()
}

fn append_record(record: &mut String, statement: &Statement, line: &Line) -> std::fmt::Result {
    use std::fmt::Write as _;

    append_text(record, &statement.settlement);
    write!(record, ",{:.3},{},", line.at, line.kind.code())?;
    append_text(record, &line.object);
    record.push(',');
    append_text(record, line.payment.as_deref().unwrap_or_default());
    record.push(',');
    append_text(record, line.reference.as_deref().unwrap_or_default());
    let decimal = |minor| Decimal::new(minor, statement.currency);
    write!(record, ",{},{},", decimal(line.gross), decimal(line.fee))?;
    match line.effect {
        Effect::Credit(amount) => write!(record, "{},", decimal(amount))?,
        Effect::Debit(amount) => write!(record, ",{}", decimal(amount))?,
    }
    write!(record, ",{}\r\n", statement.currency)
}

/// Appends a field, quoted where RFC 4180 asks for it, and made harmless where a spreadsheet would calculate it.
fn append_text(record: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = text.contains(['"', ',', '\r', '\n']);
    if quoted {
        record.push('"');
    }
    if formula {
        record.push('\'');
    }
    if quoted {
        text.split_inclusive('"').for_each(|part| {
            record.push_str(part);
            if part.ends_with('"') {
                record.push('"');
            }
        });
        record.push('"');
    } else {
        record.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> String {
        let mut record = String::new();
        append_text(&mut record, text);
        record
    }

    #[test]
    fn fields_are_quoted_as_rfc_4180_says() {
        assert_eq!(field("table 12"), "table 12");
        assert_eq!(field(""), "");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(field("\""), "\"\"\"\"");
        assert_eq!(field("two\r\nlines"), "\"two\r\nlines\"");
        assert_eq!(field("咖啡"), "咖啡");
    }

    #[test]
    fn no_field_begins_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "-"] {
            assert_eq!(field(text), format!("'{text}"));
        }
        assert_eq!(field("\r=1"), "\"'\r=1\"");
        assert_eq!(field("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
        assert_eq!(field("1-1"), "1-1");
    }
}
