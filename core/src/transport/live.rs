//! The live stream: server-sent events (WHATWG HTML, section 9.2), one [`LiveEvent`] each.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_protocol::cbor;
use bedside_protocol::limits::BODY_BYTES_MAX;
use bedside_protocol::wire::{Cursor, LiveEvent};
use reqwest::{Response, StatusCode};

use super::{RelayClient, authorised, refused, unreachable_because};
use crate::engine::Failure;

/// An open live stream.
pub struct LiveStream {
    response: Response,
    buffer: Vec<u8>,
    data: String,
    /// Milliseconds that the relay asked to be left alone for after the stream ends.
    pub retry_ms: Option<u64>,
    client: RelayClient,
}

impl RelayClient {
    /// Opens the live stream after `cursor`.
    pub async fn live(&self, token: &[u8; 32], cursor: &Cursor) -> Result<LiveStream, Failure> {
        let mut url = self.base.join("v1/live").map_err(|_| Failure::Garbage)?;
        let hex: String = cbor::encode(cursor).iter().map(|byte| format!("{byte:02x}")).collect();
        url.set_query(Some(&format!("cursor={hex}")));
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        let request = authorised(self.live.get(url), Some(token));
        let response = request.send().await.map_err(|error| unreachable_because(&error))?;
        if response.status() != StatusCode::OK {
            let body = self.read(response).await?;
            return Err(refused(&body));
        }
        Ok(LiveStream {
            response,
            buffer: Vec::new(),
            data: String::new(),
            retry_ms: None,
            client: self.clone(),
        })
    }
}

impl LiveStream {
    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<LiveEvent>, Failure> {
        loop {
            while let Some(line) = self.take_line() {
                if let Some(event) = self.line(&line)? {
                    return Ok(Some(event));
                }
            }
            let Some(chunk) = self.response.chunk().await.map_err(|error| unreachable_because(&error))?
            else {
                return Ok(None);
            };
            self.client.traffic.down.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            if self.buffer.len() + chunk.len() > 2 * BODY_BYTES_MAX {
                return Err(Failure::Garbage);
            }
            self.buffer.extend_from_slice(&chunk);
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<LiveEvent>, Failure> {
        let line = std::str::from_utf8(line).map_err(|_| Failure::Garbage)?;
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if data.is_empty() { Ok(None) } else { decode(&data).map(Some) };
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.data.push_str(value),
            "retry" => self.retry_ms = value.parse().ok(),
            _ => {}
        }
        Ok(None)
    }
}

fn decode(data: &str) -> Result<LiveEvent, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(data).map_err(|_| Failure::Garbage)?;
    cbor::decode(&bytes).map_err(|_| Failure::Garbage)
}
