//! Procedures that are data files: states, transitions, guards, effects, clocks.
