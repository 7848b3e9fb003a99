//! What takes a mail on: a mail server, a directory, or memory.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lettre::Message;
use lettre::message::header::{Header, MessageId};

use super::smtp::Smtp;
use crate::config::{Mail, MailTransport};

/// How many mails are kept in memory.
const KEPT_MAX: usize = 1_000;

/// Something that takes mails on.
pub(super) enum Carrier {
    Smtp(Box<Smtp>),
    File(PathBuf),
    Memory(VecDeque<Vec<u8>>),
}

/// Why a mail was not taken.
pub(super) enum Failure {
    /// It may be taken another time.
    Transient(String),
    /// It never will.
    Permanent(String),
}

impl Carrier {
    /// The carrier that the settings name.
    pub(super) fn new(settings: &Mail) -> Result<Self, String> {
        Ok(match settings.transport {
            MailTransport::None => return Err("mail.transport is \"none\"".to_owned()),
            MailTransport::Smtp => Self::Smtp(Box::new(Smtp::new(settings)?)),
            MailTransport::File => {
                Self::File(settings.directory.clone().ok_or("mail.directory is missing")?)
            }
            MailTransport::Memory => Self::Memory(VecDeque::new()),
        })
    }

    /// Hands a mail over.
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), Failure> {
        match self {
            Self::Smtp(smtp) => smtp.send(message).await,
            Self::File(directory) => {
                let (directory, name) = (directory.clone(), file_name(message));
                let text = message.formatted();
                let kept = tokio::task::spawn_blocking(move || keep(&directory, &name, &text));
                let kept = kept.await.map_err(io::Error::from).flatten();
                kept.map_err(|error| Failure::Transient(error.to_string()))
            }
            Self::Memory(kept) => {
                if kept.len() == KEPT_MAX {
                    kept.pop_front();
                }
                kept.push_back(message.formatted());
                Ok(())
            }
        }
    }

    /// Ends what was begun for the mails before: there are no more for now.
    pub(super) async fn rest(&mut self) {
        if let Self::Smtp(smtp) = self {
            smtp.hang_up().await;
        }
    }

    /// The mails that are kept in memory.
    pub(super) fn kept(&self) -> Vec<String> {
        let Self::Memory(kept) = self else { return Vec::new() };
        kept.iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect()
    }
}

/// The part of the `Message-ID` before the domain: a repeat takes the place of the mail it repeats.
fn file_name(message: &Message) -> String {
    let id = message.headers().get_raw(MessageId::name().as_ref()).unwrap_or_default();
    let (name, _) = id.trim_start_matches('<').split_once('@').unwrap_or((id, ""));
    format!("{name}.eml")
}

/// Writes a file that is there whole or not at all.
fn keep(directory: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let unfinished = directory.join(format!(".{name}"));
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, directory.join(name))
}
