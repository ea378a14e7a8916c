//! What is answered before there is a request to answer.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// To somebody who speaks plain HTTP where TLS is spoken: a problem document, as all errors are.
const NOT_TLS: &str = concat!(
    r#"{"title":"Bad Request","status":400,"detail":"#,
    r#""this address speaks TLS only: write https:// instead of http://"}"#
);
/// Of the request, which is read so that the answer is not lost with a connection that is closed under it.
const READ: usize = 16 * 1024;

/// Whether a connection on which TLS is spoken begins as plain HTTP does: with a method, where TLS has a byte that is
/// no letter (RFC 8446, section 5.1).
pub(super) fn is_plain_http(first: u8) -> bool {
    first.is_ascii_uppercase()
}

/// Says that TLS is spoken here.
pub(super) async fn refuse_plain_http(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    if stream.read(&mut vec![0; READ]).await? == 0 {
        return Ok(());
    }
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{NOT_TLS}",
        NOT_TLS.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
