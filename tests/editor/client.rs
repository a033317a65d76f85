//! Starts a language server and talks with it over its standard input and output.

use std::{
    fs::File,
    io::BufReader,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use lsp_server::{Message, Notification, Request, RequestId, Response};
use lsp_types::{notification, request};
use serde_json::Value;

/// A server that works says something more often than this, if only how far it is.
const SILENCE: Duration = Duration::from_secs(120);

pub(crate) struct Client {
    server: Child,
    input: ChildStdin,
    messages: Receiver<Message>,
    requests: i32,
}

impl Client {
    /// Starts `program` in `folder`. What it says beside the protocol goes to the file `log`.
    pub(crate) fn start(program: &Path, folder: &Path, log: &Path) -> Result<Self> {
        let mut server = Command::new(program)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let input = server.stdin.take().context("the server has an input")?;
        let mut output = BufReader::new(server.stdout.take().context("the server has an output")?);
        let (sender, messages) = channel();
        // Ends with the output, or with the client.
        thread::spawn(move || {
            while let Ok(Some(message)) = Message::read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            server,
            input,
            messages,
            requests: 0,
        })
    }

    pub(crate) fn notify<N: notification::Notification>(&mut self, parameters: Value) -> Result<()> {
        self.send(Notification::new(N::METHOD.to_owned(), parameters))
    }

    pub(crate) fn request<R: request::Request>(&mut self, parameters: Value) -> Result<R::Result> {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        self.send(Request::new(id.clone(), R::METHOD.to_owned(), parameters))?;
        loop {
            if let Message::Response(response) = self.receive()?
                && response.id == id
            {
                return match response.response_result {
                    Ok(result) => Ok(serde_json::from_value(result)?),
                    Err(error) => bail!("{} failed: {}", R::METHOD, error.message),
                };
            }
        }
    }

    /// The parameters of the next notification `N`.
    pub(crate) fn notified<N: notification::Notification>(&mut self) -> Result<N::Params> {
        loop {
            if let Message::Notification(notification) = self.receive()?
                && notification.method == N::METHOD
            {
                return Ok(serde_json::from_value(notification.params)?);
            }
        }
    }

    /// The next message. What the server asks is answered with nothing.
    fn receive(&mut self) -> Result<Message> {
        let message = self.messages.recv_timeout(SILENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => anyhow::anyhow!("the server has said nothing for {SILENCE:?}"),
            RecvTimeoutError::Disconnected => anyhow::anyhow!("the server has gone"),
        })?;
        if let Message::Request(request) = &message {
            self.send(Response::new_ok(request.id.clone(), ()))?;
        }
        Ok(message)
    }

    fn send(&mut self, message: impl Into<Message>) -> Result<()> {
        message
            .into()
            .write(&mut self.input)
            .context("the server does not listen")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
