//! Sending one mail over SMTP.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use crate::storage::Mail;

/// How long a mail server is waited for, each time it is to say something.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where mail is sent through, and from whom it is.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

/// The mail server cannot be used as it is named.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL is none.
    #[error(
        "the mail server's URL cannot be used: {0}; write it like smtps://USER:PASSWORD@HOST or smtp://HOST:25?tls=opportunistic"
    )]
    Url(lettre::transport::smtp::Error),
    /// The sender's address is none.
    #[error("{0:?} is no address to send from; write it like desk@example.org")]
    From(String),
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Another time it may go: nobody answered, or not now.
    #[error("{0}")]
    Later(lettre::transport::smtp::Error),
    /// It will not go however often it is tried.
    #[error("{0}")]
    Never(Box<dyn std::error::Error + Send + Sync>),
}

impl Smtp {
    /// A mail server by its URL, `smtp://` or `smtps://` with user and password where it wants them, and the address that mail is
    /// from. Nothing is connected yet. The password is never in an error or a log.
    ///
    /// # Errors
    /// When the URL or the address is none.
    pub fn new(url: &str, from: &str) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(SmtpError::Url)?;
        let from = from.parse().map_err(|_| SmtpError::From(from.chars().take(80).collect()))?;
        Ok(Self { transport: transport.timeout(Some(TIMEOUT)).build(), from })
    }

    /// Sends a mail and waits until the mail server has taken it.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let message = self.message(mail).map_err(SendError::Never)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Never(Box::new(error))),
            Err(error) => Err(SendError::Later(error)),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let written = Duration::from_millis(u64::try_from(mail.created_at.0).unwrap_or(0));
        let mut message = Message::builder()
            .from(Mailbox::new(Some("WorkerNet Desk".to_owned()), self.from.clone()))
            .to(Mailbox::new(None, mail.recipient.parse()?))
            .subject(mail.subject.clone())
            .date(UNIX_EPOCH + written)
            // The same each time: whoever gets it twice sees it once.
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())?;
        // Automatic replies are not wanted, and nobody reads them.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }
}
