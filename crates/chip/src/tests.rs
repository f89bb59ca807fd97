//! What only the inside can test: exchanges that begin in the middle of a session.

mod vectors;
