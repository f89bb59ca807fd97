//! What a run is made of: entries of one size, each with a key.

use std::fmt::Debug;

/// A record of fixed size. The entries of a run are sorted by key, and no two have the same.
pub trait Entry: Copy + Send + Sync + 'static {
    /// Bytes on disk, at least the key's and at most 4,096.
    const SIZE: usize;
    /// What the entries are sorted by.
    type Key: Key;

    /// The entry's key.
    fn key(&self) -> Self::Key;
    /// Writes all of `bytes`, which are [`SIZE`](Self::SIZE) bytes, integers little endian. Padding is zeros.
    fn write(&self, bytes: &mut [u8]);
    /// The inverse of [`write`](Self::write), for `bytes` of the same length. Must not panic, whatever they hold.
    fn read(bytes: &[u8]) -> Self;
}

/// What entries can be sorted by: `u64` or `u128`.
pub trait Key: Copy + Ord + Debug + Send + Sync + Into<u128> + sealed::Sealed + 'static {
    /// Bytes on disk.
    const SIZE: usize;

    /// Writes the key, little endian, into `bytes` of exactly its size.
    fn write(self, bytes: &mut [u8]);
    /// Reads the key from `bytes` of exactly its size.
    fn read(bytes: &[u8]) -> Self;
    /// The key as which `wide` was stored; `None` if it is too large.
    fn narrow(wide: u128) -> Option<Self>;
    /// The key's hash, which the format fixes.
    fn hash(self) -> u64;
}

macro_rules! key {
    ($integer:ty) => {
        impl sealed::Sealed for $integer {}

        impl Key for $integer {
            const SIZE: usize = size_of::<$integer>();

            fn write(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; <Self as Key>::SIZE];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }

            fn narrow(wide: u128) -> Option<Self> {
                wide.try_into().ok()
            }

            fn hash(self) -> u64 {
                xxhash_rust::xxh3::xxh3_64(&self.to_le_bytes())
            }
        }
    };
}

key!(u64);
key!(u128);

mod sealed {
    pub trait Sealed {}
}
