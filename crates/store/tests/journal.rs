
#[path = "journal/support.rs"]
mod support;

#[path = "journal/append_and_read.rs"]
mod append_and_read;
