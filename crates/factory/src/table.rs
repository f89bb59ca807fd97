//! The rows of an order's files, as CSV and as Parquet: the same cells in both.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use sha2::{Digest, Sha256};

use crate::order::{Order, PlannedTag, Reel};
use crate::uid::from_bits;

/// How many cells of a column are held at once.
const BATCH_ROWS: usize = 8192;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Order,
    Reel,
    Position,
    Serial,
    Uid,
    LabelUrl,
    TagUrl,
    PiccDataOffset,
    MacInputOffset,
    MacOffset,
    KeyVersion,
}

const ENCODING: &[Column] = &[
    Column::Order,
    Column::Reel,
    Column::Position,
    Column::Serial,
    Column::LabelUrl,
    Column::TagUrl,
    Column::PiccDataOffset,
    Column::MacInputOffset,
    Column::MacOffset,
    Column::KeyVersion,
];
const BOUND: &[Column] =
    &[Column::Order, Column::Reel, Column::Position, Column::Serial, Column::Uid, Column::LabelUrl, Column::KeyVersion];

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Reel => "reel",
            Self::Position => "position",
            Self::Serial => "serial",
            Self::Uid => "uid",
            Self::LabelUrl => "label_url",
            Self::TagUrl => "tag_url",
            Self::PiccDataOffset => "picc_data_offset",
            Self::MacInputOffset => "mac_input_offset",
            Self::MacOffset => "mac_offset",
            Self::KeyVersion => "key_version",
        }
    }

    fn is_number(self) -> bool {
        !matches!(self, Self::Order | Self::Serial | Self::Uid | Self::LabelUrl | Self::TagUrl)
    }

    /// Whether each row has another value, so that a dictionary of them would be of no use.
    fn is_each_rows_own(self) -> bool {
        matches!(self, Self::Serial | Self::Uid | Self::LabelUrl)
    }
}

/// A table with a row for each tag.
#[derive(Clone)]
pub struct Table<'a> {
    order: &'a Order,
    /// The UID of each label, in the order of their numbers; zero for none. Labels without are left out.
    uids: Option<&'a [u64]>,
    order_code: String,
    label_url_base: String,
}

impl<'a> Table<'a> {
    /// What the encoding machine is given: a row for each tag, without UIDs.
    #[must_use]
    pub fn encoding(order: &'a Order) -> Self {
        Self { order, uids: None, order_code: order.code().to_string(), label_url_base: order.label_url_base() }
    }

    /// Which UID is under which label: a row for each label that has one.
    pub(crate) fn bound(order: &'a Order, uids: &'a [u64]) -> Self {
        Self { uids: Some(uids), ..Self::encoding(order) }
    }

    fn columns(&self) -> &'static [Column] {
        if self.uids.is_some() { BOUND } else { ENCODING }
    }

    fn tags(&self, first: u32, last: u32) -> impl Iterator<Item = PlannedTag> {
        (first..=last).filter_map(|number| self.order.tag(number)).filter(|tag| self.has(tag))
    }

    fn has(&self, tag: &PlannedTag) -> bool {
        self.uids.is_none() || self.uid(tag) != 0
    }

    fn uid(&self, tag: &PlannedTag) -> u64 {
        let place = tag.serial.number() as usize - 1;
        self.uids.and_then(|uids| uids.get(place)).copied().unwrap_or(0)
    }

    fn number(&self, column: Column, tag: &PlannedTag) -> u32 {
        let template = self.order.template();
        match column {
            Column::Reel => tag.reel,
            Column::Position => tag.position,
            Column::PiccDataOffset => template.picc_data_offset,
            Column::MacInputOffset | Column::MacOffset => template.mac_offset,
            _ => u32::from(self.order.key_version().0),
        }
    }

    fn text(&self, column: Column, tag: &PlannedTag, out: &mut Vec<u8>) {
        match column {
            Column::Serial => out.extend(tag.serial.to_ascii()),
            Column::Uid => {
                let bytes = from_bits(self.uid(tag)).0;
                let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                out.extend(digits.map(|digit| b"0123456789ABCDEF"[usize::from(digit)]));
            }
            Column::LabelUrl => {
                out.extend(self.label_url_base.as_bytes());
                out.extend(tag.serial.to_ascii());
            }
            Column::TagUrl => out.extend(self.order.template().url.as_bytes()),
            _ => out.extend(self.order_code.as_bytes()),
        }
    }

    fn csv_row(&self, tag: &PlannedTag, out: &mut Vec<u8>) {
        for column in self.columns() {
            if column.is_number() {
                push_number(self.number(*column, tag), out);
            } else {
                self.text(*column, tag, out);
            }
            out.push(b',');
        }
        out.pop();
        out.extend(b"\r\n");
    }

    /// Writes these reels as CSV (RFC 4180) with a row of names, and returns of each reel how many rows it has and the
    /// SHA-256 of them.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_csv(&self, reels: &[Reel], out: &mut impl Write) -> std::io::Result<Vec<(u32, [u8; 32])>> {
        let names: Vec<_> = self.columns().iter().map(|column| column.name()).collect();
        write!(out, "{}\r\n", names.join(","))?;
        let mut rows = Vec::new();
        let mut reels_written = Vec::new();
        for reel in reels {
            rows.clear();
            let mut count = 0;
            for tag in self.tags(reel.first, reel.last()) {
                self.csv_row(&tag, &mut rows);
                count += 1;
            }
            out.write_all(&rows)?;
            reels_written.push((count, Sha256::digest(&rows).into()));
        }
        Ok(reels_written)
    }

    /// Writes these reels as Parquet: one row group, compressed with Snappy.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_parquet(&self, reels: &[Reel], out: &mut (impl Write + Send)) -> Result<(), ParquetError> {
        let (Some(first), Some(last)) = (reels.first(), reels.last()) else { return Ok(()) };
        let (first, last) = (first.first, last.last());
        let mut properties = WriterProperties::builder()
            // The same bytes, whichever version wrote the first part.
            .set_created_by("tapstone".to_owned())
            .set_compression(Compression::SNAPPY);
        for column in self.columns().iter().filter(|column| column.is_each_rows_own()) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name()), false);
        }
        let mut writer = SerializedFileWriter::new(out, Arc::new(self.schema()?), Arc::new(properties.build()))?;
        let mut rows = writer.next_row_group()?;
        for column in self.columns() {
            let Some(mut cells) = rows.next_column()? else { break };
            let mut tags = self.tags(first, last).peekable();
            while tags.peek().is_some() {
                let batch = tags.by_ref().take(BATCH_ROWS);
                if column.is_number() {
                    let numbers: Vec<i32> = batch.map(|tag| self.number(*column, &tag).cast_signed()).collect();
                    cells.typed::<Int32Type>().write_batch(&numbers, None, None)?;
                } else {
                    let texts: Vec<ByteArray> = batch
                        .map(|tag| {
                            let mut text = Vec::new();
                            self.text(*column, &tag, &mut text);
                            text.into()
                        })
                        .collect();
                    cells.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
                }
            }
            cells.close()?;
        }
        rows.close()?;
        writer.close()?;
        Ok(())
    }

    fn schema(&self) -> Result<Type, ParquetError> {
        let field = |column: &Column| {
            let (physical, logical, converted) = if column.is_number() {
                (PhysicalType::INT32, None, ConvertedType::NONE)
            } else {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8)
            };
            Type::primitive_type_builder(column.name(), physical)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(logical)
                .with_converted_type(converted)
                .build()
                .map(Arc::new)
        };
        let fields = self.columns().iter().map(field).collect::<Result<_, _>>()?;
        Type::group_type_builder("tags").with_fields(fields).build()
    }
}

fn push_number(number: u32, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b"0123456789"[(rest % 10) as usize]);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}
