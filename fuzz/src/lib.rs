//! What the programs under libFuzzer have in common.

/// libFuzzer's runner ends the program at any panic. Libraries may panic where our code contains it: only a panic that
/// reaches the target's end counts, and the runner sees that, too.
pub fn panics_may_be_contained() {
    let _runners = std::panic::take_hook();
}
