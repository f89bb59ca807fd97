//! Codes that are shown and scanned: the EMVCo QR codes of merchants and of consumers, and this platform's own payment code.
//!
//! - [`emv::merchant`] reads and writes what a merchant shows (EMV QR Code Specification for Payment Systems, Merchant-Presented
//!   Mode 1.1), tells which national scheme a code belongs to, and whether it agrees with an order.
//! - [`emv::consumer`] reads and writes what a card's holder shows (the same, Consumer-Presented Mode 1.1).
//! - [`payment_code`] has the 24 digits that a wallet makes by itself each minute, and the table that routes other wallets'
//!   codes to their partner.
//!
//! Reading never fails: it answers with everything that was understood and a [`emv::Finding`] for each thing that is wrong,
//! with the id of the object at fault. Nothing here panics on input, and memory is bounded by the length of what is read.
//! There is no I/O, clock or randomness: time comes as an argument. That a code was used is for its engine to remember.

pub mod emv;
pub mod payment_code;
