//! What happens to a call, one event after the other, for those who listen.
//!
//! Lines are numbered from 1, the same while the call runs as on its record afterwards, so who was
//! cut off goes on where it was.

use std::sync::Arc;

use stokehold_store::{CallRecord, CallStatus};
use tokio::sync::watch;

use super::queue::Shown;
use crate::app::App;
use crate::error::Error;

/// Something that happened to a call.
#[derive(Clone, Debug)]
pub enum Event {
    /// It waits, or runs.
    Status(CallStatus),
    /// It said something.
    Line {
        /// Which of its lines, from 1.
        number: usize,
        /// The line.
        text: String,
    },
    /// It has ended: this is its record.
    Ended(Box<CallRecord>),
}

/// The events of one call, from the first that is wanted to its end.
pub struct Events {
    app: Arc<App>,
    call: CallRecord,
    /// How many lines are known to the listener.
    lines: usize,
    status: Option<CallStatus>,
    /// What it shows, while it waits or runs here without its client.
    shown: Option<watch::Receiver<Shown>>,
    is_over: bool,
}

impl App {
    /// The events of a call, of which the listener knows the first `lines` lines.
    pub fn events(self: &Arc<Self>, call: CallRecord, lines: usize) -> Events {
        let shown = self.queue.watch(call.id);
        Events { app: self.clone(), call, lines, status: None, shown, is_over: false }
    }
}

impl Events {
    /// Waits for the next event. None after the last one, and where the host stops before the call
    /// has run.
    pub async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        while let Some(mut shown) = self.shown.take() {
            if let Some(event) = self.look(&mut shown) {
                self.shown = Some(shown);
                return Some(event);
            }
            let may_stop = self.status == Some(CallStatus::Queued);
            tokio::select! {
                changed = shown.changed() => if changed.is_ok() { self.shown = Some(shown) },
                () = self.app.admission.closed(), if may_stop => return None,
            }
        }
        self.recorded().await.unwrap_or_else(|error| {
            tracing::error!(call = %self.call.id, %error, "its events cannot be read");
            None
        })
    }

    /// What is new, while the call waits or runs.
    fn look(&mut self, shown: &mut watch::Receiver<Shown>) -> Option<Event> {
        let shown = shown.borrow_and_update();
        if self.status != Some(shown.status) {
            self.status = Some(shown.status);
            return Some(Event::Status(shown.status));
        }
        let text = shown.lines.get(self.lines)?.clone();
        Some(self.line(text))
    }

    /// What its record says, once it has ended.
    async fn recorded(&mut self) -> Result<Option<Event>, Error> {
        if !self.call.status.has_ended() {
            if self.status.is_none() {
                self.status = Some(self.call.status);
                return Ok(Some(Event::Status(self.call.status)));
            }
            match self.app.ended_record(self.call.id).await? {
                Some(ended) => self.call = ended,
                None => return Ok(None),
            }
        }
        if let Some(text) = self.call.log.split('\n').nth(self.lines)
            && !self.call.log.is_empty()
        {
            let text = text.to_owned();
            return Ok(Some(self.line(text)));
        }
        self.is_over = true;
        Ok(Some(Event::Ended(Box::new(self.call.clone()))))
    }

    fn line(&mut self, text: String) -> Event {
        self.lines += 1;
        Event::Line { number: self.lines, text }
    }
}
