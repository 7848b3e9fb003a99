//! A disk that fails under the ledger: what was acknowledged is stored, what was refused is not, and
//! the store goes on by itself.

mod disk;
mod ledger;
