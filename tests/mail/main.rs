//! Warnings that an account runs low: from the real program to a real mail server.

mod carriers;
mod edge;
mod failures;
mod house;
mod mailbox;
mod settings;
