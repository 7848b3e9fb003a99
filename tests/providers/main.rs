//! Helpers and examples for providers and their clients, against the real server: in Python, in
//! Rust, in a shell, and the two modules for Odoo.

mod account;
mod clients;
mod odoo;
mod program;
mod python;
mod servers;
