//! The server over HTTP: one method per endpoint, every failure an `ApiError`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use desk_api::{
    ApiError, ErrorCode,
    rest::{
        BATCH_MEDIA_TYPE, DATE_MS_HEADER, ERASE_PROOF_HEADER, Health, NewDevice, RefreshRequest, Session,
        SignInRequest, WITNESS_HEADER,
    },
};
use desk_domain::{
    ids::{DeviceId, DocId},
    time::UtcMillis,
};
use desk_sync::{
    segment::{Bootstrap, MAX_SEGMENT_BYTES},
    wire::{
        self, Documents, Hash, Heads, MAX_BODY_BYTES, Message, PullReply, Push, PushReply, Wanted, WireError,
    },
};
use futures::StreamExt;
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    error,
    machine::{self, CorrectedClock},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence while an answer is read; a batch may take long, a dead connection must not.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
    clock: Arc<CorrectedClock>,
    requests: Arc<AtomicU64>,
    received_bytes: Arc<AtomicU64>,
    /// SHA-256 (hexadecimal) of what this device's server shows when it takes its access away.
    erase_check: Option<String>,
}

/// An answer with what it told of the clock.
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    /// The clock's new correction, when it changed.
    pub(crate) offset_ms: Option<i64>,
    /// What the server gives as proof of its log, to be shown with the next request.
    pub(crate) witness: Option<String>,
}

/// Parses a server's address as a person types it; `https` is assumed.
pub(crate) fn server_url(text: &str) -> Result<Url, ApiError> {
    let text = text.trim();
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let wrong = |why: &str| {
        ApiError::new(
            ErrorCode::Invalid,
            format!("{text:?} is no server address: {why}, like https://desk.example.org"),
        )
        .at("server")
    };
    let mut url = Url::parse(&full).map_err(|_| wrong("write it"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it begins with https://"));
    }
    // Passwords and tokens travel in the clear only where nobody else listens.
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        return Err(wrong("without https only this computer itself can be reached; use https"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

impl Http {
    pub(crate) fn new(
        base: &Url,
        clock: &Arc<CorrectedClock>,
        erase_check: Option<String>,
    ) -> Result<Self, ApiError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // A password or a token goes to the address that was named and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("workernet-desk/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(error::internal)?;
        Ok(Self {
            client,
            base: base.clone(),
            clock: Arc::clone(clock),
            requests: Arc::default(),
            received_bytes: Arc::default(),
            erase_check,
        })
    }

    pub(crate) async fn sign_in(
        &self,
        workspace: &str,
        email: &str,
        password: &str,
        device: DeviceId,
    ) -> Result<Session, ApiError> {
        let request = SignInRequest {
            workspace: workspace.to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
            device,
            device_name: machine::device_name(),
        };
        let call = self.request(Method::POST, "v1/sessions")?.json(&request);
        self.json(call).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str, device: DeviceId) -> Result<Session, ApiError> {
        let request = RefreshRequest { refresh_token: refresh_token.to_owned(), device };
        let call = self.request(Method::POST, "v1/sessions/refresh")?.json(&request);
        self.json(call).await
    }

    /// Goes on as another device of the signed-in member.
    pub(crate) async fn new_device(&self, access: &str, device: DeviceId) -> Result<Session, ApiError> {
        let request = NewDevice { device, device_name: machine::device_name() };
        let call = self.request(Method::POST, "v1/devices")?.bearer_auth(access).json(&request);
        self.json(call).await
    }

    pub(crate) async fn sign_out(&self, access: &str) -> Result<(), ApiError> {
        let call = self.request(Method::DELETE, "v1/sessions")?.bearer_auth(access);
        self.send(call).await.map(drop)
    }

    pub(crate) async fn push(
        &self,
        access: &str,
        push: &Push,
        witness: Option<&str>,
    ) -> Result<Answer<PushReply>, ApiError> {
        let body =
            wire::encode(push).map_err(|problem| ApiError::new(ErrorCode::TooLarge, problem.to_string()))?;
        let call = self
            .request(Method::POST, "v1/sync/push")?
            .bearer_auth(access)
            .header("content-type", BATCH_MEDIA_TYPE)
            .body(body);
        self.frame(showing(call, witness)).await
    }

    pub(crate) async fn pull(
        &self,
        access: &str,
        after: u64,
        scope: Option<Hash>,
        witness: Option<&str>,
    ) -> Result<Answer<PullReply>, ApiError> {
        let scope = scope.map(|scope| format!("&scope={scope}")).unwrap_or_default();
        let call =
            self.request(Method::GET, &format!("v1/sync/pull?after={after}{scope}"))?.bearer_auth(access);
        self.frame(showing(call, witness)).await
    }

    /// How far the server's documents go, from the one after `after` on.
    pub(crate) async fn heads(
        &self,
        access: &str,
        after: Option<DocId>,
        witness: Option<&str>,
    ) -> Result<Answer<Heads>, ApiError> {
        let query = after.map(|doc| format!("?after={doc}")).unwrap_or_default();
        let call = self.request(Method::GET, &format!("v1/sync/heads{query}"))?.bearer_auth(access);
        self.frame(showing(call, witness)).await
    }

    /// The first of some documents, whole.
    pub(crate) async fn documents(
        &self,
        access: &str,
        docs: &[DocId],
        witness: Option<&str>,
    ) -> Result<Answer<Documents>, ApiError> {
        let body = wire::encode(&Wanted { docs: docs.to_vec() }).map_err(error::internal)?;
        let call = self.request(Method::POST, "v1/sync/documents")?.bearer_auth(access).body(body);
        self.frame(showing(call, witness)).await
    }

    pub(crate) async fn bootstrap(&self, access: &str) -> Result<Answer<Bootstrap>, ApiError> {
        let call = self.request(Method::GET, "v1/sync/bootstrap")?.bearer_auth(access);
        self.frame(call).await
    }

    /// A segment's bytes, whatever they are: the caller checks them against the id.
    pub(crate) async fn segment(&self, access: &str, id: Hash) -> Result<Vec<u8>, ApiError> {
        let call = self.request(Method::GET, &format!("v1/sync/segments/{id}"))?.bearer_auth(access);
        let (response, _) = self.send(call).await?;
        let bytes = read(response, MAX_SEGMENT_BYTES).await?;
        self.received_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    /// How often the server was asked for something.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes of all bodies that were received.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    pub(crate) async fn health(&self) -> Result<Health, ApiError> {
        let call = self.request(Method::GET, "v1/health")?;
        self.json(call).await
    }

    /// The live connection's address.
    pub(crate) fn live_url(&self) -> Result<Url, ApiError> {
        let mut url = self.join("v1/live")?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| ApiError::new(ErrorCode::Internal, "no live address"))?;
        Ok(url)
    }

    fn join(&self, path: &str) -> Result<Url, ApiError> {
        self.base.join(path).map_err(error::internal)
    }

    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, ApiError> {
        Ok(self.client.request(method, self.join(path)?))
    }

    /// Learns from an answer that left the server at `server_now`, to what was sent at `sent_at` (machine time) and was answered
    /// just now; the clock's new correction, when it changed.
    pub(super) fn learn(&self, server_now: UtcMillis, sent_at: UtcMillis) -> Option<i64> {
        self.clock.learn(server_now, sent_at, CorrectedClock::machine_now())
    }

    async fn send(&self, call: reqwest::RequestBuilder) -> Result<(Response, Option<i64>), ApiError> {
        let sent_at = CorrectedClock::machine_now();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = call.send().await.map_err(|problem| unreachable(&problem))?;
        let offset = server_now(&response).and_then(|server_now| self.learn(server_now, sent_at));
        if response.status().is_success() {
            return Ok((response, offset));
        }
        let may_erase = self.may_erase(&response);
        let refused = refused(response).await;
        match refused.code {
            // Who else answers at the server's address must not be able to empty a device.
            ErrorCode::DeviceRevoked | ErrorCode::AccessEnded if !may_erase => Err(nonsense(
                "it says that this device lost its access, and does not prove that it is the device's server",
            )),
            _ => Err(refused),
        }
    }

    /// The answer proves that it is this device's own server's.
    fn may_erase(&self, response: &Response) -> bool {
        let proof = response.headers().get(ERASE_PROOF_HEADER).and_then(|value| hex::decode(value).ok());
        proof.is_some_and(|proof| self.erase_check == Some(hex::encode(Sha256::digest(proof))))
    }

    async fn json<T: serde::de::DeserializeOwned>(
        &self,
        call: reqwest::RequestBuilder,
    ) -> Result<T, ApiError> {
        let (response, _) = self.send(call).await?;
        let body = whole(response).await?;
        serde_json::from_slice(&body).map_err(|_| nonsense("its answer is not what a WorkerNet server says"))
    }

    async fn frame<M: Message>(&self, call: reqwest::RequestBuilder) -> Result<Answer<M>, ApiError> {
        let (response, offset_ms) = self.send(call).await?;
        let witness = response.headers().get(WITNESS_HEADER);
        let witness = witness.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = whole(response).await?;
        self.received_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let value = wire::decode(&body).map_err(unreadable)?;
        Ok(Answer { value, offset_ms, witness })
    }
}

/// A request that shows what the server gave as proof of its log.
fn showing(call: reqwest::RequestBuilder, witness: Option<&str>) -> reqwest::RequestBuilder {
    match witness {
        Some(witness) => call.header(WITNESS_HEADER, witness),
        None => call,
    }
}

/// Reads a body, and no more than anybody sends.
async fn whole(response: Response) -> Result<Vec<u8>, ApiError> {
    read(response, MAX_BODY_BYTES).await
}

async fn read(response: Response, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|problem| unreachable(&problem))?;
        if body.len() + chunk.len() > most {
            return Err(nonsense("its answer does not end"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn server_now(response: &Response) -> Option<UtcMillis> {
    response.headers().get(DATE_MS_HEADER)?.to_str().ok()?.parse().ok().map(UtcMillis)
}

fn unreachable(problem: &reqwest::Error) -> ApiError {
    let mut cause: &dyn std::error::Error = problem;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    ApiError::new(
        ErrorCode::Offline,
        format!("the server cannot be reached ({cause}); what you do is kept and sent later"),
    )
}

/// What came is not the message that it should be.
#[expect(clippy::needless_pass_by_value, reason = "to be mapped with")]
pub(super) fn unreadable(problem: WireError) -> ApiError {
    match problem {
        WireError::NewerVersion { .. } => ApiError::new(ErrorCode::UpgradeRequired, problem.to_string()),
        WireError::Truncated
        | WireError::NotABatch
        | WireError::WrongMessage { .. }
        | WireError::Checksum
        | WireError::TooLarge { .. }
        | WireError::Malformed => nonsense(&problem.to_string()),
    }
}

fn nonsense(what: &str) -> ApiError {
    ApiError::new(ErrorCode::BadServer, format!("the server answered something that is no answer: {what}"))
}

/// A refusal: the server's own error if it has one, else what the status says.
async fn refused(response: Response) -> ApiError {
    let status = response.status();
    let Ok(body) = whole(response).await else {
        return nonsense(&format!("status {status}"));
    };
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        return error;
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            ApiError::new(ErrorCode::RateLimited, "too many requests; wait a little")
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ApiError::new(
                ErrorCode::Offline,
                format!("the server is not there at the moment (status {status})"),
            )
        }
        _ => nonsense(&format!("status {status}; is the address a WorkerNet server's?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_type_it() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(server_url(text).ok().map(|url| url.to_string()).as_deref(), expected, "{text}");
        };
        check("desk.example.org", Some("https://desk.example.org/"));
        check(" https://desk.example.org/help ", Some("https://desk.example.org/help/"));
        check("http://127.0.0.1:8080", Some("http://127.0.0.1:8080/"));
        check("http://localhost:8080", Some("http://localhost:8080/"));
        check("http://[::1]:8080", Some("http://[::1]:8080/"));
        check("http://desk.example.org", None);
        check("ftp://desk.example.org", None);
        check("", None);
        check("not an address", None);
    }
}
