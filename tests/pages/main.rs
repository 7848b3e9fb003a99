//! The pages for clients and the API's page, as the real program serves them: over HTTP, and in a
//! real browser.

mod account;
mod browser;
mod chromium;
mod docs;
mod fixture;
mod forms;
mod hostile;
mod links;
mod list;
mod purchase;
mod warning;
