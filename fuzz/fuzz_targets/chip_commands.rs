#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::chip_commands(data));
