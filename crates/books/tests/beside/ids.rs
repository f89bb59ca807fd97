//! Transfer ids of the kinds that clients make. The books keep ids that ascend in another way than any others.

use ledger::Transfer;

/// What ids look like: each small number of the model's histories stands for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Ordered by time.
    Ascending,
    /// Ordered against time.
    Descending,
    /// In no order.
    Random,
    /// Most are ordered by time.
    Mixed,
}

impl Ids {
    /// The same events with ids of this kind. What is 0 or the largest number stays.
    pub(crate) fn rename(self, events: &[Transfer]) -> Vec<Transfer> {
        let rename =
            |event: &Transfer| Transfer { id: self.id(event.id), pending_id: self.id(event.pending_id), ..*event };
        events.iter().map(rename).collect()
    }

    fn id(self, id: u128) -> u128 {
        match self {
            _ if id == 0 || id == u128::MAX => id,
            Self::Ascending => (0x0190_0000 << 96) + id,
            Self::Descending => u128::MAX / 2 - id,
            // An odd factor: no two ids become one.
            Self::Random => id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            Self::Mixed if id.is_multiple_of(8) => Self::Random.id(id),
            Self::Mixed => id,
        }
    }
}
