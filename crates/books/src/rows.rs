//! Accounts and transfers as bytes: fixed sizes, little endian. The same bytes stand in the journal and in the tables.
//!
//! | transfer              | offset | bytes |   | account         | offset | bytes |
//! |-----------------------|-------:|------:|---|-----------------|-------:|------:|
//! | id                    |      0 |    16 |   | id              |      0 |    16 |
//! | debit account         |     16 |    16 |   | user_data_128   |     16 |    16 |
//! | credit account        |     32 |    16 |   | user_data_64    |     32 |     8 |
//! | pending id            |     48 |    16 |   | timestamp       |     40 |     8 |
//! | user_data_128         |     64 |    16 |   | user_data_32    |     48 |     4 |
//! | amount                |     80 |     8 |   | ledger          |     52 |     4 |
//! | user_data_64          |     88 |     8 |   | code            |     56 |     2 |
//! | timestamp             |     96 |     8 |   | flags           |     58 |     2 |
//! | user_data_32          |    104 |     4 |   | in the tables: the low 4 bytes of XXH3-64 of bytes 0..60 | 60 | 4 |
//! | timeout               |    108 |     4 |   |                 |        |       |
//! | ledger                |    112 |     4 |   |                 |        |       |
//! | code                  |    116 |     2 |   |                 |        |       |
//! | flags                 |    118 |     2 |   |                 |        |       |
//! | in the tables: XXH3-64 of bytes 0..120 | 120 | 8 |   |    |        |       |
//!
//! A row of the tables carries its own checksum, because it is read alone.

use ledger::{Account, AccountFlags, Transfer, TransferFlags};
use xxhash_rust::xxh3::xxh3_64;

/// A kind of row that the tables keep in a dense file, by its number.
pub(crate) trait Row: Sized {
    /// Bytes without the checksum.
    const FIELDS: usize;
    /// Bytes with the checksum.
    const SIZE: usize;

    fn write_fields(&self, bytes: &mut [u8]);
    fn read_fields(bytes: &[u8]) -> Self;

    /// Writes the row with its checksum; `bytes` has [`Row::SIZE`].
    fn write(&self, bytes: &mut [u8]) {
        let (fields, checksum) = bytes.split_at_mut(Self::FIELDS);
        self.write_fields(fields);
        let sum = xxh3_64(fields).to_le_bytes();
        checksum.copy_from_slice(&sum[..Self::SIZE - Self::FIELDS]);
    }

    /// The row, if its checksum is right; `bytes` has [`Row::SIZE`].
    fn read(bytes: &[u8]) -> Option<Self> {
        let (fields, checksum) = bytes.split_at(Self::FIELDS);
        let sum = xxh3_64(fields).to_le_bytes();
        (sum[..Self::SIZE - Self::FIELDS] == *checksum).then(|| Self::read_fields(fields))
    }
}

/// Puts fields one after the other.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        let (here, rest) = std::mem::take(&mut self.0).split_at_mut(N);
        here.copy_from_slice(&field);
        self.0 = rest;
    }
}

/// Takes fields one after the other.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        let (here, rest) = self.0.split_at(N);
        field.copy_from_slice(here);
        self.0 = rest;
        field
    }
}

impl Row for Transfer {
    const FIELDS: usize = 120;
    const SIZE: usize = 128;

    fn write_fields(&self, bytes: &mut [u8]) {
        let mut row = Writer(bytes);
        row.put(self.id.to_le_bytes());
        row.put(self.debit_account_id.to_le_bytes());
        row.put(self.credit_account_id.to_le_bytes());
        row.put(self.pending_id.to_le_bytes());
        row.put(self.user_data_128.to_le_bytes());
        row.put(self.amount.to_le_bytes());
        row.put(self.user_data_64.to_le_bytes());
        row.put(self.timestamp.to_le_bytes());
        row.put(self.user_data_32.to_le_bytes());
        row.put(self.timeout.to_le_bytes());
        row.put(self.ledger.to_le_bytes());
        row.put(self.code.to_le_bytes());
        row.put(self.flags.bits().to_le_bytes());
    }

    fn read_fields(bytes: &[u8]) -> Self {
        let mut row = Reader(bytes);
        Self {
            id: u128::from_le_bytes(row.take()),
            debit_account_id: u128::from_le_bytes(row.take()),
            credit_account_id: u128::from_le_bytes(row.take()),
            pending_id: u128::from_le_bytes(row.take()),
            user_data_128: u128::from_le_bytes(row.take()),
            amount: u64::from_le_bytes(row.take()),
            user_data_64: u64::from_le_bytes(row.take()),
            timestamp: u64::from_le_bytes(row.take()),
            user_data_32: u32::from_le_bytes(row.take()),
            timeout: u32::from_le_bytes(row.take()),
            ledger: u32::from_le_bytes(row.take()),
            code: u16::from_le_bytes(row.take()),
            flags: TransferFlags::from_bits_retain(u16::from_le_bytes(row.take())),
        }
    }
}

impl Row for Account {
    const FIELDS: usize = 60;
    const SIZE: usize = 64;

    fn write_fields(&self, bytes: &mut [u8]) {
        let mut row = Writer(bytes);
        row.put(self.id.to_le_bytes());
        row.put(self.user_data_128.to_le_bytes());
        row.put(self.user_data_64.to_le_bytes());
        row.put(self.timestamp.to_le_bytes());
        row.put(self.user_data_32.to_le_bytes());
        row.put(self.ledger.to_le_bytes());
        row.put(self.code.to_le_bytes());
        row.put(self.flags.bits().to_le_bytes());
    }

    fn read_fields(bytes: &[u8]) -> Self {
        let mut row = Reader(bytes);
        Self {
            id: u128::from_le_bytes(row.take()),
            user_data_128: u128::from_le_bytes(row.take()),
            user_data_64: u64::from_le_bytes(row.take()),
            timestamp: u64::from_le_bytes(row.take()),
            user_data_32: u32::from_le_bytes(row.take()),
            ledger: u32::from_le_bytes(row.take()),
            code: u16::from_le_bytes(row.take()),
            flags: AccountFlags::from_bits_retain(u16::from_le_bytes(row.take())),
            ..Self::default()
        }
    }
}
