//! The proof that the books never lose or bend anything: what they answer is compared with a slow, obvious model of the
//! ledger while they are closed, killed, cut off from power, filled up and damaged.

mod beside;
mod damage;
mod folder;
mod full_disk;
mod model;
mod refusals;
mod simulation;
