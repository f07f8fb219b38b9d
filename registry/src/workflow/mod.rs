//! Workflows: states and transitions from a definition file (`registry/workflows/*.toml`), with who may, the guards and
//! the effects as closed lists. A definition is read and checked once, at start-up; what it says is all there is: a
//! transition that it doesn't have can't be made. Which documents a step needs stands in it too.

mod definition;
#[cfg(test)]
mod tests;

pub use definition::{
    Definition, DefinitionRefused, DocumentList, Effect, Guard, Label, State, Transition, markdown, title_case,
};
