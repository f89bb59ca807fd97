//! Where randomness comes from: outside.

/// A source of random bytes: a hardware generator, the operating system, or a seeded sequence in tests.
///
/// A chip's challenges, transaction identifiers and paddings come from it. Whoever can foretell them can play an old
/// authentication again, so that outside of tests it must be cryptographically strong.
pub trait Random {
    /// Fills all of it.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// That many random bytes.
pub(crate) fn bytes<const N: usize>(random: &mut impl Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
