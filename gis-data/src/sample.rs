//! Sample data that ships with the project: the manifest beside it.
