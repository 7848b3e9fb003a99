//! Chromium, driven through its debugging pipe.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Far longer than anything that a page takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page. It is killed when this is dropped.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// What happened since somebody last asked.
    events: Vec<Value>,
    session: Option<String>,
    last_id: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium without a window.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let mut child = Command::new("sh")
            // It takes commands on descriptor 3 and answers on 4.
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "chromium"])
            .args(["--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run"])
            // The tests may run as root, where Chromium's own sandbox does not. It opens our pages only.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let commands = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("Chromium speaks JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            events: Vec::new(),
            session: None,
            last_id: 0,
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let page = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &page);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Opens an address, and returns when its page is loaded.
    #[track_caller]
    pub(crate) fn open(&mut self, address: &str) {
        self.call("Page.navigate", &json!({ "url": address }));
        self.await_load();
    }

    /// Clicks on what the selector finds, and returns when the page that it leads to is loaded.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str) {
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector)));
        self.await_load();
    }

    /// Types a text into the field that the selector finds, in place of what was there.
    #[track_caller]
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        self.evaluate(&format!("document.querySelector({}).select()", json!(selector)));
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// What the page shows in the element that the selector finds.
    #[track_caller]
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = format!("document.querySelector({}).innerText", json!(selector));
        self.evaluate(&text).as_str().expect("a text").to_owned()
    }

    /// The value of a JavaScript expression on the page.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Whether the page is shown `light` or `dark`.
    #[track_caller]
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// What the browser has complained of since the last time: what a policy forbids, what cannot be
    /// loaded, what a script has thrown.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.call("Page.getFrameTree", &json!({}));
        let events = std::mem::take(&mut self.events);
        let complaints = events.iter().filter_map(|event| match event["method"].as_str()? {
            "Log.entryAdded" => Some(event["params"]["entry"]["text"].to_string()),
            "Runtime.exceptionThrown" => Some(event["params"].to_string()),
            "Page.javascriptDialogOpening" => Some(event["params"].to_string()),
            _ => None,
        });
        complaints.collect()
    }

    #[track_caller]
    pub(crate) fn await_load(&mut self) {
        let is_load = |event: &Value| event["method"] == "Page.loadEventFired";
        let seen = self.events.iter().position(is_load);
        if let Some(seen) = seen {
            self.events.remove(seen);
            return;
        }
        loop {
            let message = self.receive("a page to load");
            if is_load(&message) {
                return;
            }
            self.events.push(message);
        }
    }

    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let sent = self.commands.write_all(format!("{command}\0").as_bytes());
        let advice =
            "Chromium does not run: install the package chromium, or run `cargo xtask test`";
        sent.expect(advice);
        loop {
            let message = self.receive(advice);
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method} {params}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    #[track_caller]
    fn receive(&self, what: &str) -> Value {
        let message = self.messages.recv_timeout(PATIENCE);
        message.unwrap_or_else(|error| panic!("{error} while waiting: {what}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
