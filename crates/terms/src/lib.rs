//! The terms on which a merchant is served: fee plans, settlement calendar, merchant category, bank account numbers.
