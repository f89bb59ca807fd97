//! The subcommands, one file each.

pub(crate) mod backup;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod ledger_exec;
pub(crate) mod openapi;
pub(crate) mod qr;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod tag_factory;
pub(crate) mod tag_key_store;
pub(crate) mod tag_keys;
pub(crate) mod tag_personalise;
pub(crate) mod tag_verify;
pub(crate) mod verify;
