//! The area standard of party and government offices (2674), with its arithmetic.
