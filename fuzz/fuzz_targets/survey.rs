#![no_main]

libfuzzer_sys::fuzz_target!(
    init: fuzz::panics_may_be_contained(),
    |bytes: &[u8]| (fuzz_targets::target("survey").feed)(bytes)
);
